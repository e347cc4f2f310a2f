/** Directories that have the homes of users in them: no advice shows a sandbox one of these for the sake of one file. */
import { readFileSync } from 'node:fs';
import { isWithin } from '../host/index.js';

/** Homes of root and of accounts that are people's (login.defs(5)); the system's have theirs below /usr and /var. */
function homesIn(accounts: string): string[] {
  return accounts.split('\n').flatMap((line) => {
    const [, , id, , , home = ''] = line.split(':');
    const isPerson = id === '0' || (Number(id) >= 1000 && Number(id) < 60_000);
    return isPerson && /^\/[^/]/.test(home) ? [home] : [];
  });
}

function accounts(): string {
  try {
    return readFileSync('/etc/passwd', 'utf8');
  } catch {
    return ''; // other sources have them
  }
}

/**
 * Returns the homes of this machine's users. A name service may have accounts that the file does not.
 *
 * @param own the home of who runs the sandbox
 */
export const homesOfUsers = (own: string): string[] => [own, '/home/*', ...homesIn(accounts())];

/** Returns whether a directory of the host is, or has in it, one of these homes. */
export const hasHomes = (directory: string, homes: readonly string[]): boolean =>
  homes.some((home) => isWithin(home, directory));
