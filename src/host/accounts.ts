import type { HostUser } from './interface.js';

/** @param text as /etc/passwd, passwd(5) */
export function accountIn(text: string, uid: number): HostUser | undefined {
  for (const line of text.split('\n')) {
    const [name = '', , id, gid, , home = '', shell = ''] = line.split(':');
    if (id === String(uid)) return { name, gid: Number(gid), home, shell };
  }
  return undefined;
}
