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
    'Not applied: the file on the host changed since the run began.',
  );
}

/** The run saw none, so only the user knows what is meant. */
export function unseen({ before, after }: Change): RefusedError {
  const files = before?.type === 'file' && after?.type === 'file';
  const message = files
    ? 'Not applied: the file exists, but the run did not see it.'
    : `Not applied: a ${before?.type ?? 'file'} exists, but the run did not see it.`;
  return new RefusedError('unseen', message);
}

export function notEmpty(): RefusedError {
  return new RefusedError('not-empty', 'Not applied: the directory on the host is not empty.');
}

/** Why a change is not applied, whatever the host says; undefined where nothing forbids it. */
export function policyRefusal(
  change: Change,
  named: boolean,
  conflicts: Conflicts = 'refuse',
): RefusedError | undefined {
  const { flags, kind } = change;
  if (flags.includes('special')) {
    return new RefusedError('special', 'Not applied: it is a device, FIFO or socket.');
  }
  if (flags.includes('unreadable')) {
    const why = flags.includes('too-deep') ? 'is nested too deeply' : 'cannot be read';
    return new RefusedError('unreadable', `Not applied: it ${why}.`);
  }
  if (flags.includes('mount-point')) {
    return new RefusedError(
      'mount-point',
      'Not applied: it is on another mount than the working directory.',
    );
  }
  if (kind === 'xattr') {
    return new RefusedError('xattr', 'Not applied: only its extended attributes changed.');
  }
  if (flags.includes('unseen')) {
    if (!['append', 'ours', 'theirs'].includes(conflicts)) return unseen(change);
  } else if (flags.includes('host-changed') && ['refuse', 'append'].includes(conflicts)) {
    return hostChanged();
  }
  if (named) return undefined;
  if (flags.includes('held')) {
    const why = change.runs ?? 'another program runs it';
    return new RefusedError('held', `Not applied automatically: ${why}.`);
  }
  if (flags.includes('leads-out')) {
    return new RefusedError(
      'leads-out',
      'Not applied automatically: the symbolic link points outside the working directory.',
    );
  }
  return undefined;
}

/** The refusal that a failed system call means. */
export function systemRefusal(code: string): RefusedError {
  switch (code) {
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new RefusedError('permission', `Not applied: permission denied (${code}).`, code);
    case 'ENOSPC':
    case 'EDQUOT':
      return new RefusedError('no-space', 'Not applied: no space is left on the device.', code);
    case 'EBUSY':
    case 'EXDEV':
      return new RefusedError('mount-point', `Not applied: it is a mount point (${code}).`, code);
    default:
      return new RefusedError('failed', `Not applied: a system call failed (${code}).`, code);
  }
}

/** Why a directory on the way to a change cannot be opened. */
export function parentRefusal(code: string): RefusedError {
  switch (code) {
    case 'ENOENT':
      return new RefusedError('parent-missing', 'Not applied: its directory does not exist.', code);
    case 'ELOOP':
    case 'ENOTDIR':
      return new RefusedError(
        'symlink-in-path',
        'Not applied: on the host, a part of its path is a symbolic link or a file.',
        code,
      );
    case 'EXDEV':
      return new RefusedError(
        'mount-point',
        'Not applied: its directory is on another mount.',
        code,
      );
    default:
      return new RefusedError(
        'permission',
        `Not applied: its directory cannot be opened (${code}).`,
        code,
      );
  }
}
