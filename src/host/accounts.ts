import type { HostUser } from './interface.js';

/** @param text as /etc/passwd, passwd(5) */
export function accountIn(text: string, uid: number): HostUser | undefined {
  const wanted = `:${uid}:`;
  // The number may also be another field's.
  for (let at = text.indexOf(wanted); at >= 0; at = text.indexOf(wanted, at + 1)) {
    const end = text.indexOf('\n', at);
    const line = text.slice(text.lastIndexOf('\n', at) + 1, end < 0 ? text.length : end);
    const [name = '', , id, gid, , home = '', shell = ''] = line.split(':');
    if (id === String(uid)) return { name, gid: Number(gid), home, shell };
  }
  return undefined;
}
