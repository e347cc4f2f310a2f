/**
 * Old runs are discarded when a new one is saved: by age, and by the disk space of all of them. Each is
 * reported. The latest run of a directory is never discarded, so that it is there when the user comes back
 * to a project. Where the clock was set, nothing is discarded by age for a day.
 *
 * A full count takes time, so `disk-use.ts` counts what was saved since the last one. There is another after
 * a day, or if the limit may be reached.
 */
import type { Expired, RunRecord } from '../model/index.js';
import { isClockPlausible } from '../store/clock.js';
import { forgetContinued } from '../store/continued.js';
import { addDiskUse, type DiskUse, readDiskUse, writeDiskUse } from '../store/disk-use.js';
import type { Store } from '../store/state-dir.js';
import { forgetOldTraces } from '../store/traces.js';
import { discardRuns } from './discard-runs.js';
import { listRuns, runIds } from './saved-runs.js';

export interface ExpireLimits {
  /** @default 30 days */
  readonly maxAgeMs?: number | undefined;
  /** Disk space of all runs except the new one. @default 10 GiB */
  readonly maxBytes?: number | undefined;
  /** @default the clock */
  readonly now?: Date | undefined;
}

const day = 86_400_000;
const defaultAgeMs = 30 * day;
const defaultBytes = 10 * 1024 ** 3;

/** Disk space of a run; the size of sparse files would be too high. */
const bytesOf = ({ diskBytes, sizeBytes }: RunRecord): number => diskBytes ?? sizeBytes;

/** Chooses the runs to discard. `records` are sorted newest first. */
export function chooseExpired(
  records: readonly RunRecord[],
  kept: string,
  limits: ExpireLimits = {},
): Expired[] {
  const oldest = (limits.now ?? new Date()).getTime() - (limits.maxAgeMs ?? defaultAgeMs);
  const seen = new Set<string>();
  const mayGo: RunRecord[] = [];
  let total = 0;
  for (const record of records) {
    const latest = !seen.has(record.workdir.path);
    seen.add(record.workdir.path);
    if (record.id === kept) continue;
    total += bytesOf(record);
    if (!latest && record.status !== 'running') mayGo.push(record);
  }
  const expired: Expired[] = [];
  for (const record of mayGo.reverse()) {
    const old = Date.parse(record.ended ?? record.started) < oldest;
    if (!old && total <= (limits.maxBytes ?? defaultBytes)) continue;
    total -= bytesOf(record);
    expired.push({ record, why: old ? 'age' : 'size' });
  }
  return expired;
}

/**
 * Counts a run that was just saved, and discards runs that are too old or take too much. A run in use is
 * left for the next time.
 */
export function expireRuns(store: Store, kept: RunRecord, limits: ExpireLimits = {}): Expired[] {
  const now = (limits.now ?? new Date()).getTime();
  const maxBytes = limits.maxBytes ?? defaultBytes;
  const tally = readDiskUse(store);
  if (tally !== undefined && !isDue(tally, now, maxBytes)) {
    addDiskUse(store, tally, bytesOf(kept));
    return [];
  }
  const records = listRuns(store);
  const isClockRight = isClockPlausible(store, now, tally?.lookedMs);
  if (isClockRight) forgetOldTraces(store, now);
  const plausible = limits.maxAgeMs !== undefined || isClockRight;
  const maxAgeMs = plausible ? limits.maxAgeMs : Number.POSITIVE_INFINITY;
  const expired = chooseExpired(records, kept.id, { ...limits, maxAgeMs });
  const { discarded } = discardRuns(
    store,
    expired.map(({ record }) => record.id),
  );
  const gone = new Set(discarded.map(({ id }) => id));
  const staying = records.filter(({ id }) => !gone.has(id));
  // Runs that this version cannot read count as well.
  forgetContinued(store, new Set(runIds(store)));
  writeDiskUse(
    store,
    now,
    staying.map(bytesOf).reduce((sum, bytes) => sum + bytes, 0),
  );
  return expired.filter(({ record }) => gone.has(record.id));
}

/** Returns whether a full count is due. */
function isDue({ lookedMs, bytes, added }: DiskUse, now: number, maxBytes: number): boolean {
  if (now < lookedMs || now - lookedMs > day) return true;
  if (bytes + added <= maxBytes) return false;
  // Runs that must stay may exceed the limit alone: then not for every run.
  return bytes <= maxBytes || added > maxBytes / 20;
}
