/** A running sandbox, as the library's `spawn` gives it. */
import type { Readable, Writable } from 'node:stream';
import type { TerminalSize } from '../options/index.js';
import type { LineOptions } from './lines.js';
import type { Stdio, StdioTarget } from './options.js';
import type { SandboxResult } from './result.js';

type Streamed<Target extends StdioTarget, Stream> = Target extends 'pipe'
  ? Stream
  : 'pipe' extends Target
    ? Stream | null
    : null;

/** A sandbox with the streams that `stdio` asks for. */
export type Sandbox<S extends Stdio = Stdio> = RunningSandbox<
  Streamed<S[0], Writable>,
  Streamed<S[1], Readable>,
  Streamed<S[2], Readable>
>;

/** A running sandbox. `await using` ends it, and everything in it, at the end of the block. */
export interface RunningSandbox<
  Stdin extends Writable | null = Writable | null,
  Stdout extends Readable | null = Readable | null,
  Stderr extends Readable | null = Readable | null,
> extends AsyncDisposable {
  /** Pid of the sandbox's init on the host. */
  readonly pid: number;
  /** The ID under which its changes are saved, if they are; undefined where it can change nothing. */
  readonly runId: string | undefined;
  /** `null` unless that stream is a pipe. */
  readonly stdin: Stdin;
  readonly stdout: Stdout;
  readonly stderr: Stderr;
  /**
   * The lines of stdout as they come, without the newline; with `tty` each still ends in `\r`. Use it instead of
   * reading `stdout`.
   * @throws UsageError where stdout is not a pipe
   */
  stdoutLines(options?: LineOptions): AsyncIterable<string>;
  /**
   * Sends a signal to the payload's process group; `SIGKILL` ends everything in the sandbox.
   * @default 'SIGTERM'
   */
  kill(signal?: NodeJS.Signals | number): void;
  /**
   * Fulfilled once every process of the sandbox is gone.
   * Rejected with an AbortError where the `signal` was aborted; with a LaunchError or SupportError where
   * the payload never ran.
   */
  readonly result: Promise<SandboxResult>;
}

/** A sandbox whose program has a terminal of its own: `tty`. */
export interface TerminalSandbox extends RunningSandbox<Writable, Readable, Readable> {
  /** Changes the size of the terminal; the program gets SIGWINCH. @throws UsageError for an invalid size */
  resize(size: TerminalSize): void;
}
