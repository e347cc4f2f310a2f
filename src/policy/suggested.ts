/** Rules that would allow the calls of a log that a policy refuses: one for each call. */
import { argumentsOf, callNumber, constantSets, constantValue } from '../core/index.js';

/** Calls with the values that the log shows; undefined where it shows none. */
export type SeenArguments = readonly (bigint | undefined)[];

/** Arguments by which rules tell apart what a call does. */
const selectors: Readonly<Record<string, readonly string[]>> = {
  clone: ['flags'],
  fcntl: ['cmd'],
  ioctl: ['request'],
  keyctl: ['operation'],
  madvise: ['advice'],
  mmap: ['prot'],
  mprotect: ['prot'],
  personality: ['persona'],
  prctl: ['option'],
  setns: ['nstype'],
  setsockopt: ['level', 'optname'],
  socket: ['domain'],
  socketpair: ['domain'],
  unshare: ['flags'],
};

/** More values than a rule should list. */
const mostValues = 16;

/** Names by their value, for an argument's constants. */
function namesOf(arch: number, set: number | undefined): Map<bigint, string> {
  const names = new Map<bigint, string>();
  const members = set === undefined ? [] : (constantSets()[set]?.members ?? []);
  for (const name of members) {
    const value = constantValue(arch, name);
    if (value !== undefined && !names.has(value)) names.set(value, name);
  }
  return names;
}

/** A rule that allows all of them and, of what tells the uses of the call apart, nothing else. */
export function allowingRule(arch: number, call: string, seen: readonly SeenArguments[]): string {
  const number = callNumber(arch, call);
  const known = number === undefined ? [] : argumentsOf(arch, number);
  const tests = (Object.hasOwn(selectors, call) ? (selectors[call] ?? []) : []).flatMap((name) => {
    const at = known.findIndex((argument) => argument.name === name);
    const argument = known[at];
    const values = new Set(seen.map((args) => args[at]));
    if (argument === undefined || values.has(undefined) || values.size > mostValues) return [];
    const names = namesOf(arch, argument.constants);
    const words = [...values].flatMap((value) => {
      if (value === undefined) return [];
      const read = BigInt.asUintN(argument.bits, value);
      return names.get(read) ?? `0x${read.toString(16)}`;
    });
    const list = [...new Set(words)];
    return list.length === 1 ? `${name} == ${list[0]}` : `${name} in [${list.join(', ')}]`;
  });
  return tests.length === 0 ? `allow ${call}` : `allow ${call} where ${tests.join(' and ')}`;
}
