/** Stage: cli. What to do about files that the user and the run both changed. */
import type { Refusal } from '../changes/index.js';

/** Lines for the files that both changed; none where there is no such file. */
export function mergeHint(id: string, refused: readonly Refusal[]): string[] {
  const both = refused.filter(({ reason }) => reason === 'host-changed').length;
  if (both === 0) return [];
  return [
    `you and the run both changed ${both === 1 ? 'a path' : `${both} paths`}: yours stay, the run's are kept`,
    `  merge: wasbox apply ${id} --merge   take the run's: … --theirs`,
    `  leave yours: … --ours   merged by hand: … --resolved PATH`,
  ];
}
