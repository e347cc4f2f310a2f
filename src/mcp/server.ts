/** The tools and resources that a client sees. Each answer is bounded and says what it leaves out. */
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import type { RequestHandlerExtra } from '@modelcontextprotocol/sdk/shared/protocol.js';
import type {
  CallToolResult,
  ServerNotification,
  ServerRequest,
} from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';
import { type ExecProgram, isWasboxError, type JsonDiff, type SessionReport } from '../index.js';
import { wasboxVersion } from '../version.js';
import type { Chosen, Workspace } from './workspace.js';

/** Bytes of each stream, and of a file, in one answer. */
const maxAnswerBytes = 100_000;
const maxListed = 1000;
/** Calls that wait or run; a client that asks for more at once gets an error. */
const maxCalls = 256;
/** Milliseconds between two notes about the progress of a program. */
const progressMs = 1000;

type Extra = RequestHandlerExtra<ServerRequest, ServerNotification>;

const text = (value: string): CallToolResult['content'] => [{ type: 'text', text: value }];

const answer = (value: Readonly<Record<string, unknown>>, asText?: string): CallToolResult => ({
  content: text(asText ?? JSON.stringify(value)),
  structuredContent: value,
});

/** What failed, as data that a model can act on. */
function failure(error: unknown): CallToolResult {
  if (!isWasboxError(error)) throw error;
  const { errno } = error as { readonly errno?: string };
  const value = {
    code: error.code,
    message: error.message,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    ...(errno === undefined ? {} : { errno }),
  };
  return { isError: true, content: text(JSON.stringify(value)) };
}

const where = {
  cwd: z.string().optional().describe('Current directory; relative paths start from the project'),
  env: z.record(z.string(), z.string()).optional().describe('Variables to add'),
  stdin: z.string().optional().describe('What the program reads from standard input'),
  timeout_ms: z.number().int().min(1).max(2_147_483_647).optional().describe('Time limit'),
};

interface Where {
  readonly cwd?: string | undefined;
  readonly env?: Readonly<Record<string, string>> | undefined;
  readonly stdin?: string | undefined;
  readonly timeout_ms?: number | undefined;
}

const ended = {
  outcome: z.enum(['exited', 'signaled', 'timeout']),
  exit_code: z.number().nullable(),
  signal: z.string().nullable(),
  duration_ms: z.number(),
  stdout: z.string(),
  stderr: z.string(),
  stdout_bytes: z.number().describe('Bytes written; more than the text has if it was cut off'),
  stderr_bytes: z.number(),
  truncated: z.boolean(),
};

async function execute(
  workspace: Workspace,
  program: ExecProgram,
  { cwd, env, stdin, timeout_ms: timeoutMs }: Where,
  { signal, _meta, sendNotification }: Extra,
): Promise<CallToolResult> {
  const session = await workspace.session();
  const written = { stdout: 0, stderr: 0 };
  const { progressToken } = _meta ?? {};
  let told = 0;
  const count = (stream: keyof typeof written) => (chunk: Uint8Array) => {
    written[stream] += chunk.length;
    const now = performance.now();
    if (progressToken === undefined || now - told < progressMs) return;
    told = now;
    const progress = written.stdout + written.stderr;
    const params = { progressToken, progress, message: `${progress} bytes written` };
    sendNotification({ method: 'notifications/progress', params }).catch(() => {});
  };
  const result = await session.exec(program, {
    cwd,
    env,
    input: stdin,
    timeoutMs,
    signal,
    maxOutputBytes: maxAnswerBytes,
    onStdout: count('stdout'),
    onStderr: count('stderr'),
  });
  const { stdout, stderr, outcome, exitCode, truncated } = result;
  const value = {
    outcome,
    exit_code: exitCode ?? null,
    signal: result.signal ?? null,
    duration_ms: result.durationMs,
    stdout,
    stderr,
    stdout_bytes: written.stdout,
    stderr_bytes: written.stderr,
    truncated,
  };
  return { ...answer(value), isError: false };
}

/** Paths are shown escaped: JsonDiff has them so. */
const changeText = ({ kind, type, path, added, removed, flags, binary }: JsonDiff): string =>
  `${kind} ${type} ${path}${binary ? '' : ` (+${added} -${removed})`}${flags.length > 0 ? ` [${flags.join(', ')}]` : ''}`;

function listText(changes: readonly JsonDiff[], most: number): string {
  const lines = changes.slice(0, most).map(changeText);
  if (changes.length > most) lines.push(`… and ${changes.length - most} more`);
  return lines.join('\n');
}

const changesValue = (changes: readonly JsonDiff[]) => ({
  total: changes.length,
  changes: changes.slice(0, maxListed).map(({ kind, type, path, added, removed, flags }) => ({
    kind,
    type,
    path,
    added,
    removed,
    flags: [...flags],
  })),
});

const maxWords = 20;
const maxWordLength = 200;

/** A client's own words may be long, and many. */
function reportText({ programs, ...report }: SessionReport): string {
  const short = (word: string): string =>
    word.length > maxWordLength ? `${word.slice(0, maxWordLength)}…` : word;
  const told = programs.map(({ argv, ...program }) => ({
    argv: argv.slice(0, maxWords).map(short),
    words: argv.length,
    ...program,
  }));
  return JSON.stringify({ ...report, programs: told });
}

/** Whether the client's user grants it; false where the client cannot ask. */
async function granted(server: McpServer, { changes }: Chosen): Promise<boolean> {
  const answered = await server.server.elicitInput({
    message: `Apply ${changes.length} changes to your files?\n${listText(changes, 50)}`,
    requestedSchema: {
      type: 'object',
      properties: { apply: { type: 'boolean', title: 'Apply these changes', default: false } },
      required: ['apply'],
    },
  });
  return answered.action === 'accept' && answered.content?.apply === true;
}

/** @param allowApply whether changes are applied without asking the client's user */
export function createServer(workspace: Workspace, allowApply: boolean): McpServer {
  const server = new McpServer(
    { name: 'wasbox', version: wasboxVersion },
    {
      instructions:
        'A sandbox over a copy of the project. Commands share files and background processes. Nothing reaches the real files until apply.',
      maxToolInputElements: 10_000,
    },
  );
  let calls = 0;
  const limited = async (call: () => Promise<CallToolResult>): Promise<CallToolResult> => {
    if (calls >= maxCalls) {
      const value = { code: 'TOO_MANY_CALLS', message: `more than ${maxCalls} calls at a time` };
      return { isError: true, content: text(JSON.stringify(value)) };
    }
    calls++;
    try {
      return await call();
    } catch (error) {
      return failure(error);
    } finally {
      calls--;
    }
  };
  addPrograms(server, workspace, limited);
  addFiles(server, workspace, limited);
  addChanges(server, workspace, { limited, allowApply });
  return server;
}

type Limited = (call: () => Promise<CallToolResult>) => Promise<CallToolResult>;

function addPrograms(server: McpServer, workspace: Workspace, limited: Limited): void {
  server.registerTool(
    'run_command',
    {
      description: 'Run a command in the sandbox. No shell sees its words; for one, run sh -c.',
      inputSchema: {
        argv: z.array(z.string()).min(1).describe('The command and its arguments'),
        ...where,
      },
      outputSchema: ended,
      annotations: { openWorldHint: true },
    },
    ({ argv, ...how }, extra) => limited(() => execute(workspace, argv, how, extra)),
  );
  server.registerTool(
    'run_code',
    {
      description: 'Run source text in the sandbox: python, node, sh, bash, ruby, perl …',
      inputSchema: {
        language: z.string().describe('Such as python, node, sh'),
        code: z.string(),
        args: z.array(z.string()).optional(),
        ...where,
      },
      outputSchema: ended,
      annotations: { openWorldHint: true },
    },
    ({ language, code, args, ...how }, extra) =>
      limited(() => execute(workspace, { lang: language, code, args }, how, extra)),
  );
}

function addFiles(server: McpServer, workspace: Workspace, limited: Limited): void {
  const path = z.string().min(1).describe('Relative paths start from the project');
  server.registerTool(
    'read_file',
    {
      description: 'Read a file of the sandbox; base64 if it is not UTF-8.',
      inputSchema: {
        path,
        max_bytes: z.number().int().min(1).max(10_000_000).optional(),
      },
      annotations: { readOnlyHint: true },
    },
    ({ path: name, max_bytes: maxBytes = maxAnswerBytes }) =>
      limited(async () => {
        const bytes = await (await workspace.session()).files.read(name, { maxBytes });
        try {
          const content = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
          return answer({ encoding: 'utf8', content }, content);
        } catch {
          const content = Buffer.from(bytes).toString('base64');
          return answer({ encoding: 'base64', content });
        }
      }),
  );
  server.registerTool(
    'write_file',
    {
      description: 'Write a file in the sandbox, and the directories that it lies in.',
      inputSchema: {
        path,
        content: z.string(),
        encoding: z.enum(['utf8', 'base64']).optional(),
        append: z.boolean().optional(),
      },
    },
    ({ path: name, content, encoding, append }) =>
      limited(async () => {
        const bytes = Buffer.from(content, encoding ?? 'utf8');
        await (await workspace.session()).files.write(name, bytes, { append });
        return answer({ bytes: bytes.length });
      }),
  );
  server.registerTool(
    'list_files',
    {
      description: 'List a directory of the sandbox.',
      inputSchema: { path: path.optional() },
      annotations: { readOnlyHint: true },
    },
    ({ path: name }) =>
      limited(async () => {
        const entries = await (await workspace.session()).files.list(name);
        return answer({ total: entries.length, entries: entries.slice(0, maxListed) });
      }),
  );
  server.registerTool(
    'remove_file',
    {
      description: 'Remove a file or directory of the sandbox.',
      inputSchema: { path, recursive: z.boolean().optional() },
    },
    ({ path: name, recursive }) =>
      limited(async () => {
        await (await workspace.session()).files.remove(name, { recursive });
        return answer({ removed: true });
      }),
  );
}

function addChanges(
  server: McpServer,
  workspace: Workspace,
  { limited, allowApply }: { readonly limited: Limited; readonly allowApply: boolean },
): void {
  const paths = z
    .array(z.string().min(1))
    .min(1)
    .optional()
    .describe('Only these, and what is below');
  server.registerTool(
    'diff',
    {
      description: 'List what the sandbox has changed, compared with the real files.',
      inputSchema: { paths },
      annotations: { readOnlyHint: true },
    },
    ({ paths: chosen }) =>
      limited(async () => {
        const changes = await (await workspace.session()).diff(chosen);
        return answer(changesValue(changes), listText(changes, maxListed) || 'no changes');
      }),
  );
  server.registerTool(
    'apply',
    {
      description:
        'Apply changes to the real files, if the user grants it. Ends programs that run in the background.',
      inputSchema: { paths },
      annotations: { destructiveHint: true },
    },
    ({ paths: chosen }) =>
      limited(async () => {
        const mayAsk = server.server.getClientCapabilities()?.elicitation !== undefined;
        if (!allowApply && !mayAsk) {
          const message = 'the user has not allowed to apply changes, and this client cannot ask';
          const hint =
            'The user can start wasbox mcp with --allow-apply, or run wasbox apply later.';
          const value = { code: 'NOT_ALLOWED', message, hint };
          return { isError: true, content: text(JSON.stringify(value)) };
        }
        const { chosen: found, applied } = await workspace.apply(chosen, async (all) =>
          allowApply ? true : granted(server, all),
        );
        return answer({
          granted: applied !== undefined,
          applied: applied?.applied.map(({ path }) => path).slice(0, maxListed) ?? [],
          refused: applied?.refused.map(({ path, message }) => ({ path, message })) ?? [],
          held_back: found.heldBack.map(({ path }) => path).slice(0, maxListed),
        });
      }),
  );
  server.registerResource(
    'diff',
    'wasbox://diff',
    { description: 'What the sandbox has changed', mimeType: 'application/json' },
    async (uri) => {
      const changes = await (await workspace.session()).diff();
      const body = JSON.stringify(changesValue(changes));
      return { contents: [{ uri: uri.href, mimeType: 'application/json', text: body }] };
    },
  );
  server.registerResource(
    'report',
    'wasbox://report',
    {
      description: 'The last programs and how they ended',
      mimeType: 'application/json',
    },
    async (uri) => {
      const report = await (await workspace.session()).report();
      return {
        contents: [{ uri: uri.href, mimeType: 'application/json', text: reportText(report) }],
      };
    },
  );
}
