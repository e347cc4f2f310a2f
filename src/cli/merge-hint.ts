/** What to do about paths that both the user and the run changed. */
import type { Conflicts, Refusal } from '../changes/index.js';

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
