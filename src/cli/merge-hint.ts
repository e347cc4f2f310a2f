/** What to do about paths that both the user and the run changed. */
import type { Conflicts, Refusal } from '../changes/index.js';
import { homeOperand } from '../report/index.js';

/**
 * Lines about the paths that both changed; none where there is no such path.
 *
 * @param tried what was tried so far
 */
export function mergeHint(
  id: string,
  refused: readonly Refusal[],
  tried: Conflicts = 'refuse',
): string[] {
  const both = refused.filter(({ reason }) => reason === 'host-changed').length;
  if (both === 0) return [];
  return [
    `you and the run both changed ${both === 1 ? '1 path; your version was kept' : `${both} paths; your versions were kept`}`,
    ...(tried === 'refuse' ? [`  merge both:     wasbox apply ${id} --merge`] : []),
    `  take the run's: wasbox apply ${id} --theirs`,
    `  keep yours:     wasbox apply ${id} --ours`,
    `  merged by hand: wasbox apply ${id} --resolved PATH…`,
  ];
}

/** Lines about files of the home that exist, and that the run did not see. */
export function unseenHint(id: string, refused: readonly Refusal[]): string[] {
  const [first, ...more] = refused.filter(({ reason }) => reason === 'unseen');
  if (first === undefined) return [];
  const path = homeOperand(first.change.display);
  const each = more.length === 0 ? '' : ', the same for the others';
  return [
    `to add the run's lines to ${first.change.display}${each}:`,
    `  add lines:  wasbox apply ${id} --append ${path}`,
    `  replace:    wasbox apply ${id} --theirs ${path}`,
    `  keep yours: wasbox apply ${id} --ours ${path}`,
  ];
}
