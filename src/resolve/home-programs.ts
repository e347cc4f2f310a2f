/**
 * Directories of the home in which the user has programs, and installers put them: ~/.local/bin. An empty home is the
 * run's to write to, so what the user has there is shown beside it. PATH has both, the home's own first: what a run
 * installs is found, and is a change of the home.
 */
import { posix } from 'node:path';
import type { Draft } from './draft.js';
import { homesOf } from './homes.js';
import { toolRoots } from './installations.js';
import { isKept } from './kept.js';
import { ownDirectory } from './system.js';
import { passedView } from './views.js';

/** Names below home. */
const names: readonly string[] = toolRoots
  .flatMap(({ home, parts }) =>
    home === undefined ? [] : (parts ?? ['']).map((part) => posix.join(home, part)),
  )
  .filter((name) => name.endsWith('/bin'));

/**
 * Returns the place at which a directory of programs in a home is shown; undefined for others, and in a home that is not
 * the run's own.
 */
export function besideHome(draft: Draft, directory: string): string | undefined {
  const { tree, host } = draft;
  const home = homesOf(host).find((one) =>
    names.some((name) => posix.join(one, name) === directory),
  );
  if (home === undefined) return undefined;
  const over = tree.over(directory);
  if (over?.type !== 'private' || over.home !== true || !isKept(over)) return undefined;
  return posix.join(ownDirectory, 'home', posix.relative(home, directory));
}

/** Shows the directory of programs beside the home. Returns false where there is no such directory. */
export function showBesideHome(draft: Draft, directory: string): boolean {
  const target = besideHome(draft, directory);
  const source = target === undefined ? undefined : draft.host.files.realpath(directory);
  const info = source === undefined ? undefined : draft.host.files.stat(source);
  if (target === undefined || source === undefined || info?.kind !== 'directory') return false;
  const identity = { dev: info.dev, ino: info.ino };
  draft.tree.add(
    passedView(true, { source, target, directory: true, origin: 'interpreter', identity }),
  );
  return true;
}

/** Entries of PATH, each followed by where else its programs are. */
export const withBeside = (draft: Draft, entries: readonly string[]): string[] =>
  entries.flatMap((entry) => {
    const target = besideHome(draft, entry);
    return target === undefined || draft.tree.at(target) === undefined ? [entry] : [entry, target];
  });
