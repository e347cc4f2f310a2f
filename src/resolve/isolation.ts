/**
 * Decides which backend a run has: namespaces wherever they work, Landlock where they are not to be had and it is as
 * new as its isolation needs. Never quietly: the note goes to the user at the start and to the report.
 */

import { SupportError } from '../errors/index.js';
import { type Host, landlockIsolationAbi, landlockObstacle } from '../host/index.js';
import type { RunOptions } from '../options/index.js';
import { spoken } from '../options/index.js';
import type { Isolation } from './spec.js';

/** Says what a sandbox has of its own. */
export interface Own {
  /** A file tree that views are mounted in; else they are places of the host, or copies of them in a private root. */
  readonly tree: boolean;
  /** IDs, which are mapped to the host's. */
  readonly ids: boolean;
  /** A network, with a loopback; else sockets are refused, or made by the supervisor. */
  readonly network: boolean;
  /** Processes, below an init that starts further programs. */
  readonly processes: boolean;
  /** A note that the user is told at the start; the whole list is in docs/pages/guide/containers.md. */
  readonly note?: string;
}

/** Each kind of isolation. Only this file and src/backend ask which one a sandbox has. */
const kinds: Readonly<Record<Isolation, Own>> = {
  namespaces: { tree: true, ids: true, network: true, processes: true },
  landlock: {
    ...{ tree: false, ids: false, network: false, processes: false },
    note: 'isolated by Landlock, without namespaces: the program sees which processes run and which files exist',
  },
};

/** Returns what a sandbox of this isolation has of its own. */
export const ownOf = ({ isolation }: { readonly isolation: Isolation }): Own => kinds[isolation];

/** Returns whether a note at the start is of an isolation that is weaker than usual. */
export const isWeakerNote = (note: string): boolean =>
  Object.values(kinds).some((own) => own.note === note);

/** @param what with its verb, such as `sessions are` */
export const notAvailable = (what: string, hint: string): SupportError =>
  new SupportError('ERR_BACKEND', `${what} not available with Landlock isolation`, { hint });

/** Refuses what no spec can say for it; the rest is refused by the backend. Before anything is searched for it. */
function refuse({ root, home, image }: Pick<RunOptions, 'root' | 'home' | 'image'>): void {
  if (image !== undefined) {
    throw notAvailable(
      spoken`--image is`,
      'Without a mount namespace the root stays that of this machine. wasbox doctor says what namespaces need.',
    );
  }
  if (root === true) {
    const hint = 'Without a user namespace the program cannot be root inside. Leave it out.';
    throw notAvailable(spoken`--root is`, hint);
  }
  if (home === 'cow') {
    const hint = spoken`Your home would be copied as a whole. Use a directory in it: --workdir DIR`;
    throw notAvailable(spoken`--home cow is`, hint);
  }
}

/**
 * Errors that say nothing of whether namespaces are allowed: processes, memory or descriptors are short. errno(3) has
 * the same numbers on all processors.
 */
const shortages: ReadonlySet<number> = new Set([11 /* EAGAIN */, 12 /* ENOMEM */, 23, 24]);

/** Returns whether the kernel refuses namespaces. ENOSPC is a limit that others use up, unless it is 0. */
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
): Isolation {
  const { isolation = 'auto' } = options;
  if (isolation === 'namespaces') return isolation;
  if (isolation === 'auto' && !areRefused(host)) return 'namespaces';
  const abi = host.landlockAbi();
  if (abi >= landlockIsolationAbi) {
    refuse(options);
    return 'landlock';
  }
  // Without either, the namespaces' own error says what to change on this machine.
  if (isolation === 'auto') return 'namespaces';
  const { why, fix } = landlockObstacle(abi, landlockIsolationAbi, host.kernelRelease());
  throw new SupportError('ERR_KERNEL', spoken`--isolation landlock: ${why}`, {
    hint: spoken`${fix} Where namespaces work, leave out --isolation.`,
  });
}
