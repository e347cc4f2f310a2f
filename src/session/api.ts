/** A session as its owner sees it. */
import type { JsonDiff } from '../changes/index.js';
import type { SandboxResult } from '../launch/index.js';
import type { SessionFiles } from './files.js';
import type { ExecOptions, ProgramOptions, SessionProcess } from './options.js';
import type { ExecProgram } from './program.js';
import type { ExecResult } from './result.js';

/**
 * One sandbox that several programs share: the same files, processes, network rules and limits. Made with
 * `createSession`. `await using` closes it.
 */
export interface Session extends AsyncDisposable {
  /** ID of the run under which its changes are saved; undefined where it can change nothing. */
  readonly id: string | undefined;

  /** Pid of the sandbox's init on the host. */
  readonly pid: number;

  /**
   * Fulfilled when the session has ended: closed, or by a limit, its idle time or its signal. Never
   * rejected for what a program does.
   */
  readonly ended: Promise<SandboxResult>;

  /**
   * Runs a program and collects its output.
   *
   * @example
   * await session.exec(['npm', 'test'], { cwd: 'app', timeoutMs: 60_000 });
   * await session.exec({ lang: 'python', code: 'print(1 + 1)' });
   *
   * @throws UsageError for options that are invalid
   * @throws LaunchError `ERR_EXEC_NOT_FOUND`, `ERR_EXEC`; `ERR_SESSION_CLOSED` where the session ends before it
   * @throws AbortError where the signal is aborted; `result` has what came up to then
   */
  exec(program: ExecProgram, options?: ExecOptions): Promise<ExecResult>;

  /**
   * Starts a program and gives access to its streams.
   * @throws as `exec`
   */
  spawn(program: ExecProgram, options?: ProgramOptions): Promise<SessionProcess>;

  /** Files inside, as its programs see them. */
  readonly files: SessionFiles;

  /**
   * Each path that the session has changed so far, as `KeptRun.diff` tells it. Programs that run may change more
   * meanwhile.
   * @throws UsageError for paths that match nothing
   */
  diff(paths?: readonly string[]): Promise<JsonDiff[]>;

  /** Ends the session with all that runs in it. What became of its changes is in the result. */
  close(): Promise<SandboxResult>;
}
