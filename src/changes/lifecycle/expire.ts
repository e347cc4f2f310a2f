/**
 * Old runs are dropped when a new one is kept: by age, and by the disk space that
 * all of them take. Each is told, and the latest run of a directory is never dropped: whoever comes
 * back to a project finds what it did last.
 *
 * To look at all of them takes time. `tally.ts` counts what was saved since they were looked at; they
 * are again after a day, or where they may take too much.
 */
import type { Expired, RunRecord } from '../model/index.js';
import { addDiskUse, type DiskUse, readDiskUse, writeDiskUse } from '../store/disk-use.js';
import type { Store } from '../store/state-dir.js';
import { discardRuns, listRuns } from './saved-runs.js';

export interface ExpireLimits {
  /** @default 30 days */
  readonly maxAgeMs?: number | undefined;
  /** Disk space of all runs but the one that ended just now. @default 10 GiB */
  readonly maxBytes?: number | undefined;
  /** @default the clock */
  readonly now?: Date | undefined;
}

const day = 86_400_000;
const defaultAgeMs = 30 * day;
const defaultBytes = 10 * 1024 ** 3;

/** What the files of a run take on disk; sparse files claim more than that. */
const bytesOf = ({ diskBytes, sizeBytes }: RunRecord): number => diskBytes ?? sizeBytes;

/** Which runs are to go. `records` come newest first. */
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
 * Counts the run that has just been kept, and drops what is too old or too much. A run that is in use
 * stays for the next time.
 */
export function expireRuns(store: Store, kept: RunRecord, limits: ExpireLimits = {}): Expired[] {
  const now = (limits.now ?? new Date()).getTime();
  const maxBytes = limits.maxBytes ?? defaultBytes;
  const tally = readDiskUse(store);
  if (tally !== undefined && !isDue(tally, now, maxBytes)) {
    addDiskUse(store, bytesOf(kept));
    return [];
  }
  const records = listRuns(store);
  const expired = chooseExpired(records, kept.id, limits);
  const { discarded } = discardRuns(
    store,
    expired.map(({ record }) => record.id),
  );
  const gone = new Set(discarded.map(({ id }) => id));
  const staying = records.filter(({ id }) => !gone.has(id));
  writeDiskUse(
    store,
    now,
    staying.map(bytesOf).reduce((sum, bytes) => sum + bytes, 0),
  );
  return expired.filter(({ record }) => gone.has(record.id));
}

/** Whether it is time to look at all runs again. */
function isDue({ lookedMs, bytes, added }: DiskUse, now: number, maxBytes: number): boolean {
  if (now < lookedMs || now - lookedMs > day) return true;
  if (bytes + added <= maxBytes) return false;
  // What must stay may take more than that by itself: then not for each run.
  return bytes <= maxBytes || added > maxBytes / 20;
}

/** A sentence for the user; undefined where nothing was dropped. */
export function expiredText(expired: readonly Expired[]): string | undefined {
  const [first] = expired;
  if (first === undefined) return undefined;
  const list = expired.map(({ record }) => `${record.id} (${record.workdir.path})`).join(', ');
  const whys = new Set(expired.map(({ why }) => why));
  const reasons = [
    whys.has('age') ? 'older than 30 days' : '',
    whys.has('size') ? 'all kept changes together took more than 10 GiB' : '',
  ].filter(Boolean);
  return `old changes were dropped: ${list}: ${reasons.join('; ')}`;
}
