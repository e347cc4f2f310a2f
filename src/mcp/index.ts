/** The MCP server on stdin and stdout, for `wasbox mcp`. */
import { speakAs } from '../errors/index.js';
import { createSession, isWasboxError, type Session, type SessionOptions } from '../index.js';
import { Asking } from './asking.js';
import { createServer } from './server.js';
import { StdioTransport } from './transport.js';
import type { Begin } from './workspace.js';
import { Workspaces } from './workspaces.js';

interface Settings {
  readonly allowApply: boolean;
  /** True if the client's user may be asked about what the sandbox refuses. */
  readonly ask: boolean;
  /** Milliseconds for an answer. */
  readonly askTimeoutMs?: number | undefined;
}

const say = (line: string): void => void process.stderr.write(`${line}\n`);

/**
 * How sessions begin: with questions, so that denials are known as data. Where the kernel does not hand refused calls
 * over, sessions begin without questions, unless the user wants to be asked.
 */
function beginning(asking: Asking, { ask, askTimeoutMs }: Settings): Begin {
  let hasQuestions = true;
  return async (options): Promise<Session> => {
    if (!hasQuestions) return createSession(options);
    try {
      return await createSession({ ...options, ask: asking.ask, askTimeoutMs });
    } catch (error) {
      if (ask || !isWasboxError(error)) throw error;
      const session = await createSession(options);
      hasQuestions = false;
      say(`wasbox mcp: denials cannot be reported: ${error.message}`);
      return session;
    }
  };
}

/**
 * Serves until the client leaves.
 * @returns the exit status
 */
export async function serve(options: SessionOptions, settings: Settings): Promise<number> {
  const leaving = new AbortController();
  const asking = new Asking(settings.ask, leaving.signal);
  const workspaces = new Workspaces(options, beginning(asking, settings));
  const transport = new StdioTransport(process.stdin, process.stdout);
  const room = () => transport.room();
  const server = createServer({ workspaces, asking, allowApply: settings.allowApply, room });
  let status = 0;
  const left = new Promise<void>((resolve) => {
    transport.onclose = resolve;
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
      process.once(signal, () => resolve());
  });
  server.server.onerror = (error) => say(`wasbox mcp: ${JSON.stringify(error.message)}`);
  try {
    // An option that cannot be is said at the start, not with the first call.
    await workspaces.get().use(async () => {});
    speakAs('mcp');
    await server.connect(transport);
    await left;
  } finally {
    leaving.abort();
    const saved = await workspaces.close().catch((error: unknown) => {
      status = 1;
      say(`wasbox mcp: ${String(error)}`);
      return [];
    });
    for (const id of saved) say(`wasbox: changes saved. Review them: wasbox diff ${id}`);
    await server.close().catch(() => {});
  }
  return status;
}
