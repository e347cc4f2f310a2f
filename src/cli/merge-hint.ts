/** Says what to do about paths that both the user and the run changed. */
import type { Change, Conflicts, Refusal } from '../changes/index.js';
import { homeOperand, pathOperands } from '../report/index.js';

const ofHome = ({ change }: Refusal): boolean => change.home !== undefined;

/** ` ~/.bashrc ~/.profile`, for commands about these paths: they are applied by name only. */
function homeOperands(refused: readonly Refusal[]): string {
  const paths = refused.filter(ofHome).map(({ change }) => change.display);
  return paths.length === 0 ? '' : ` ${pathOperands(paths) ?? 'PATH…'}`;
}

function choices(id: string, paths: string, tried: Conflicts): string[] {
  return [
    ...(tried === 'refuse' ? [`  merge both:     wasbox apply ${id} --merge${paths}`] : []),
    `  take the run's: wasbox apply ${id} --theirs${paths}`,
    `  keep yours:     wasbox apply ${id} --ours${paths}`,
    `  merged by hand: wasbox apply ${id} --resolved${paths === '' ? ' PATH…' : paths}`,
  ];
}

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
  const both = refused.filter(({ reason }) => reason === 'host-changed');
  const count = both.length;
  if (count === 0) return [];
  const home = homeOperands(both);
  const said = `you and the run both changed ${count === 1 ? '1 path; your version was kept' : `${count} paths; your versions were kept`}`;
  if (both.every(ofHome)) return [said, ...choices(id, home, tried)];
  return [
    said,
    ...choices(id, '', tried),
    ...(home === '' ? [] : [`  those of your home by name:${home}`]),
  ];
}

/** Lines about files of the home that exist, and that the run did not see. */
export function unseenHint(id: string, changes: readonly Change[]): string[] {
  const [first, ...more] = changes;
  if (first === undefined) return [];
  const path = homeOperand(first.display);
  const each = more.length === 0 ? '' : ', the same for the others';
  const added = first.appends === true;
  const link = first.before?.type === 'symlink';
  return [
    `${first.display} exists, and the run did not see it${each}:`,
    ...(added ? [`  add lines:  wasbox apply ${id} --append ${path}`] : []),
    ...(first.before?.type === 'directory'
      ? []
      : [`  replace:    wasbox apply ${id} --theirs ${path}`]),
    `  keep yours: wasbox apply ${id} --ours ${path}`,
    ...(link
      ? ['  or run again with --home cow, which changes the file that the link leads to']
      : []),
  ];
}
