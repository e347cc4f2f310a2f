/**
 * Stage: spec. UNIX sockets of the host that a shown directory would bring along. A read-only mount
 * does not stop connect(2): whoever listens would be reached. (An overlay does: its inodes are not
 * those that sockets are bound to.)
 */
import { posix } from 'node:path';
import type { Draft } from './draft.js';

/**
 * How many entries are looked at in all: listing a directory takes some 10 µs, and a large tree must
 * not slow the start. Sockets lie near the top (`/tmp/ssh-…/agent.1`, `.s.PGSQL.5432`).
 */
const entryLimit = 4000;

/**
 * Hides the sockets in what `--ro` shows. What the user shows writable, or names itself, stays.
 */
export function hideSockets(draft: Draft): void {
  const { host, tree } = draft;
  for (const mount of tree.list()) {
    if (mount.type !== 'bind' || !mount.directory || !mount.readOnly || mount.origin !== 'user') {
      continue;
    }
    for (const socket of host.files.sockets(mount.source, entryLimit)) {
      const target = posix.join(mount.target, socket.slice(mount.source.length));
      // Only where this mount is what is seen at that place.
      if (tree.at(target) === undefined && tree.locate(target).hostPath === socket) {
        tree.add({ type: 'hide', target, directory: false });
      }
    }
  }
}
