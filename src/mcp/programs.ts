/** The tools that run programs. */
import type { RequestHandlerExtra } from '@modelcontextprotocol/sdk/shared/protocol.js';
import type {
  CallToolResult,
  ServerNotification,
  ServerRequest,
} from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';
import type { ExecProgram } from '../index.js';
import { answer } from './answers.js';
import { decidedBy } from './asking.js';
import { maxAnswerBytes, type Serving, sandbox } from './serving.js';

/** Milliseconds between two notes about the progress of a program. */
const progressMs = 1000;

type Extra = RequestHandlerExtra<ServerRequest, ServerNotification>;

const where = {
  sandbox,
  cwd: z.string().optional().describe('Current directory; relative paths start from the project'),
  env: z.record(z.string(), z.string()).optional().describe('Variables to add'),
  stdin: z.string().optional().describe('What the program reads from standard input'),
  timeout_ms: z.number().int().min(1).max(2_147_483_647).optional().describe('Time limit'),
  memory_bytes: z.number().int().min(1).optional().describe('Memory of all its processes'),
  cpu_ms: z.number().int().min(1).optional().describe('Processor time of all its processes'),
};

interface Where {
  readonly sandbox?: string | undefined;
  readonly cwd?: string | undefined;
  readonly env?: Readonly<Record<string, string>> | undefined;
  readonly stdin?: string | undefined;
  readonly timeout_ms?: number | undefined;
  readonly memory_bytes?: number | undefined;
  readonly cpu_ms?: number | undefined;
}

const denied = z.object({
  kind: z.enum(['network', 'file', 'call']),
  what: z.string().describe('What the program tried to do'),
  why: z.string(),
  option: z
    .string()
    .optional()
    .describe('The option that allows it, if the user starts wasbox mcp with it'),
  decided_by: z.enum(decidedBy),
  executable: z.string(),
  count: z.number(),
});

const ended = {
  outcome: z.enum(['exited', 'signaled', 'timeout', 'limit']),
  limit: z.string().optional().describe('The limit that ended it'),
  exit_code: z.number().nullable(),
  signal: z.string().nullable(),
  duration_ms: z.number(),
  stdout: z.string(),
  stderr: z.string(),
  stdout_bytes: z.number().describe('Bytes written; more than the text holds if it was cut off'),
  stderr_bytes: z.number(),
  truncated: z.boolean(),
  denied: z.array(denied).describe('What the sandbox denied to its programs during the call'),
};

async function execute(
  { workspaces, asking }: Serving,
  program: ExecProgram,
  { sandbox: name, cwd, env, stdin, ...limits }: Where,
  { signal, _meta, sendNotification }: Extra,
): Promise<CallToolResult> {
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
  const result = await workspaces.get(name).use((session) =>
    session.exec(program, {
      cwd,
      env,
      input: stdin,
      timeoutMs: limits.timeout_ms,
      memoryBytes: limits.memory_bytes,
      cpuMs: limits.cpu_ms,
      signal,
      maxOutputBytes: maxAnswerBytes,
      onStdout: count('stdout'),
      onStderr: count('stderr'),
    }),
  );
  const { stdout, stderr, outcome, exitCode, truncated } = result;
  const value = {
    outcome,
    ...(result.limit === undefined ? {} : { limit: result.limit }),
    exit_code: exitCode ?? null,
    signal: result.signal ?? null,
    duration_ms: result.durationMs,
    stdout,
    stderr,
    stdout_bytes: written.stdout,
    stderr_bytes: written.stderr,
    truncated,
    denied: result.denied.map((denial) => asking.told(denial)),
  };
  return { ...answer(value), isError: false };
}

export function addPrograms(serving: Serving): void {
  const { server, limited } = serving;
  server.registerTool(
    'run_command',
    {
      description: 'Run a command in the sandbox, without a shell. To use a shell, run sh -c.',
      inputSchema: {
        argv: z.array(z.string()).min(1).describe('The command and its arguments'),
        ...where,
      },
      outputSchema: ended,
      annotations: { openWorldHint: true },
    },
    ({ argv, ...how }, extra) => limited(() => execute(serving, argv, how, extra)),
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
      limited(() => execute(serving, { lang: language, code, args }, how, extra)),
  );
}
