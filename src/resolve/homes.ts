/** The home directories that the user has. */
import { posix } from 'node:path';
import type { Host } from '../host/index.js';
import { isWithin } from '../host/index.js';

const knownHomes = new WeakMap<Host, readonly string[]>();

/** Homes of everybody the user is: $HOME, the account's, and the one behind sudo. */
export function homesOf(host: Host): readonly string[] {
  const known = knownHomes.get(host);
  if (known !== undefined) return known;
  const homes = findHomes(host);
  knownHomes.set(host, homes);
  return homes;
}

function findHomes(host: Host): string[] {
  const homes = new Set<string>();
  const add = (home: string | undefined) => {
    if (home?.startsWith('/') && posix.resolve(home) !== '/') homes.add(posix.resolve(home));
  };
  add(host.env.HOME);
  add(host.userById(host.uid)?.home);
  const sudoUid = host.env.SUDO_UID;
  if (host.uid === 0 && sudoUid !== undefined && /^\d{1,10}$/.test(sudoUid)) {
    add(host.userById(Number(sudoUid))?.home);
  }
  return [...homes];
}

/** Returns whether a canonical path is a home directory of the user, or holds one. */
export function holdsHome(host: Host, path: string): boolean {
  return homesOf(host).some((home) => isWithin(host.files.realpath(home) ?? home, path));
}
