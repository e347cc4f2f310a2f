/** What to tell the user about a state directory that cannot be used. */
import { lstatSync } from 'node:fs';
import { ChangesError } from '../../errors/index.js';
import { elsewhereHint } from '../../host/index.js';
import { shellQuote } from '../../options/index.js';

/** What an errno means for a directory that is to be made or opened. */
const stateProblems: Readonly<Record<string, string>> = {
  EACCES: 'you may not write there',
  EPERM: 'you may not write there',
  EROFS: 'its file system is read-only',
  ENOSPC: 'no space is left on its file system',
  EDQUOT: 'your quota of its file system is used up',
  ENOTDIR: 'part of the path is no directory',
};

export function stateError(path: string, cause: unknown): ChangesError {
  if (cause instanceof ChangesError) return cause;
  const { code } = cause as { readonly code?: unknown };
  const why = typeof code === 'string' ? `: ${stateProblems[code] ?? code}` : '';
  return new ChangesError('ERR_STATE_DIR', `The state directory ${path} cannot be used${why}.`, {
    cause,
    hint: stateHint(path, code),
  });
}

/** Whether a directory of this user's is closed to its owner. */
function lacksOwnRights(path: string): boolean {
  try {
    const { uid, mode } = lstatSync(path);
    return uid === process.geteuid?.() && (~mode & 0o700) !== 0;
  } catch {
    return false;
  }
}

function stateHint(path: string, code: unknown): string {
  // As from the filter of a sandbox of wasbox in which something of the host is writable.
  if (code === 'ENOSYS') {
    return 'A sandbox around wasbox refuses a call that it needs (openat2). Run the inner command as it is.';
  }
  if (code === 'EACCES' && lacksOwnRights(path)) {
    return `It is closed to you, as what is made under a umask of 0777. Run: chmod 700 ${shellQuote(path)}`;
  }
  return `Changes are kept there. ${elsewhereHint}`;
}

/** Says of a full disk under the state directory what to do; any other error stays as it is. */
export function fullDiskError(
  store: { readonly directory: string },
  id: string,
  error: unknown,
): unknown {
  const { code } = error as { readonly code?: unknown };
  if (code !== 'ENOSPC' && code !== 'EDQUOT') return error;
  return new ChangesError('ERR_STATE_DIR', `No space is left in ${store.directory}.`, {
    hint: `The changes of run ${id} are still there. Free some space, then: wasbox diff ${id}, or drop them: wasbox discard ${id}`,
    cause: error,
  });
}

/** Runs `use` and says of a full disk what to do. */
export function explainingFullDisk<T>(
  store: { readonly directory: string },
  id: string,
  use: () => T,
): T {
  try {
    return use();
  } catch (error) {
    throw fullDiskError(store, id, error);
  }
}
