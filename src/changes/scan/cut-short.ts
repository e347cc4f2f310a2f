/**
 * Runs that ended amidst the renaming of a directory of the host, which is done file by file: a part of its files is
 * at the old place, the other at none of the two. addon/supervisor/move_tree.c names the directory that is left then.
 */
import type { Change, RunRecord } from '../model/index.js';

const mark = /(?:^|\/)\.wasbox-move-\d\d$/;

/** That a run is incomplete, where its changes say so. */
export const cutShort = (changes: readonly Change[]): Pick<RunRecord, 'incomplete'> =>
  changes.some(({ kind, type, path }) => {
    return kind === 'added' && type === 'directory' && mark.test(path.toString('latin1'));
  })
    ? { incomplete: true }
    : {};
