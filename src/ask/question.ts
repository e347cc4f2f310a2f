/** What somebody is asked while the payload waits, and what may be answered. */

/** Who asks. All of it but the pid is what the process says of itself. */
export interface AskingProcess {
  /** On the host, of the thread that waits; 0 where no thread does, and the rest is empty. */
  readonly pid: number;
  /** Short name, as the kernel keeps it. */
  readonly name: string;
  /** Path of its executable, inside. */
  readonly executable: string;
  readonly argv: readonly string[];
  /** Whether `argv` is cut off. */
  readonly truncated: boolean;
}

interface Asked {
  /** Counts from 1 in each run. */
  readonly id: number;
  readonly process: AskingProcess;
  /** What is wanted, in one line that is safe to print. */
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
   * The name that was looked up in this run and led to the address last. What is allowed for the run is
   * that name, then, and this port.
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
  /** The file on the host, without symbolic links; bytes that are no text are escaped. */
  readonly path: string;
  /** As the program named it. */
  readonly requested: string;
  /** What a write writes to is the host's file. */
  readonly access: 'read' | 'write' | 'read-write';
  /** Whether its content is dropped when it is opened. */
  readonly truncate: boolean;
  readonly directory: boolean;
}

/** A system call that the policy refuses. */
export interface CallQuestion extends Asked {
  readonly kind: 'call';
  readonly call: string;
  /** By name, each as a policy writes its value. */
  readonly arguments: Readonly<Record<string, string>>;
}

export type Question = NetworkQuestion | FileQuestion | CallQuestion;

/**
 * `allow`: this once; `allow-run`: whenever it is asked again in this run; `deny`: so, too, until
 * the run ends; `stop`: denied, and the run is killed.
 */
export type Decision = 'allow' | 'allow-run' | 'deny' | 'stop';

export const decisions: readonly Decision[] = ['allow', 'allow-run', 'deny', 'stop'];

/**
 * Decides a question. Whatever it throws, and an answer that comes too late, denies.
 *
 * @param signal aborted when an answer is of no use any more: the process is gone, the time is over
 */
export type Ask = (
  question: Question,
  context: { readonly signal: AbortSignal },
) => Decision | Promise<Decision>;
