/** A session as its owner sees it. */
import type { JsonDiff } from '../changes/index.js';
import type { SandboxResult } from '../launch/index.js';
import type { ApplyChoice, RunApplied, ShownChange } from '../runs/index.js';
import type { SessionFiles } from './files.js';
import type {
  ExecOptions,
  ProgramOptions,
  SessionProcess,
  TerminalOptions,
  TerminalProcess,
} from './options.js';
import type { PublishedPort } from './ports.js';
import type { ExecProgram } from './program.js';
import type { SessionReport } from './report.js';
import type { ExecResult } from './result.js';
import type { Snapshot } from './snapshot.js';

/**
 * One sandbox that several programs share: the same files, processes, network rules and limits. Made with
 * `createSession`. `await using` closes it.
 */
export interface Session extends AsyncDisposable {
  /**
   * ID of the run under which its changes are saved; undefined where it can change nothing. A fork's run is made with its
   * first program, or when this is first read: that may throw, as where the disk is full.
   */
  readonly id: string | undefined;

  /** Pid of the sandbox's init on the host; undefined while there is none: after a snapshot, and in a fork. */
  readonly pid: number | undefined;

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
  spawn(program: ExecProgram, options: TerminalOptions): Promise<TerminalProcess>;
  spawn(program: ExecProgram, options?: ProgramOptions): Promise<SessionProcess>;

  /**
   * Lets this machine reach a port on which a program of the session listens, now or later; the session goes on. The
   * port stays published after `snapshot` and `rollback`, and until the session ends.
   * @param ports as in the option `publish`: `8080`, `'8080:80'`, `'0.0.0.0:8080:80'`
   *
   * @example
   * const server = await session.spawn(['python3', '-m', 'http.server', '8000']);
   * const { hostPort, close } = await session.publish(8000);
   *
   * @throws UsageError where the port is taken, or the session has no network of its own
   */
  publish(ports: string | number): Promise<PublishedPort>;

  /** Ports that `publish` has opened and that are not closed. */
  readonly published: readonly PublishedPort[];

  /** Ports on which its programs have begun to listen and that nothing outside leads to, as `onPort` told them. */
  readonly insidePorts: readonly number[];

  /** Files inside, as its programs see them. */
  readonly files: SessionFiles;

  /**
   * Each path that the session has changed so far, as `KeptRun.diff` tells it. Programs that run may change more
   * meanwhile.
   * @throws UsageError for paths that match nothing
   */
  diff(paths?: readonly string[]): Promise<JsonDiff[]>;

  /**
   * Returns the changes as text, as `wasbox diff` prints it: to ask a person whether it may be applied.
   * @throws UsageError for paths that match nothing
   */
  show(paths?: readonly string[]): Promise<ShownChange[]>;

  /**
   * Applies what the session has changed so far to the working directory; the session goes on. A path that is
   * applied is no change any more, until it is changed again. Programs that run may change more meanwhile.
   * @param what paths, each with everything below it, or a choice as for `KeptRun.apply`; @default all changes
   * @throws as `KeptRun.apply`
   */
  apply(what?: readonly string[] | ApplyChoice): Promise<RunApplied>;

  /**
   * Notes the state of the session's files. Nothing is copied, however much was written. What programs have left
   * running ends, and /tmp is empty afterwards: processes and files in memory are no part of it. The next program
   * starts a new sandbox.
   *
   * @example
   * const before = await session.snapshot();
   * const { exitCode } = await session.exec(['npm', 'install', 'risky']);
   * if (exitCode !== 0) await session.rollback(before);
   *
   * @throws LaunchError `ERR_SESSION_BUSY` while a program of `exec` or `spawn` runs
   */
  snapshot(): Promise<Snapshot>;

  /**
   * Puts the session's files back to a snapshot, of this session or of one that it was forked from. All that runs
   * ends; programs of `exec` and `spawn` reject with `ERR_SESSION_ROLLBACK`. Snapshots that were taken since stay
   * usable.
   * @throws LaunchError `ERR_SNAPSHOT`
   */
  rollback(snapshot: Snapshot): Promise<void>;

  /**
   * A session of its own with the same options and files, which neither sees nor changes what this one does from
   * then on. Nothing is copied. Its sandbox and its run begin with its first program: until then nothing of it is
   * saved if this process is killed. Its limits begin anew.
   * @param snapshot to start from; @default the state of now, as `snapshot` takes it
   * @throws LaunchError `ERR_SNAPSHOT`, and as `snapshot`
   */
  fork(snapshot?: Snapshot): Promise<Session>;

  /** Returns what has come of it so far. What its present sandbox was refused, its end tells. */
  report(): Promise<SessionReport>;

  /** Ends the session with all that runs in it. What became of its changes is in the result. */
  close(): Promise<SandboxResult>;
}
