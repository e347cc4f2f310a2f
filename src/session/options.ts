/** The options of a session and of its programs, as callers see them. */
import type { Readable, Writable } from 'node:stream';
import type { Input, LineOptions, OnOutput, SandboxOptions, Tty } from '../launch/index.js';
import type { TerminalSize } from '../options/index.js';
import type { ExecEnd } from './result.js';

/** The sandbox of a session. Limits and `timeoutMs` are for all programs of it together. */
export interface SessionOptions extends Omit<SandboxOptions, 'outputBytes' | 'tty' | 'changes'> {
  /**
   * Says what becomes of the changes when the session is closed. As for `run`.
   * @default 'keep'
   */
  readonly changes?: SandboxOptions['changes'];
  /** A language whose interpreter may be in your home: its installation is shown. @default 'sh' */
  readonly lang?: string | undefined;
  /**
   * Code in `lang`, which must be `python` or `node`, such as imports that most calls need. `exec({ lang, code })` then
   * runs in a process that has already run it: what the preload defines is there, and what it writes is part of the
   * output of that call. Each process runs the code of one call.
   * @default none
   */
  readonly preload?: string | undefined;
  /** Milliseconds without a program of `exec` or `spawn` after which the session ends. @default none */
  readonly idleMs?: number | undefined;
}

/** The options that `spawn` takes beside the program. */
export interface ProgramOptions {
  /** Variables on top of those of the session; undefined removes one. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Current directory inside; a relative path starts from that of the session. */
  readonly cwd?: string | undefined;
  /**
   * Milliseconds until the program's process group gets SIGTERM, and SIGKILL after the grace time.
   * @default none
   */
  readonly timeoutMs?: number | undefined;
  /**
   * Kills the program's process group when aborted. The promise is then rejected with an
   * {@link AbortError}, whose `result` has what came up to then.
   */
  readonly signal?: AbortSignal | undefined;
  /**
   * Gives the program a terminal of its own as stdin, stdout and stderr, with job control. Its output arrives on
   * `stdout`, with lines that end in CR LF; `stderr` is empty. What is written to `stdin`, or is its `input`, is
   * typed: it is echoed and `\x03` interrupts, until the program changes the terminal's modes. The end of stdin
   * types ^D. When `stdout` is closed, and when the program has ended, the terminal hangs up. TERM is the session's,
   * else `xterm-256color`. `true` means 80 columns and 24 rows.
   * @default false (three pipes)
   */
  readonly tty?: Tty | undefined;
  /**
   * Bytes of memory for the program and all that comes from it together, including processes that have left its
   * process group. Files in memory count only for the session. A program that exceeds it is killed, and the result's
   * `limit` is `memory`; the session goes on.
   * @default that of the session, with all its programs
   */
  readonly memoryBytes?: number | undefined;
  /**
   * Milliseconds of processor time of the same processes; `limit` is then `cpu`.
   * @default that of the session, with all its programs
   */
  readonly cpuMs?: number | undefined;
  /** Bytes of one file that it writes; beyond it SIGXFSZ ends it. @default the session's */
  readonly fileSizeBytes?: number | undefined;
  /** Open files of each of its processes. @default the session's */
  readonly openFiles?: number | undefined;
}

/** The options that `exec` takes beside the program. */
export interface ExecOptions extends ProgramOptions {
  /**
   * The input that the program reads from stdin.
   * @default '' (stdin is at its end at once)
   */
  readonly input?: Input | undefined;
  /**
   * Bytes kept of stdout and of stderr each; what comes after is read and dropped, and `truncated` says so.
   * @default 67108864 (64 MiB)
   */
  readonly maxOutputBytes?: number | undefined;
  /** Called as by `run`. An error that it throws ends the program. */
  readonly onStdout?: OnOutput | undefined;
  readonly onStderr?: OnOutput | undefined;
  /** True if the result has stdout and stderr as one text, too. @default false */
  readonly all?: boolean | undefined;
}

/** Options of a program with a terminal of its own. */
export interface TerminalOptions extends ProgramOptions {
  readonly tty: true | TerminalSize;
}

/** A program of a session, with its streams. */
export interface SessionProcess {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /**
   * The lines of stdout as they come, without the newline; with `tty` each still ends in `\r`. Use it instead of
   * reading `stdout`.
   */
  stdoutLines(options?: LineOptions): AsyncIterable<string>;
  /** Sends a signal to its process group. @default 'SIGTERM' */
  kill(signal?: NodeJS.Signals | number): void;
  /** Fulfilled when it has ended. What it left running may keep the streams open. */
  readonly result: Promise<ExecEnd>;
}

/** A program with a terminal of its own. */
export interface TerminalProcess extends SessionProcess {
  /** Changes the size of the terminal; the program gets SIGWINCH. @throws UsageError for an invalid size */
  resize(size: TerminalSize): void;
}
