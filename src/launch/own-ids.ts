/** Root's payload without namespaces has user and group IDs of its own, which takes rights that a container may lack. */
import { readFileSync } from 'node:fs';
import { SupportError } from '../errors/index.js';
import type { IdentitySpec } from '../resolve/index.js';

/** CAP_CHOWN, CAP_SETGID, CAP_SETUID: capabilities(7) */
const needed = (1n << 0n) | (1n << 6n) | (1n << 7n);

const readProc = (name: string): string => readFileSync(`/proc/self/${name}`, 'latin1');

/** Returns whether an ID exists in this user namespace: user_namespaces(7). */
function isMapped(map: string, id: number): boolean {
  return map.split('\n').some((line) => {
    const [first = Number.NaN, , count = 0] = line.trim().split(/\s+/).map(Number);
    return id >= first && id < first + count;
  });
}

/** @throws SupportError where this process cannot become another user */
export function requireOwnIds({ privileged, hostUid, hostGid }: IdentitySpec): void {
  if (!privileged) return;
  const [, rights = '0'] = /^CapEff:\s*([0-9a-f]+)$/m.exec(readProc('status')) ?? [];
  const has = (BigInt(`0x${rights}`) & needed) === needed;
  if (has && isMapped(readProc('uid_map'), hostUid) && isMapped(readProc('gid_map'), hostGid)) {
    return;
  }
  throw new SupportError('ERR_BACKEND', 'root cannot become another user here', {
    hint: 'As root, Landlock isolation starts the program under a user ID of its own. Run wasbox as an ordinary user (in Docker: --user 1000).',
  });
}
