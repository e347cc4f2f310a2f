/** What runs used, in the form that a profile keeps it, so that more runs can join. */
import type { AuditRecords } from '../native/index.js';
import { syscall } from '../syscalls/index.js';
import { featuresOf } from './shown-features.js';

/** Everything that the runs of one profile used. */
export interface Seen {
  readonly runs: number;
  /** What ran first. */
  readonly command: string;
  /** Times that each call was made and allowed. */
  readonly calls: Readonly<Record<string, number>>;
  /** Values of an argument, by `call.argument`. */
  readonly values: Readonly<Record<string, readonly string[]>>;
  /** Whether there were more values than were recorded: then none of them is a condition. */
  readonly moreValues: boolean;
  /** Names of features that it showed other than by its calls. */
  readonly features: readonly string[];
  /** Directories that `--ro` showed: what is made of them stays within. */
  readonly shown: readonly string[];
}

/** What an audit saw. */
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

/** Both together; the earlier one names the command. */
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
