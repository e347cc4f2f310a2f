/** Stage: launch. The library's `run`: a sandbox from start to end, its output collected. */
import type { Readable } from 'node:stream';
import { type Sandbox, type SandboxResult, type SpawnOptions, spawn } from './spawn.js';

export interface RunLibraryOptions extends Omit<SpawnOptions, 'stdio'> {
  /**
   * What the payload reads from stdin.
   * @default '' (stdin is at its end at once)
   */
  readonly input?: string | Uint8Array | undefined;
  /**
   * Bytes kept of stdout and of stderr each; what comes after is read and dropped, and
   * `truncated` says so.
   * @default 67108864
   */
  readonly maxOutputBytes?: number | undefined;
}

export interface RunResult extends SandboxResult {
  /** Output decoded as UTF-8. */
  readonly stdout: string;
  readonly stderr: string;
  /** The same as bytes. */
  readonly stdoutBytes: Uint8Array;
  readonly stderrBytes: Uint8Array;
  /** Whether either was longer than `maxOutputBytes`. */
  readonly truncated: boolean;
}

interface Collected {
  readonly bytes: Uint8Array;
  readonly truncated: boolean;
}

async function collect(stream: Readable | null, limit: number): Promise<Collected> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  let truncated = false;
  for await (const chunk of stream ?? []) {
    const bytes = chunk as Uint8Array;
    const room = limit - size;
    if (bytes.length > room) truncated = true;
    if (room > 0) {
      const kept = bytes.subarray(0, room);
      chunks.push(kept);
      size += kept.length;
    }
  }
  return { bytes: Buffer.concat(chunks), truncated };
}

function feed(sandbox: Sandbox, input: string | Uint8Array): void {
  // A payload that does not read its input is no error.
  sandbox.stdin?.on('error', () => {});
  sandbox.stdin?.end(input);
}

/**
 * Runs a script or command in a sandbox and collects its output.
 *
 * @example
 * const { stdout, exitCode } = await run('script.py', ['--fast']);
 * const { stdout } = await run({ lang: 'python', code: 'print(1 + 1)' });
 *
 * @throws UsageError where the options ask for something that cannot be
 * @throws PolicyError where the policy does not compile
 * @throws LaunchError or SupportError where the payload could not be started
 */
export async function run(options: RunLibraryOptions): Promise<RunResult>;
export async function run(
  command: string,
  args?: readonly string[],
  options?: Omit<RunLibraryOptions, 'command' | 'args'>,
): Promise<RunResult>;
export async function run(
  command: string | RunLibraryOptions,
  args: readonly string[] = [],
  rest: Omit<RunLibraryOptions, 'command' | 'args'> = {},
): Promise<RunResult> {
  const options: RunLibraryOptions =
    typeof command === 'string' ? { ...rest, command, args } : command;
  const limit = options.maxOutputBytes ?? 64 * 1024 * 1024;
  const sandbox = await spawn(options);
  feed(sandbox, options.input ?? '');
  const output = Promise.all([collect(sandbox.stdout, limit), collect(sandbox.stderr, limit)]);
  output.catch(() => {}); // where the sandbox failed, its error is the one to tell
  const result = await sandbox.result;
  const [stdout, stderr] = await output;
  const decoder = new TextDecoder();
  return {
    ...result,
    stdout: decoder.decode(stdout.bytes),
    stderr: decoder.decode(stderr.bytes),
    stdoutBytes: stdout.bytes,
    stderrBytes: stderr.bytes,
    truncated: stdout.truncated || stderr.truncated,
  };
}
