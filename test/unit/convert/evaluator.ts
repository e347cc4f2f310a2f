/**
 * Finds what an OCI profile says of a call, read straight from its JSON. It shares nothing with the
 * importer: names and numbers come from libseccomp's and audit's tables.
 */
import { readFileSync } from 'node:fs';

export interface Condition {
  index: number;
  /** Digits where the value is too large for a number, see `parseProfile`. */
  value: number | string;
  valueTwo?: number | string;
  op: string;
}
interface Filter {
  caps?: string[] | null;
  arches?: string[] | null;
  minKernel?: string;
}
export interface Entry {
  names?: string[];
  name?: string;
  action: string;
  errno?: string;
  errnoRet?: number;
  args?: Condition[] | null;
  includes?: Filter;
  excludes?: Filter;
}
export interface Profile {
  defaultAction: string;
  defaultErrno?: string;
  defaultErrnoRet?: number;
  archMap?: { architecture: string; subArchitectures?: string[] | null }[] | null;
  syscalls?: Entry[] | null;
}

export interface Host {
  /** The name that wasbox has for it; the architecture of the call and, for `arches`, of the machine. */
  arch: string;
  /** The machine's own architecture, as Go names it. */
  goArch: string;
  caps: readonly string[];
  kernel: readonly [number, number];
}

/** Reads a profile without losing digits of 64-bit values. */
export function parseProfile(text: string): Profile {
  return JSON.parse(text.replace(/: (\d{16,})\b/g, ': "$1"'));
}

export const numbers: Record<string, Record<string, number>> = JSON.parse(
  readFileSync(new URL('../tables/numbers.json', import.meta.url), 'utf8'),
);

const ACTIONS: Record<string, number> = {
  SCMP_ACT_KILL_PROCESS: 0x80000000,
  SCMP_ACT_KILL: 0,
  SCMP_ACT_KILL_THREAD: 0,
  SCMP_ACT_TRAP: 0x00030000,
  SCMP_ACT_ERRNO: 0x00050000,
  SCMP_ACT_NOTIFY: 0x7fc00000,
  SCMP_ACT_TRACE: 0x7ff00000,
  SCMP_ACT_LOG: 0x7ffc0000,
  SCMP_ACT_ALLOW: 0x7fff0000,
};

const ERRNO: Record<string, number> = { EPERM: 1, EINVAL: 22, ENOSYS: 38, EACCES: 13 };

function errnoOf(name: string | undefined, number: number | undefined, arch: string): number {
  if (name === undefined || name === '') return number ?? 1;
  if (name === 'ENOSYS' && arch === 'mips64el') return 89;
  const value = ERRNO[name];
  if (value === undefined) throw new Error(`unknown errno ${name}`);
  return value;
}

function actionOf(action: string, errno: number): number {
  const value = ACTIONS[action];
  if (value === undefined) throw new Error(`unknown action ${action}`);
  return action === 'SCMP_ACT_ERRNO' || action === 'SCMP_ACT_TRACE' ? value + errno : value;
}

function holds({ value, valueTwo = 0, op }: Condition, actual: bigint): boolean {
  const expected = BigInt(value);
  switch (op) {
    case 'SCMP_CMP_NE':
      return actual !== expected;
    case 'SCMP_CMP_LT':
      return actual < expected;
    case 'SCMP_CMP_LE':
      return actual <= expected;
    case 'SCMP_CMP_EQ':
      return actual === expected;
    case 'SCMP_CMP_GE':
      return actual >= expected;
    case 'SCMP_CMP_GT':
      return actual > expected;
    case 'SCMP_CMP_MASKED_EQ':
      return (actual & expected) === (BigInt(valueTwo) & expected); // as libseccomp does
  }
  throw new Error(`unknown operator ${op}`);
}

function atLeast(kernel: readonly [number, number], wanted: string): boolean {
  const [major = 0, minor = 0] = wanted.split('.').map(Number);
  return kernel[0] > major || (kernel[0] === major && kernel[1] >= minor);
}

function counts({ includes = {}, excludes = {} }: Entry, host: Host): boolean {
  if ((includes.caps ?? []).some((cap) => !host.caps.includes(cap))) return false;
  if ((excludes.caps ?? []).some((cap) => host.caps.includes(cap))) return false;
  const only = includes.arches ?? [];
  if (only.length > 0 && !only.includes(host.goArch)) return false;
  if ((excludes.arches ?? []).includes(host.goArch)) return false;
  if (includes.minKernel && !atLeast(host.kernel, includes.minKernel)) return false;
  return !(excludes.minKernel && atLeast(host.kernel, excludes.minKernel));
}

export const conditionsOf = (entry: Entry): Condition[] => entry.args ?? [];

export const namesOf = (entry: Entry): string[] =>
  [...(entry.names ?? []), ...(entry.name === undefined ? [] : [entry.name])].map((name) =>
    name === 'arm_sync_file_range' ? 'sync_file_range2' : name,
  );

function matches(conditions: Condition[], args: readonly bigint[]): boolean {
  const one = (c: Condition): boolean => holds(c, args[c.index] ?? 0n);
  const indexes = new Set(conditions.map((c) => c.index));
  return indexes.size < conditions.length ? conditions.some(one) : conditions.every(one);
}

/** Makes a function that tells what the filter returns for a number and its arguments. */
export function evaluator(
  profile: Profile,
  host: Host,
): (nr: number, args: readonly bigint[]) => number {
  const byDefault = actionOf(
    profile.defaultAction,
    errnoOf(profile.defaultErrno, profile.defaultErrnoRet, host.arch),
  );
  const plain = new Map<number, number>();
  const conditional = new Map<number, { action: number; conditions: Condition[] }[]>();
  const known = numbers[host.arch] ?? {};
  for (const entry of profile.syscalls ?? []) {
    const action = actionOf(entry.action, errnoOf(entry.errno, entry.errnoRet, host.arch));
    if (!counts(entry, host) || action === byDefault) continue;
    for (const name of namesOf(entry)) {
      const nr = name === 'sync_file_range2' && host.arch === 'arm' ? 341 : known[name];
      if (nr === undefined) continue;
      const conditions = conditionsOf(entry);
      if (conditions.length > 0)
        conditional.set(nr, [...(conditional.get(nr) ?? []), { action, conditions }]);
      else if (!plain.has(nr)) plain.set(nr, action);
    }
  }
  return (nr, args) =>
    plain.get(nr) ??
    conditional.get(nr)?.find(({ conditions }) => matches(conditions, args))?.action ??
    byDefault;
}
