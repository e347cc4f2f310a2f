/** Keeps what runs used, in the form that a profile stores, so that more runs can be added. */
import type { AuditRecords } from '../native/index.js';
import { type FeatureName, syscall } from '../syscalls/index.js';

/** Everything that the runs of one profile used. */
export interface Seen {
  readonly runs: number;
  /** The command of the first run. */
  readonly command: string;
  /** How often each call was made and allowed. */
  readonly calls: Readonly<Record<string, number>>;
  /** Values of an argument, by `call.argument`. */
  readonly values: Readonly<Record<string, readonly string[]>>;
  /** True if some values were not recorded: then values do not become conditions. */
  readonly moreValues: boolean;
  /** Names of features that it showed other than by its calls. */
  readonly features: readonly string[];
  /** Directories of `--ro`: places that are derived from them stay within. */
  readonly shown: readonly string[];
}

const writes: ReadonlySet<string> = new Set(['write', 'create', 'delete', 'rename', 'directory']);

/** Programs that write no files still write to devices and the terminal. */
function isFile(target: Uint8Array): boolean {
  return !Buffer.from(target).toString('latin1').startsWith('/dev/');
}

/** Features that an audit shows other than by a call's name. */
function featuresOf({ actions, processes }: AuditRecords): FeatureName[] {
  const found: FeatureName[] = [];
  const wrote = ({ kind, refused, target }: AuditRecords['actions'][number]) =>
    !refused && writes.has(kind) && isFile(target);
  if (actions.some(wrote)) found.push('writing');
  if (processes.length > 1) found.push('processes');
  if (processes.some(({ threads }) => threads > 1)) found.push('threads');
  return found;
}

/** Returns what an audit saw. */
export function seenBy(audit: AuditRecords, command: string, shown: readonly string[] = []): Seen {
  const calls: Record<string, number> = {};
  for (const { call, count, refused } of audit.calls) {
    if (count > refused && !call.includes(' ')) calls[call] = count - refused;
  }
  const values: Record<string, string[]> = {};
  for (const { call, argument, value } of audit.values) {
    if (syscall(call).condition !== argument) continue;
    const key = `${call}.${argument}`;
    values[key] = [...(values[key] ?? []), value];
  }
  return {
    runs: 1,
    command,
    calls,
    values,
    moreValues: audit.dropped.values > 0,
    features: featuresOf(audit),
    shown,
  };
}

/** Joins both, with the command of the earlier one. */
export function joinSeen(before: Seen, after: Seen): Seen {
  const calls: Record<string, number> = { ...before.calls };
  for (const [call, count] of Object.entries(after.calls)) calls[call] = (calls[call] ?? 0) + count;
  const values: Record<string, readonly string[]> = { ...before.values };
  for (const [key, list] of Object.entries(after.values)) {
    values[key] = [...new Set([...(values[key] ?? []), ...list])];
  }
  return {
    runs: before.runs + after.runs,
    command: before.command,
    calls,
    values,
    moreValues: before.moreValues || after.moreValues,
    features: [...new Set([...before.features, ...after.features])],
    shown: [...new Set([...before.shown, ...after.shown])],
  };
}
