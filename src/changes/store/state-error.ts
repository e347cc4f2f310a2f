/** Says what to tell the user about a state directory that cannot be used. */
import { lstatSync } from 'node:fs';
import { ChangesError } from '../../errors/index.js';
import { elsewhereHint } from '../../host/index.js';
import { shellQuote } from '../../options/index.js';

/** Says what an errno means when the directory, or what is in it, is made, opened, written or removed. */
const stateProblems: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'its file system is read-only',
  ENOSPC: 'no space is left on its file system',
  EDQUOT: 'your disk quota is used up',
  EFBIG: 'a file in it would be larger than allowed (ulimit -f)',
  ENOTDIR: 'a part of the path is not a directory',
  EISDIR: 'there is a directory in place of a file',
  ELOOP: 'there is a symbolic link in place of a file or directory',
  ENXIO: 'there is a FIFO or a device in place of a file',
  EAGAIN: 'there is a FIFO or a device in place of a file',
  EXDEV: 'something else is mounted in it',
  EIO: 'its disk reports errors',
  ESTALE: 'it was removed on the file server',
  ENOTCONN: 'its file system has ended',
  ENOMEM: 'no memory is left',
};

/** Errors that only another process can have caused, or a bug: no fault of the state directory by itself. */
const meanwhile: Readonly<Record<string, string>> = {
  ENOENT: 'it was removed meanwhile',
  EEXIST: 'something else was put in its place meanwhile',
  ENOTEMPTY: 'something was put into it meanwhile',
  EBUSY: 'something is mounted on it',
};

/** Numbers that Node has no name for; of x64 and arm64. */
const unnamed: Readonly<Record<string, string>> = { 116: 'ESTALE', 122: 'EDQUOT' };

/** The symbolic errno of a system call's error; undefined for any other. */
function systemCode(error: unknown): string | undefined {
  const { code } = (error ?? {}) as { readonly code?: unknown };
  if (typeof code !== 'string') return undefined;
  const [, number] = /^Unknown system error -(\d+)$/.exec(code) ?? [];
  return number === undefined ? code : unnamed[number];
}

/**
 * Returns what an error of a system call means, in words; undefined for one that hints at a mistake of wasbox's own.
 */
export function systemProblem(error: unknown): string | undefined {
  const code = systemCode(error);
  return code === undefined ? undefined : (stateProblems[code] ?? meanwhile[code]);
}

export function stateError(path: string, cause: unknown): ChangesError {
  if (cause instanceof ChangesError) return cause;
  const code = systemCode(cause);
  const why = code === undefined ? '' : `: ${stateProblems[code] ?? code}`;
  return new ChangesError('ERR_STATE_DIR', `The state directory ${path} cannot be used${why}.`, {
    cause,
    hint: stateHint(path, code),
  });
}

/** Returns whether this user owns the directory, but its mode denies the owner access. */
function lacksOwnRights(path: string): boolean {
  try {
    const { uid, mode } = lstatSync(path);
    return uid === process.geteuid?.() && (~mode & 0o700) !== 0;
  } catch {
    return false;
  }
}

function stateHint(path: string, code: unknown): string {
  // This happens, for example, in a sandbox of wasbox with writable host files.
  if (code === 'ENOSYS') {
    return 'The sandbox around wasbox blocks a system call that wasbox needs (openat2). Run the inner command without wasbox.';
  }
  if (code === 'EACCES' && lacksOwnRights(path)) {
    return `Its mode denies you access. Run: chmod 700 ${shellQuote(path)}`;
  }
  return `wasbox saves changes there. ${elsewhereHint}`;
}

/** Explains what is wrong with the state directory; returns any other error unchanged. */
export function runStateError(
  store: { readonly directory: string },
  id: string,
  error: unknown,
): unknown {
  const code = systemCode(error);
  if (error instanceof ChangesError || code === undefined) return error;
  const why = stateProblems[code];
  if (why === undefined) return error;
  if (code !== 'ENOSPC' && code !== 'EDQUOT') {
    return new ChangesError('ERR_STATE_DIR', `Run ${id} in ${store.directory}: ${why}.`, {
      hint: `Its changes are still there. Once that is put right:\n  wasbox diff ${id}`,
      cause: error,
    });
  }
  return new ChangesError('ERR_STATE_DIR', `No space is left in ${store.directory}.`, {
    hint: `The changes of run ${id} are still saved. Free some space, then review or discard them:\n  wasbox diff ${id}\n  wasbox discard ${id}`,
    cause: error,
  });
}

/** Runs `use` and explains what is wrong with the state directory. */
export function explainingState<T>(
  store: { readonly directory: string },
  id: string,
  use: () => T,
): T {
  try {
    return use();
  } catch (error) {
    throw runStateError(store, id, error);
  }
}
