/** What to do about files that the user and the run both changed. */
import type { Conflicts, Refusal } from '../changes/index.js';

/**
 * Lines for the files that both changed; none where there is no such file.
 *
 * @param tried what was done about them so far
 */
export function mergeHint(
  id: string,
  refused: readonly Refusal[],
  tried: Conflicts = 'refuse',
): string[] {
  const both = refused.filter(({ reason }) => reason === 'host-changed').length;
  if (both === 0) return [];
  return [
    `you and the run both changed ${both === 1 ? '1 path' : `${both} paths`}; yours is left as it is`,
    ...(tried === 'refuse' ? [`  merge both:     wasbox apply ${id} --merge`] : []),
    `  take the run's: wasbox apply ${id} --theirs`,
    `  keep yours:     wasbox apply ${id} --ours`,
    `  merged by hand: wasbox apply ${id} --resolved PATH…`,
  ];
}
