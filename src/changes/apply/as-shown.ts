/** Refuses what is not as the user was shown it: a person takes minutes to answer, and other programs go on meanwhile. */
import { pathKey } from '../files/path.js';
import type { Change, FileState } from '../model/index.js';
import { RefusedError } from './refusal.js';

const keyOf = ({ tree, path }: Change): string => `${tree} ${pathKey(path)}`;

/** The parts of a file's state that a read does not change. */
const partsOf = (state: FileState | undefined): readonly unknown[] =>
  state === undefined
    ? []
    : [
        state.type,
        state.mode,
        state.size,
        state.mtimeNs,
        state.ino,
        state.link?.toString('latin1'),
      ];

/** Returns all that is said of a change. Flags are among it: a file that the user's own edit makes another program run is held. */
const textOf = ({ kind, flags, runs, before, after }: Change): string =>
  [kind, flags.join(), runs, ...partsOf(before), '', ...partsOf(after)].map(String).join('\n');

/** @param shown the changes that were asked about; others are not refused */
export function notAsShown(shown: readonly Change[]): (change: Change) => RefusedError | undefined {
  const texts = new Map(shown.map((change) => [keyOf(change), textOf(change)]));
  return (change) => {
    const text = texts.get(keyOf(change));
    if (text === undefined || text === textOf(change)) return undefined;
    return new RefusedError(
      'failed',
      'Not applied: it is not as it was shown; something was changed meanwhile. Look at it again.',
    );
  };
}
