/** Refusals in a report. */
import type { RefusalKind } from '../syscalls/index.js';

/** The C library looks for a name service cache by one, so that most programs meet it: shown with -v. */
export const noUnixSockets = 'Landlock isolation has no UNIX sockets';

/** Landlock isolation refuses a socket before the program says whom it wants to reach. */
export const hostUnknown = 'the network is off, and which host it wants is not known yet';

/** Returns what there is to do about a refusal that no option allows as it is. */
export const withoutOption = (cause: string): string =>
  cause === hostUnknown ? 'name the host to allow it: --net HOST' : 'no option allows it';

/** One kind of refusal in a report. Every text is safe to print. */
export interface ReportRefusal {
  readonly kind: RefusalKind;
  readonly call: string;
  /** The path or address that it was about. */
  readonly target?: string | undefined;
  readonly arguments: Readonly<Record<string, string>>;
  readonly count: number;
  /** The error that the program got; absent if the kernel itself refused it. */
  readonly errno?: string | undefined;
  readonly cause: string;
  /** The option of `wasbox run` that allows it; absent if none does. */
  readonly option?: string | undefined;
  /** The condition that the machine must have beside the option. */
  readonly proviso?: string | undefined;
  /** The keys or tokens that the option would show the program; absent if it shows none that are known. */
  readonly secret?: string | undefined;
  /** When the last of them was made, since the start; only with an audit. */
  readonly atMs?: number | undefined;
  /** True if a file was only looked at, and never opened. */
  readonly looked?: boolean | undefined;
}

export interface ReportRefusals {
  /** `all` that the policy refused, or `none`: then refusals were not recorded. */
  readonly watched: 'all' | 'none';
  /** Why `watched` is `none`. */
  readonly reason?: string | undefined;
  /** Lists what may be refused without being listed here. */
  readonly unwatched: readonly string[];
  readonly total: number;
  readonly dropped: number;
  readonly calls: readonly ReportRefusal[];
  /** The command that adds this run to its profile, if that was learned and lacks something. */
  readonly learn?: string | undefined;
}

/** Returns what to know of an entry's option before it is given: ` (…)`, or nothing. */
export function butOf({ proviso, secret }: Pick<ReportRefusal, 'proviso' | 'secret'>): string {
  const but = [proviso, secret === undefined ? undefined : `it holds ${secret}`].filter(Boolean);
  return but.length === 0 ? '' : ` (${but.join('; ')})`;
}

/** Returns what a call was about: its target, or the arguments that distinguish it. */
export function whatOf({ target, arguments: args }: ReportRefusal): string {
  if (target !== undefined) return target;
  return Object.entries(args)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');
}
