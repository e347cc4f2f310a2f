/** The MCP server on stdin and stdout, for `wasbox mcp`. */
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import type { SessionOptions } from '../index.js';
import { createServer } from './server.js';
import { Workspace } from './workspace.js';

/** The longest message that a client may send. */
const maxMessageBytes = 16 * 1024 * 1024;

/**
 * Serves until the client leaves.
 * @returns the exit status
 */
export async function serve(
  options: SessionOptions,
  { allowApply }: { readonly allowApply: boolean },
): Promise<number> {
  const workspace = new Workspace(options);
  const server = createServer(workspace, allowApply);
  const transport = new StdioServerTransport(process.stdin, process.stdout, {
    maxBufferSize: maxMessageBytes,
  });
  let status = 0;
  const left = new Promise<void>((resolve) => {
    transport.onclose = resolve;
    process.stdin
      .once('end', resolve)
      .once('close', resolve)
      .once('error', () => resolve());
    process.stdout.once('error', () => resolve()); // the client is gone
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
      process.once(signal, () => resolve());
  });
  server.server.onerror = (error) => {
    process.stderr.write(`wasbox mcp: ${JSON.stringify(error.message)}\n`);
  };
  try {
    // An option that cannot be is said at the start, not with the first call.
    await workspace.session();
    await server.connect(transport);
    await left;
  } finally {
    const saved = await workspace.close().catch((error: unknown) => {
      status = 1;
      process.stderr.write(`wasbox mcp: ${String(error)}\n`);
      return undefined;
    });
    if (saved !== undefined) {
      process.stderr.write(`wasbox: changes saved. Review them: wasbox diff ${saved}\n`);
    }
    await server.close().catch(() => {});
  }
  return status;
}
