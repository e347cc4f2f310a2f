/** `--workdir DIR` of `apply` and `diff`: another directory in place of the run's. */
import { resolve } from 'node:path';
import { checkStandIn, type Store } from '../changes/index.js';
import { UsageError } from '../errors/index.js';
import type { OptionEntry } from '../options/index.js';
import { displayText } from '../text/index.js';
import { currentDirectory } from './here.js';

export const workdirOption = (help: string): OptionEntry => ({
  name: 'workdir',
  kind: 'path',
  group: 'Output',
  metavar: 'DIR',
  help,
  property: 'workdir',
  scope: 'cli',
});

const problems: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such directory',
  ENOTDIR: 'it is no directory, or a symbolic link to one; name it by its real path',
  ELOOP: 'its path leads through a symbolic link; name it by its real path',
  EACCES: 'permission denied',
};

/**
 * The path of that directory, for `openRun` and `standIn`.
 * @throws UsageError if it cannot be opened
 */
export function otherDirectory(store: Store, directory: string): string {
  const path = resolve(currentDirectory(), directory);
  try {
    checkStandIn(store, path);
    return path;
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    const why = problems[code];
    if (why === undefined) throw error;
    throw new UsageError('ERR_WORKDIR', `--workdir ${displayText(directory)}: ${why}`, {
      hint: 'Give a directory that exists; an empty one gets all that the run left.',
    });
  }
}
