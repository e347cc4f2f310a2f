/** A worker bounds what a job may ask for: a job that asks for more is refused, and told what it may have. */
import {
  jobLimits,
  type NetworkOption,
  netParts,
  netWord,
  readNetRules,
} from '../options/index.js';
import type { JobLimits, SandboxJob } from './job.js';
import { invalidJob } from './schema.js';

/** The most of each that a job gets. */
export type Caps = Required<{ readonly [L in keyof JobLimits]: number }>;

/** The limits of a job whose worker says nothing else. */
export const defaultLimits: Caps = jobLimits;

export const limitNames = Object.keys(jobLimits) as (keyof Caps)[];

/** The limits of a job. @throws UsageError `ERR_JOB` for one that exceeds what the worker allows */
export function limitsOf({ limits = {} }: SandboxJob, defaults: Caps, most: Caps): Caps {
  const chosen: Record<keyof Caps, number> = { ...defaults };
  for (const name of limitNames) {
    const asked = limits[name];
    if (asked === undefined) continue;
    if (asked > most[name]) {
      throw invalidJob(`limits.${name}: ${asked} is more than this worker allows (${most[name]})`);
    }
    chosen[name] = asked;
  }
  return chosen;
}

/** Rules in their canonical form, without those of no effect. */
const canonical = (option: string, net: NetworkOption): Set<string> =>
  new Set(readNetRules(option, netParts(net).join(',')).map(({ text }) => text));

/**
 * The network of a job. Rules are compared by their canonical text, never by what they cover: a name may resolve to
 * any address, so only a rule that the worker's user wrote is known to be allowed.
 * @param allowed what the worker's user allows
 * @throws UsageError `ERR_JOB`
 */
export function networkOf({ net = 'none' }: SandboxJob, allowed: NetworkOption): NetworkOption {
  if (netWord(net) === 'none' || net.length === 0) return 'none';
  const may = netParts(allowed).join(',');
  const refused = (what: string) =>
    invalidJob(`net: ${what} is not allowed by this worker (it allows ${may})`);
  if (netWord(allowed) === 'none' || allowed.length === 0) throw refused(netParts(net).join(','));
  if (netWord(net) === 'host') {
    if (netWord(allowed) === 'host') return 'host';
    throw refused('host');
  }
  let asked: Set<string>;
  try {
    asked = canonical('net', net);
  } catch (error) {
    throw invalidJob(error instanceof Error ? error.message : String(error));
  }
  if (netWord(allowed) === 'host') return [...asked];
  const known = canonical('net', allowed);
  for (const rule of asked) if (!known.has(rule)) throw refused(rule);
  return [...asked];
}
