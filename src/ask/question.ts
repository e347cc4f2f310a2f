/** Questions that are asked while the payload waits, and possible answers. */

/** The process that caused a question. All but its pid is what it claims about itself. */
export interface AskingProcess {
  /** Pid on the host of the waiting thread; 0 if none waits, and then the rest is empty. */
  readonly pid: number;
  /** Short name, as the kernel keeps it. */
  readonly name: string;
  /** Path of its executable, inside. */
  readonly executable: string;
  readonly argv: readonly string[];
  /** True if `argv` is cut off. */
  readonly truncated: boolean;
}

interface Asked {
  /** Counts from 1 in each run. */
  readonly id: number;
  readonly process: AskingProcess;
  /** Describes what the program wants, in one line that is safe to print. */
  readonly text: string;
}

/** A destination that the sandbox's network does not reach. */
export interface DestinationQuestion extends Asked {
  readonly kind: 'network';
  readonly protocol: 'tcp' | 'udp';
  /** An IPv4 or IPv6 address. */
  readonly address: string;
  readonly port: number;
  /**
   * The name that last resolved to the address in this run. An answer for the run then allows that name
   * and this port.
   */
  readonly name?: string | undefined;
}

/** A name that the sandbox's resolver does not look up. */
export interface LookupQuestion extends Asked {
  readonly kind: 'network';
  readonly protocol: 'lookup';
  readonly name: string;
  readonly address?: undefined;
  readonly port?: undefined;
}

export type NetworkQuestion = DestinationQuestion | LookupQuestion;

/** A file or directory of the host that the program cannot open inside. */
export interface FileQuestion extends Asked {
  readonly kind: 'file';
  /** The file on the host, without symbolic links; bytes that are not text are escaped. */
  readonly path: string;
  /** The path as the program named it. */
  readonly requested: string;
  /** A write changes the real file. */
  readonly access: 'read' | 'write' | 'read-write';
  /** True if opening it deletes its content. */
  readonly truncate: boolean;
  readonly directory: boolean;
}

/** A system call that the policy refuses. */
export interface CallQuestion extends Asked {
  readonly kind: 'call';
  readonly call: string;
  /** Arguments by name, each as a policy writes its value. */
  readonly arguments: Readonly<Record<string, string>>;
}

export type Question = NetworkQuestion | FileQuestion | CallQuestion;

/**
 * `allow`: once; `allow-run`: for the rest of the run; `deny`: for the rest of the run; `stop`: denies and
 * kills the run.
 */
export type Decision = 'allow' | 'allow-run' | 'deny' | 'stop';

export const decisions: readonly Decision[] = ['allow', 'allow-run', 'deny', 'stop'];

/**
 * Decides a question. An exception or a late answer denies.
 *
 * @param signal aborted when no answer is needed any more: the process has exited, or the time is over
 */
export type Ask = (
  question: Question,
  context: { readonly signal: AbortSignal },
) => Decision | Promise<Decision>;
