/** The tools that run programs. */
import type { RequestHandlerExtra } from '@modelcontextprotocol/sdk/shared/protocol.js';
import type {
  CallToolResult,
  ServerNotification,
  ServerRequest,
} from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';
import type { ExecProgram } from '../index.js';
import { longestMs } from '../time/index.js';
import { answer, ToolError } from './answers.js';
import { Excerpt, jsonExcerpt } from './excerpt.js';
import { maxAnswerBytes, type Serving, sandbox, usualOutputBytes } from './serving.js';

/** Milliseconds between two notes about the progress of a program. */
const progressMs = 1000;

type Extra = RequestHandlerExtra<ServerRequest, ServerNotification>;

/** A model that means no limit may well write 0 or null. */
function limit(least: number, what: string) {
  const error = `expected a whole number of at least ${least}; leave it out for no limit but that of the sandbox`;
  return z.number({ error }).int({ error }).min(least, { error }).describe(what);
}

const where = {
  sandbox,
  cwd: z.string().optional().describe('Current directory; relative paths start from the project'),
  env: z.record(z.string(), z.string()).optional().describe('Variables to add'),
  stdin: z.string().optional().describe('What the program reads from standard input'),
  timeout_ms: limit(1, 'Time limit').max(longestMs).optional(),
  memory_bytes: limit(1024 ** 2, 'Memory of all its processes').optional(),
  cpu_ms: limit(10, 'Processor time of all its processes').optional(),
  max_output_bytes: z
    .number()
    .int()
    .min(1000)
    .max(maxAnswerBytes)
    .optional()
    .describe(`Bytes of output in the answer, ${usualOutputBytes} if not given: beginning and end`),
};

/** Tells a model what it can do about output that is left out. */
const howToGetIt =
  'For more: max_output_bytes, or redirect the output to a file and read parts of it';

interface Where {
  readonly sandbox?: string | undefined;
  readonly cwd?: string | undefined;
  readonly env?: Readonly<Record<string, string>> | undefined;
  readonly stdin?: string | undefined;
  readonly timeout_ms?: number | undefined;
  readonly memory_bytes?: number | undefined;
  readonly cpu_ms?: number | undefined;
  readonly max_output_bytes?: number | undefined;
}

/** The parts of an answer that a model may use. */
const answered =
  'The answer is JSON: outcome (exited, signaled, timeout, limit), exit_code, stdout, stderr, what was denied and the option that allows it.';

async function execute(
  { workspaces, asking }: Serving,
  program: ExecProgram,
  { sandbox: name, cwd, env, stdin, ...limits }: Where,
  { signal, _meta, sendNotification }: Extra,
): Promise<CallToolResult> {
  const most = limits.max_output_bytes ?? usualOutputBytes;
  const written = { stdout: new Excerpt(most), stderr: new Excerpt(most) };
  const { progressToken } = _meta ?? {};
  let told = 0;
  const count = (stream: keyof typeof written) => (chunk: Uint8Array) => {
    written[stream].add(chunk);
    const now = performance.now();
    if (progressToken === undefined || now - told < progressMs) return;
    told = now;
    const progress = written.stdout.bytes + written.stderr.bytes;
    const params = { progressToken, progress, message: `${progress} bytes written` };
    sendNotification({ method: 'notifications/progress', params }).catch(() => {});
  };
  let opened: readonly number[] = [];
  const result = await workspaces.get(name).use(async (session) => {
    const before = new Set(session.insidePorts);
    const ended = await session.exec(program, {
      cwd,
      env,
      input: stdin,
      timeoutMs: limits.timeout_ms,
      memoryBytes: limits.memory_bytes,
      cpuMs: limits.cpu_ms,
      signal,
      maxOutputBytes: 0, // the excerpts have it
      onStdout: count('stdout'),
      onStderr: count('stderr'),
    });
    opened = session.insidePorts.filter((port) => !before.has(port));
    return ended;
  });
  const { outcome, exitCode } = result;
  const { stdout, stderr } = written;
  // A stream may have what the other one leaves; both have half.
  const half = Math.floor(most / 2);
  const shareOf = (other: Excerpt): number => Math.max(half, most - other.bytes);
  const value = {
    outcome,
    ...(result.limit === undefined ? {} : { limit: result.limit }),
    exit_code: exitCode ?? null,
    signal: result.signal ?? null,
    duration_ms: result.durationMs,
    stdout: jsonExcerpt(stdout, shareOf(stderr), howToGetIt),
    stderr: jsonExcerpt(stderr, shareOf(stdout), howToGetIt),
    stdout_bytes: stdout.bytes,
    stderr_bytes: stderr.bytes,
    truncated: stdout.bytes > shareOf(stderr) || stderr.bytes > shareOf(stdout),
    denied: asking.toldOnce(result.denied),
    ...(result.leads.length === 0 ? {} : { leads: result.leads }),
    ...(opened.length === 0 ? {} : { ports_open_inside_only: opened }),
  };
  // The answer is text only: with the same as data beside it, some clients give a model both.
  return { content: answer(value).content, isError: false };
}

const words = z.array(z.string()).min(1);

function programOf(
  command: string | readonly string[] | undefined,
  argv: readonly string[] | undefined,
): ExecProgram {
  if (command !== undefined && argv === undefined)
    return typeof command === 'string' ? ['sh', '-c', command] : command;
  if (argv !== undefined && command === undefined) return argv;
  throw new ToolError(
    'ERR_USAGE',
    argv === undefined ? 'run_command: nothing to run' : 'run_command: both command and argv',
    'Give one of them: command is a line for sh, argv a program and its arguments.',
  );
}

export function addPrograms(serving: Serving): void {
  const { server, limited } = serving;
  server.registerTool(
    'run_command',
    {
      description: `Run a command in the sandbox: a line for a shell, or a program and its arguments without one. ${answered}`,
      inputSchema: z.strictObject({
        command: z
          .union([z.string().min(1), words])
          .optional()
          .describe('A line for sh: pipes, && and > work; or a program and its arguments'),
        argv: words.optional().describe('A program and its arguments'),
        ...where,
      }),
      annotations: { openWorldHint: true },
    },
    ({ command, argv, ...how }, extra) =>
      limited(() => execute(serving, programOf(command, argv), how, extra)),
  );
  server.registerTool(
    'run_code',
    {
      description: `Run source text in the sandbox: python, node, sh, bash, ruby, perl … ${answered}`,
      inputSchema: z.strictObject({
        language: z.string().describe('Such as python, node, sh'),
        code: z.string(),
        args: z.array(z.string()).optional(),
        ...where,
      }),
      annotations: { openWorldHint: true },
    },
    ({ language, code, args, ...how }, extra) =>
      limited(() => execute(serving, { lang: language, code, args }, how, extra)),
  );
}
