/**
 * Forgets what stays of runs beside their changes: `places` (what the user was shown), `last-runs` (their command
 * lines, for `why`), `plans` (recorded starts, with arguments and variables) and `searches` (names in homes). Each is
 * forgotten after a time, and with `discard --all`.
 */
import { errnoOf, lstatAt, names, withFd } from '../files/fdtree.js';
import { removeTree } from '../files/remove.js';
import type { RunRecord } from '../model/index.js';
import { forgetSpares } from './spares.js';
import { type OwnName, openOwn, type Store } from './state-dir.js';

const day = 86_400_000;

/** The time for which they are kept: a recorded start is of no use after a day (WB_ENTRY_LIFETIME_S). */
const lifetimes = {
  plans: 2 * day,
  places: 90 * day,
  'last-runs': 90 * day,
  searches: 30 * day,
} as const;

type Traces = keyof typeof lifetimes & OwnName;

const kinds = Object.keys(lifetimes) as Traces[];

/** Removes entries of a directory. What cannot be removed now stays for the next time. */
function sweep(
  store: Store,
  kind: Traces,
  isKept: (name: string, mtimeMs: number) => boolean,
): void {
  try {
    const directory = openOwn(store, kind, false);
    if (directory === undefined) return;
    withFd(directory, () => {
      for (const name of names(directory)) {
        const info = lstatAt(directory, name);
        if (info === undefined) continue;
        if (isKept(name.toString('latin1'), Number(info.mtimeNs / 1_000_000n))) continue;
        removeTree(store.native, directory, name);
      }
    });
  } catch (error) {
    errnoOf(error);
  }
}

/** Forgets what is old. @param nowMs milliseconds since 1970, by a clock that is plausible */
export function forgetOldTraces(store: Store, nowMs: number): void {
  for (const kind of kinds) {
    sweep(store, kind, (_, mtimeMs) => nowMs - mtimeMs < lifetimes[kind]);
  }
}

/**
 * Forgets all, but what the user was shown of directories whose runs are still there.
 * @param left runs that were not discarded; undefined if some of them cannot be read
 */
export function forgetTraces(store: Store, left: readonly RunRecord[] | undefined): void {
  const places = new Set(left?.map(({ workdir: { dev, ino } }) => `${dev}-${ino}`));
  sweep(store, 'plans', () => false);
  sweep(store, 'last-runs', () => false);
  sweep(store, 'searches', () => false);
  forgetSpares(store);
  if (left !== undefined) sweep(store, 'places', (name) => places.has(name));
}
