/** IDs of runs in the state directory. There may be tens of thousands, so they are read a page at a time. */
import { withFd } from '../files/fdtree.js';
import { type OwnName, openOwn, type Store } from './state-dir.js';

const page = 64;
const all = 2 ** 32 - 1;

function someOf(store: Store, place: OwnName, prefix: string, before: string, most: number) {
  const directory = openOwn(store, place, false);
  if (directory === undefined) return [];
  return withFd(directory, () => store.native.runIds(directory, prefix, before, most));
}

/** The IDs in a place, newest first. */
export const idsIn = (store: Store, place: OwnName): string[] => someOf(store, place, '', '', all);

/** Returns at most two of the IDs that begin with a prefix: enough to know whether there is one, and only one. */
export const idsWith = (store: Store, place: OwnName, prefix: string): string[] =>
  someOf(store, place, prefix, '', 2);

/** Yields what {@link idsIn} returns, but reads only as far as the caller goes. */
export function* idsByAge(store: Store, place: OwnName): Generator<string, void> {
  for (let before = ''; ; ) {
    const ids = someOf(store, place, '', before, page);
    yield* ids;
    const oldest = ids.at(-1);
    if (oldest === undefined) return;
    before = oldest;
  }
}
