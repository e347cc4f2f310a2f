/**
 * Stage: cli. What to do about a file that the user and the run both changed: three versions, of
 * which wasbox has two, and git often the third.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Change, Refusal, Run } from '../changes/index.js';
import { shellQuote } from '../spec/show.js';

/** Whether a shell can be told the path: as text, without anything that a terminal would obey. */
const isPlain = ({ display }: Change): boolean => !display.startsWith('"');

/** Lines for the first file that both changed; none where there is no such file. */
export function mergeHint(run: Run, refused: readonly Refusal[]): string[] {
  const refusal = refused.find(
    ({ reason, change }) =>
      reason === 'host-changed' &&
      change.before?.type === 'file' &&
      change.after?.type === 'file' &&
      isPlain(change),
  );
  const layer = refusal === undefined ? undefined : run.trees[refusal.change.tree]?.layer;
  if (refusal === undefined || layer === undefined) return [];
  const { path, root } = refusal.change;
  const name = path.toString();
  const yours = shellQuote(join(root, name));
  const theirs = shellQuote(join(layer, 'upper', name));
  const base = `<(git -C ${shellQuote(root)} show ${shellQuote(`HEAD:./${name}`)})`;
  const command = existsSync(join(root, '.git'))
    ? `git merge-file ${yours} ${base} ${theirs}`
    : `diff -u ${yours} ${theirs}`;
  return [
    `both you and the run changed ${refusal.change.display}: yours stays, the run's is kept`,
    `  ${existsSync(join(root, '.git')) ? 'three-way merge (bash)' : 'compare'}: ${command}`,
  ];
}
