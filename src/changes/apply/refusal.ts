/** Why a change is not applied. */
import type { Change, Conflicts, RefusalReason } from '../model/index.js';

/** A change that cannot be applied; caught by `apply` and reported. */
export class RefusedError extends Error {
  readonly reason: RefusalReason;
  readonly errno: string | undefined;

  constructor(reason: RefusalReason, message: string, errno?: string) {
    super(message);
    this.reason = reason;
    this.errno = errno;
  }
}

export function hostChanged(): RefusedError {
  return new RefusedError(
    'host-changed',
    'The file on the host changed since the run began; `wasbox diff` shows how the two differ.',
  );
}

export function notEmpty(): RefusedError {
  return new RefusedError('not-empty', 'The directory on the host holds files that stay.');
}

/** Why a change is not applied whatever the host says; undefined where nothing speaks against it. */
export function policyRefusal(
  change: Change,
  named: boolean,
  conflicts: Conflicts = 'refuse',
): RefusedError | undefined {
  const { flags, kind } = change;
  if (flags.includes('special')) {
    return new RefusedError('special', 'Devices, FIFOs and sockets are never applied.');
  }
  if (flags.includes('unreadable')) {
    const why = flags.includes('too-deep') ? 'lies too deep' : 'cannot be read';
    return new RefusedError('unreadable', `It ${why}.`);
  }
  if (flags.includes('mount-point')) {
    return new RefusedError('mount-point', 'It lies on another mount than the working directory.');
  }
  if (kind === 'xattr') {
    return new RefusedError('xattr', 'Extended attributes are never applied.');
  }
  if (flags.includes('host-changed') && conflicts === 'refuse') return hostChanged();
  if (named) return undefined;
  if (flags.includes('held')) {
    const why = change.runs ?? 'it runs later by itself';
    return new RefusedError('held', `Held back because ${why}. To apply it, name it.`);
  }
  if (flags.includes('leads-out')) {
    return new RefusedError(
      'leads-out',
      'The symbolic link leads out of the working directory. To apply it, name it.',
    );
  }
  return undefined;
}

/** What a failed system call says. */
export function systemRefusal(code: string): RefusedError {
  switch (code) {
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new RefusedError('permission', `The host does not permit it (${code}).`, code);
    case 'ENOSPC':
    case 'EDQUOT':
      return new RefusedError('no-space', 'There is no space left.', code);
    case 'EBUSY':
    case 'EXDEV':
      return new RefusedError('mount-point', `It is a mount point (${code}).`, code);
    default:
      return new RefusedError('failed', `The system call failed (${code}).`, code);
  }
}

/** Why a directory on the way to a change cannot be opened. */
export function parentRefusal(code: string): RefusedError {
  switch (code) {
    case 'ENOENT':
      return new RefusedError('parent-missing', 'Its directory is not there.', code);
    case 'ELOOP':
    case 'ENOTDIR':
      return new RefusedError(
        'symlink-in-path',
        'On the host, a part of its path is a symbolic link or a file; it is not followed.',
        code,
      );
    case 'EXDEV':
      return new RefusedError('mount-point', 'It lies on another mount.', code);
    default:
      return new RefusedError('permission', `Its directory cannot be opened (${code}).`, code);
  }
}
