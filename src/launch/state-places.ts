/**
 * Where state directories of wasbox are to be found: this one's, and those that the same
 * user or the payload's has under other variables; each under every path at which a mount shows it.
 */
import { lstatSync, statSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { openStore, type Store } from '../changes/index.js';
import { appearancesOf, type MountsSeen, memoryMs } from '../host/index.js';
import type { Native } from '../native/index.js';
import type { SandboxSpec } from '../resolve/index.js';

export interface StatePlaces {
  /** Absolute; this one's own path first. */
  readonly paths: readonly string[];
  /** The mounts of the file systems that they lie on, as they were looked at. */
  readonly seen: readonly MountsSeen[];
  /** Where others were looked for. */
  readonly others: readonly string[];
}

const identityOf = (path: string): string | undefined => {
  try {
    const { dev, ino } = statSync(path, { bigint: true });
    return `${dev}:${ino}`;
  } catch {
    return undefined; // not there, or closed to this user, and so to the payload
  }
};

/** What only wasbox makes, so that no other directory of that name is hidden. */
const isState = (path: string): boolean =>
  ['runs', 'saved', 'spare', 'plans'].some(
    (name) => lstatSync(join(path, name), { throwIfNoEntry: false })?.isDirectory() === true,
  );

function othersOf(native: Native, store: Store, { identity }: SandboxSpec): string[] {
  const homes = [
    process.env.HOME,
    ...[process.geteuid?.() ?? identity.hostUid, identity.hostUid].map(
      (uid) => native.userById(uid)?.home,
    ),
  ];
  const directories = homes
    .filter((home): home is string => home !== undefined && isAbsolute(home))
    .map((home) => openStore(native, { directory: join(home, '.local/state/wasbox') }).directory);
  return [...new Set(directories)].filter((directory) => directory !== store.directory);
}

/** Looks for the state directories that a sandbox may not show. */
export function statePlaces(native: Native, store: Store, spec: SandboxSpec): StatePlaces {
  const others = othersOf(native, store, spec);
  const found = [store.directory, ...others.filter(isExisting)].map((directory) => {
    const { whole, parts, seen } = appearancesOf(directory);
    const identity = identityOf(directory);
    // What is mounted over it does not show it. One that is not there yet may be made through any.
    const shown = whole.filter(
      (path) => path === directory || identity === undefined || identityOf(path) === identity,
    );
    return { paths: [...shown, ...parts], seen };
  });
  const seen = new Map(found.flatMap((one) => (one.seen ? [[one.seen.device, one.seen]] : [])));
  return {
    paths: [...new Set(found.flatMap(({ paths }) => paths))],
    seen: [...seen.values()],
    others,
  };
}

const isExisting = (path: string): boolean => {
  try {
    return isState(path);
  } catch {
    return false; // closed to this user
  }
};

interface Remembered {
  readonly key: string;
  readonly since: number;
  readonly places: StatePlaces;
}

const remembered = new WeakMap<SandboxSpec, Remembered>();

/**
 * The same for a program that makes many runs with equal options, whose spec is one object: mounts and accounts are
 * looked at once a second.
 */
export function statePlacesAgain(native: Native, store: Store, spec: SandboxSpec): StatePlaces {
  const key = `${process.env.HOME}\0${store.directory}`;
  const known = remembered.get(spec);
  if (known?.key === key && performance.now() - known.since < memoryMs) return known.places;
  const since = performance.now();
  const places = statePlaces(native, store, spec);
  remembered.set(spec, { key, since, places });
  return places;
}
