/**
 * Finds what a failed program lacked, as far as the sandbox is the cause: the nearest first. Nearest is what the
 * program was refused last before its end; a file that it only looked at comes after all that it tried to
 * use, because programs look for many files that they can do without.
 */
import { limitLack } from './limits.js';
import { destinationText, type ReportDestination } from './network.js';
import { type ReportRefusal, whatOf } from './refusal-types.js';
import type { RunReport } from './types.js';

/** Something that the sandbox kept from the program. Every text is safe to print. */
export interface Lack {
  readonly kind: ReportRefusal['kind'] | 'limit';
  /** The call with its target, or the limit. */
  readonly what: string;
  readonly count: number;
  readonly cause: string;
  /** The option of `wasbox run` that gives it; absent if none does. */
  readonly option?: string | undefined;
  /** The condition that the machine must have beside the option. */
  readonly proviso?: string | undefined;
  /** The keys or tokens that the option would show the program; absent if it shows none that are known. */
  readonly secret?: string | undefined;
}

interface Candidate extends Lack {
  readonly atMs: number;
  readonly looked: boolean;
}

/** Exit statuses of shells and the dynamic linker for what was looked for and not found. */
const notFound = [126, 127];

/** Returns what the sandbox kept from the program of an audited run. */
export function lacksOf(report: RunReport): Lack[] {
  const candidates = [
    ...(report.refusals?.calls ?? []).map(ofRefusal),
    ...(report.network?.destinations ?? []).flatMap(ofDestination),
  ];
  const looksCount = notFound.includes(report.outcome.exitCode ?? 0);
  const weak = ({ looked }: Candidate): number => (looked && !looksCount ? 1 : 0);
  candidates.sort((a, b) => weak(a) - weak(b) || b.atMs - a.atMs);
  return [...limits(report), ...candidates.map(({ atMs: _, looked: __, ...lack }) => lack)];
}

/** Limits come first: the one that ended the program, and those at which it was refused more. */
function limits({ outcome, reached, sandbox }: RunReport): Lack[] {
  const ended = outcome.kind === 'timeout' ? 'timeout' : outcome.limit;
  const all = [...(ended === undefined ? [] : [{ limit: ended }]), ...reached];
  return all.flatMap((one): Lack[] => {
    if ('place' in one) {
      const what = 'filled /tmp and other in-memory directories';
      return [{ kind: 'limit', what, count: 1, cause: 'the working directory has more room' }];
    }
    if (one.limit === ended && all[0] !== one) return [];
    const { what, option } = limitLack(one.limit, sandbox.limits);
    const cause = one.limit === ended ? 'a limit ended it' : 'a limit was reached';
    // An option without a value is not one to copy: the user chooses how much longer.
    const value = / /.test(option) ? option : `${option} TIME`;
    return [{ kind: 'limit', what, count: 1, cause, option: value }];
  });
}

function ofRefusal(refusal: ReportRefusal): Candidate {
  const { kind, call, count, cause, option, proviso, secret } = refusal;
  const { atMs = 0, looked = false } = refusal;
  return {
    kind,
    what: [call, whatOf(refusal)].filter(Boolean).join(' '),
    count,
    cause,
    ...(option === undefined ? {} : { option }),
    ...(proviso === undefined ? {} : { proviso }),
    ...(secret === undefined ? {} : { secret }),
    atMs,
    looked,
  };
}

function ofDestination(destination: ReportDestination): Candidate[] {
  const { allowed, protocol, name, count, cause, option, atMs = 0 } = destination;
  if (allowed || cause === undefined) return [];
  const address = destinationText(destination);
  const what = name === undefined ? address : address === '' ? name : `${name} (${address})`;
  return [
    {
      kind: 'network',
      what: `${protocol} ${what}`,
      count,
      cause,
      ...(option === undefined ? {} : { option }),
      atMs,
      looked: false,
    },
  ];
}
