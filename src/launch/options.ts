/** The options of `run` and `spawn`, as their callers see them. */
import type { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import type { Ask } from '../ask/index.js';
import type { ChangesPolicy, RunOptions, TerminalSize } from '../options/index.js';
import type { OnOutput } from './output.js';
import type { Tty } from './tty.js';

/** A script or a command. */
export interface CommandProgram {
  /** A script's path, a command that PATH finds, or `-` for a script on stdin. */
  readonly command: string;
  /** Its arguments, passed on as they are. */
  readonly args?: readonly string[] | undefined;
  /** Runs the script with the interpreter of this language, whatever its name says. */
  readonly lang?: string | undefined;
  readonly code?: undefined;
}

/** Source text. */
export interface CodeProgram {
  readonly code: string;
  /**
   * The language of `code`: `python`, `node`, `sh`, `bash`, `ruby`, `perl` …
   * @default 'sh'
   */
  readonly lang?: string | undefined;
  /** Arguments of the code. */
  readonly args?: readonly string[] | undefined;
  readonly command?: undefined;
}

/** The program to run: a command, or code. */
export type Program = CommandProgram | CodeProgram;

type ProgramKey = 'command' | 'args' | 'code' | 'lang';

/** The options of a sandbox, however it is started. */
export interface SandboxOptions extends Omit<RunOptions, ProgramKey | 'changes' | 'tty'> {
  /**
   * Gives the program a terminal of its own as stdin, stdout and stderr, with job control. Its output arrives on
   * stdout, with lines that end in CR LF; stderr is empty. What is written to stdin, or is the `input` (also of a
   * file), is typed: it is echoed and `\x03` interrupts, until the program changes the terminal's modes. The end of
   * stdin types ^D. When stdout has no reader any more, the terminal hangs up. TERM is this process's, else
   * `xterm-256color`. `true` means 80 columns and 24 rows.
   *
   * The words are those of `--tty`: `auto` relays each standard stream that is a terminal; `always` gives a terminal
   * for stdin and stdout even if they are pipes; `never` passes the descriptors on.
   * @default 'never'
   */
  readonly tty?: Tty | RunOptions['tty'];
  /**
   * Decides what becomes of the changes to the working directory. `'discard'`: they are dropped however the run
   * ends. `'keep'`: they are saved under the run's ID, for `openRun` and `wasbox diff`. `'apply'`: they are
   * applied if it ends with 0, else saved. `{ success, failure }` says it for each kind of end.
   * @default 'discard'; 'keep' with `continue`
   */
  readonly changes?: 'keep' | 'apply' | 'discard' | ChangesPolicy | undefined;
  /**
   * Ends the sandbox, and everything in it, when aborted. The promise is then rejected with an
   * {@link AbortError}, whose `result` has the output, the report and the run's ID up to then.
   */
  readonly signal?: AbortSignal | undefined;
  /**
   * Decides, while the program waits, about what the sandbox would refuse: a file that is not shown,
   * an address out of reach, a system call. What it throws, and an answer that comes too late, deny.
   * Without it nothing is asked.
   */
  readonly ask?: Ask | undefined;
  /**
   * Milliseconds that `ask` has for each question; 0 and Infinity mean no limit.
   * @default 60000
   */
  readonly askTimeoutMs?: number | undefined;
  /**
   * Called with the number of each TCP port that a program inside begins to listen on and that nothing outside leads
   * to (`publish` does), once and at once; not for ports that the kernel has chosen, nor for more than eight.
   */
  readonly onPort?: ((port: number) => void) | undefined;
}

/** Where one of the payload's standard streams leads. A number is a descriptor of this process. */
export type StdioTarget = 'pipe' | 'ignore' | 'inherit' | number;

/** The payload's stdin, stdout and stderr. */
export type Stdio = readonly [stdin: StdioTarget, stdout: StdioTarget, stderr: StdioTarget];

/** The settings that `spawn` takes beside the program. */
export interface SpawnSettings<S extends Stdio = Stdio> extends Omit<SandboxOptions, 'tty'> {
  /** `false`, or a word of {@link SandboxOptions.tty}. With `true` or a size, `spawn` returns a {@link TerminalSandbox}. */
  readonly tty?: false | RunOptions['tty'];
  /**
   * The payload's stdin, stdout and stderr.
   * @default ['pipe', 'pipe', 'pipe']
   */
  readonly stdio?: S | undefined;
}

/** The settings that `spawn` takes for a program with a terminal of its own, which is all three streams. */
export interface TerminalSettings extends SandboxOptions {
  readonly tty: true | TerminalSize;
  readonly stdio?: undefined;
}

/** A program, and how to start it. */
export type SpawnOptions<S extends Stdio = Stdio> = SpawnSettings<S> & Program;

/** A piece of input. */
export type InputPiece = string | Uint8Array;

/**
 * The input that the payload reads from stdin. A stream or iterable is read as fast as the payload reads, and
 * closed when it stops; `{ file }` gives it the file itself, opened for reading.
 */
export type Input =
  | string
  | Uint8Array
  | Readable
  | ReadableStream<InputPiece>
  | AsyncIterable<InputPiece>
  | { readonly file: string };

/** The settings that `run` takes beside the program. */
export interface RunSettings extends SandboxOptions {
  /**
   * The input that the payload reads from stdin.
   * @default '' (stdin is at its end at once)
   */
  readonly input?: Input | undefined;
  /**
   * Bytes kept of stdout and of stderr each, from 0 on, or Infinity; what comes after is read and
   * dropped, and `truncated` says so. `outputBytes` ends the run instead.
   * @default 67108864 (64 MiB)
   */
  readonly maxOutputBytes?: number | undefined;
  /**
   * Called with each piece of stdout as it comes, also beyond `maxOutputBytes`. The payload waits for a
   * promise that it returns, and so does the result, until `timeoutMs` has passed. What it throws ends the run, and `run` is rejected with it; `keptRunOf(error)` has
   * the changes that the run saved until then.
   */
  readonly onStdout?: OnOutput | undefined;
  /** A callback for stderr, like `onStdout`. */
  readonly onStderr?: OnOutput | undefined;
  /**
   * True if the result has stdout and stderr as one text, too, in the order in which they came.
   * @default false
   */
  readonly all?: boolean | undefined;
}

/** A program, and how to run it. */
export type RunLibraryOptions = RunSettings & Program;
