/**
 * Root in another user's directory: the program is not root on the host and sees files
 * of root's as its own, others' not. Each write fails there with EACCES, which says nothing of why.
 */

import { shellQuote } from '../options/index.js';
import type { Draft } from './draft.js';
import { isCopied, reachesHost } from './views.js';

export function noteForeignOwner(draft: Draft): void {
  const { host, identity, workdir, tree } = draft;
  if (!identity.idmap || workdir.uid === 0) return;
  const mount = tree.at(workdir.path);
  const toChange = isCopied(mount) || reachesHost(mount);
  const isShared = ((host.files.stat(workdir.path)?.mode ?? 0) & 0o002) !== 0;
  if (!toChange || isShared) return;
  const name = host.userById(workdir.uid)?.name;
  const owner = name ?? `user ${workdir.uid}`;
  const as = name === undefined ? `'#${workdir.uid}'` : shellQuote(name);
  draft.note(
    `this directory belongs to ${owner}, and the program cannot change it because it is not root on this machine. Run it as the owner: sudo -u ${as} wasbox run …`,
  );
}
