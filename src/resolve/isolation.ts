/**
 * Which backend a run has: namespaces wherever they work, Landlock where they are not to be had and it
 * is as new as its isolation needs. Never quietly: the note goes to the user at the start and to the report.
 */
import { SupportError } from '../errors/index.js';
import { type Host, landlockIsolationAbi, landlockObstacle } from '../host/index.js';
import type { RunOptions } from '../options/index.js';
import type { Isolation } from './spec.js';

export interface ResolvedIsolation {
  readonly isolation: Isolation;
  readonly note?: string;
}

/** What it lacks beside namespaces; the whole list is in docs/pages/guide/containers.md. */
export const weakerIsolation =
  'isolated by Landlock, without namespaces: the program sees which processes run and which files exist';

/** What no spec can say for it; the rest is refused by the backend. Before anything is searched for it. */
function refuse({ root, home, image }: Pick<RunOptions, 'root' | 'home' | 'image'>): void {
  if (image !== undefined) {
    throw new SupportError('ERR_BACKEND', '--image is not available with Landlock isolation', {
      hint: 'Without a mount namespace the root stays that of this machine. wasbox doctor says what namespaces need.',
    });
  }
  const [option, hint] =
    root === true
      ? ['--root', 'Without a user namespace nobody can be root inside. Leave it out.']
      : [
          '--home cow',
          'Your home would be copied as a whole. Use a directory in it: --workdir DIR',
        ];
  if (root !== true && home !== 'cow') return;
  throw new SupportError('ERR_BACKEND', `${option} is not available with Landlock isolation`, {
    hint,
  });
}

/**
 * Errors that say nothing of whether namespaces are allowed: processes, memory or descriptors are short. errno(3) has
 * the same numbers on all processors.
 */
const shortages: ReadonlySet<number> = new Set([11 /* EAGAIN */, 12 /* ENOMEM */, 23, 24]);

/** Whether the kernel refuses namespaces. ENOSPC is a limit that others use up, unless it is 0. */
function areRefused(host: Host): boolean {
  const error = host.namespacesErrno();
  if (error === 0 || shortages.has(error)) return false;
  if (error !== 28) return true;
  const most = host.files.read('/proc/sys/user/max_user_namespaces', 16);
  return most !== undefined && new TextDecoder().decode(most).trim() === '0';
}

/** @throws SupportError `ERR_KERNEL` where Landlock isolation was asked for and cannot be */
export function resolveIsolation(
  options: Pick<RunOptions, 'isolation' | 'root' | 'home' | 'image'>,
  host: Host,
): ResolvedIsolation {
  const { isolation = 'auto' } = options;
  if (isolation === 'namespaces') return { isolation };
  if (isolation === 'auto' && !areRefused(host)) return { isolation: 'namespaces' };
  const abi = host.landlockAbi();
  if (abi >= landlockIsolationAbi) refuse(options);
  if (abi >= landlockIsolationAbi) return { isolation: 'landlock', note: weakerIsolation };
  // Without either, the namespaces' own error says what to change on this machine.
  if (isolation === 'auto') return { isolation: 'namespaces' };
  const { why, fix } = landlockObstacle(abi, landlockIsolationAbi, host.kernelRelease());
  throw new SupportError('ERR_KERNEL', `--isolation landlock: ${why}`, {
    hint: `${fix} Where namespaces work, leave out --isolation.`,
  });
}
