/**
 * Narrows the directories of `--ro` to those in them that were used. The program chose their names, so
 * no link and no spelling of a name may lead out of the given directory.
 */
import { realpathSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { isWithin } from '../host/index.js';
import { joinMapping, splitMapping } from '../options/index.js';
import { foldPaths } from '../report/index.js';
import type { ProfileValue } from './profile-text.js';

/** At most this many directories replace a given one. */
const placeLimit = 8;

interface Place {
  readonly path: string;
  readonly why: string;
}

/** `PATH[:DEST]` in a form that is the same from any directory. */
export function absoluteMapping(text: string): string {
  const { path, dest } = splitMapping(text);
  return path.startsWith('/') ? text : (joinMapping(resolve(path), dest) ?? text);
}

/** Directories and files of `--ro` that were mounted at their own path. */
export function shownBy(options: Readonly<Record<string, unknown>>): string[] {
  return ((options.ro ?? []) as readonly unknown[]).map(String).flatMap((text) => {
    const { path, dest } = splitMapping(text);
    return dest === undefined ? [resolve(path)] : [];
  });
}

/** Returns whether a path of the host, without links, is within the given directory. */
function staysWithin(path: string, shown: string): boolean {
  try {
    return isWithin(realpathSync(path), realpathSync(shown));
  } catch {
    return false;
  }
}

/** The directories below `shown` that contain what was used. */
function narrowed(shown: string, used: readonly string[]): Place[] {
  const below = used.filter((path) => path !== shown && isWithin(path, shown));
  if (below.length === 0) return [];
  const places = new Map<string, number>();
  for (const { path, directory, files } of foldPaths(below, placeLimit)) {
    const holder = directory || path === shown ? path : dirname(path);
    const place = isWithin(holder, shown) ? holder : shown;
    places.set(place, (places.get(place) ?? 0) + files);
  }
  const all = [...places.keys()];
  if (all.some((path) => !staysWithin(path, shown))) {
    return [{ path: shown, why: 'as given: the program used a link in it that points elsewhere' }];
  }
  if (all.some((path) => joinMapping(path) === undefined)) {
    return [{ path: shown, why: 'as given: a profile cannot contain a name in it' }];
  }
  const kept = all.filter(
    (place) => !all.some((other) => other !== place && isWithin(place, other)),
  );
  return kept.map((path) => {
    const count = [...places].reduce((sum, [at, n]) => (isWithin(at, path) ? sum + n : sum), 0);
    return { path, why: `${count} file${count === 1 ? '' : 's'} used` };
  });
}

/** @param list mappings as given; @param used absolute paths that existed inside */
export function readOnly(
  list: readonly unknown[],
  used: readonly string[],
): ProfileValue | undefined {
  const places = list.map(String).flatMap((text): Place[] => {
    const { path: given, dest } = splitMapping(text);
    // Mounted at another path: uses there are not mapped back to the source.
    if (dest !== undefined) return [{ path: absoluteMapping(text), why: 'as given' }];
    const path = resolve(given);
    const inside = narrowed(path, used);
    const found =
      inside.length > 0 || !used.includes(path) ? inside : [{ path, why: 'used itself' }];
    return found.map((place) => ({ ...place, path: joinMapping(place.path) ?? place.path }));
  });
  if (places.length === 0) return undefined;
  return { value: places.map(({ path }) => path), comments: places.map(({ why }) => why) };
}
