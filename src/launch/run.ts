/** The library's `run`: a sandbox from start to end, its output collected. */
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

/** What is kept of one output stream. Flows from the start, so that the payload never waits. */
export class Output {
  readonly #chunks: Uint8Array[] = [];
  #size = 0;
  #limit: number;
  #truncated = false;
  #listener: ((chunk: Uint8Array) => void) | undefined;
  #wanted: { readonly byte: number; readonly found: () => void } | undefined;
  readonly #end: Promise<void>;

  constructor(stream: Readable, limit: number) {
    this.#limit = limit;
    stream.on('data', (chunk: Uint8Array) => this.#add(chunk));
    this.#end = new Promise((resolve) => {
      stream.once('close', resolve);
      stream.once('error', () => resolve()); // what came so far is what there is
    });
  }

  #add(chunk: Uint8Array): void {
    let bytes = chunk;
    if (this.#wanted !== undefined && bytes[0] === this.#wanted.byte) {
      this.#wanted.found();
      this.#wanted = undefined;
      bytes = bytes.subarray(1);
    }
    if (bytes.length > 0) this.#listener?.(bytes);
    const room = this.#limit - this.#size;
    if (bytes.length > room) this.#truncated = true;
    const kept = bytes.subarray(0, Math.max(0, room));
    if (kept.length === 0) return;
    this.#chunks.push(kept);
    this.#size += kept.length;
  }

  /** Takes one byte out, where it is the next to come. */
  take(byte: number): Promise<void> {
    return new Promise((found) => {
      this.#wanted = { byte, found };
    });
  }

  /** Forgets what came so far; from here on keeps `limit` bytes, and tells of all. */
  begin(limit: number, listener: ((chunk: Uint8Array) => void) | undefined): void {
    this.#listener = listener;
    this.#chunks.length = 0;
    this.#size = 0;
    this.#truncated = false;
    this.#limit = limit;
  }

  /** What came so far, as text. */
  text(): string {
    return new TextDecoder().decode(Buffer.concat(this.#chunks));
  }

  /** All of it, once the stream has ended. */
  async whole(): Promise<{ readonly bytes: Uint8Array; readonly truncated: boolean }> {
    await this.#end;
    return { bytes: Buffer.concat(this.#chunks), truncated: this.#truncated };
  }
}

/** Joins how a sandbox ended with what it wrote. */
export async function withOutput(
  result: SandboxResult,
  out: Output | undefined,
  err: Output | undefined,
): Promise<RunResult> {
  const none = { bytes: new Uint8Array(), truncated: false };
  const [stdout, stderr] = [(await out?.whole()) ?? none, (await err?.whole()) ?? none];
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

const isRecord = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The two forms of a call as options. @throws TypeError where arguments are of neither form */
function callOptions(
  command: string | RunLibraryOptions,
  args: readonly string[] | undefined,
  rest: RunLibraryOptions | undefined,
): RunLibraryOptions {
  if (typeof command !== 'string') {
    if (!isRecord(command)) throw new TypeError('run(options): options must be an object');
    if (args === undefined && rest === undefined) return command;
    throw new TypeError('run(options) takes no second argument: put args in options');
  }
  if (args !== undefined && !Array.isArray(args)) {
    throw new TypeError(
      `run(command, args, options): args must be an array of strings${isRecord(args) ? '; options come third: run(command, [], options)' : ''}`,
    );
  }
  if (rest !== undefined && !isRecord(rest)) {
    throw new TypeError('run(command, args, options): options must be an object');
  }
  return { ...rest, command, ...(args === undefined ? {} : { args }) };
}

function feed(sandbox: Sandbox, input: string | Uint8Array): void {
  // A payload need not read its input.
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
 * @throws TypeError for arguments of the wrong kind, for instance options in the place of `args`
 * @throws UsageError for options that are invalid or contradict each other
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
  args?: readonly string[],
  rest?: Omit<RunLibraryOptions, 'command' | 'args'>,
): Promise<RunResult> {
  const options = callOptions(command, args, rest);
  const limit = options.maxOutputBytes ?? 64 * 1024 * 1024;
  // Nothing to read costs less than a stream that ends at once.
  const input = options.input === undefined || options.input.length === 0 ? 'ignore' : 'pipe';
  const sandbox = await spawn({ ...options, stdio: [input, 'pipe', 'pipe'] });
  const output = (stream: Readable | null) => (stream ? new Output(stream, limit) : undefined);
  const [stdout, stderr] = [output(sandbox.stdout), output(sandbox.stderr)];
  feed(sandbox, options.input ?? '');
  return withOutput(await sandbox.result, stdout, stderr);
}
