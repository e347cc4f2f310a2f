/**
 * Named pipes and UNIX sockets of the host that a directory shown read-only brings along. A
 * read-only mount stops neither writing to a pipe nor connect(2): another process of the host would be
 * reached. (An overlay does: its inodes are not those that pipes and sockets belong to.)
 *
 * Landlock stops writing to a pipe where no writable place is above the mount. Its rules hold for all that
 * is below a place, mounts included (landlock(7)), and a rule that lets new files of home be written lets a
 * pipe of a mount below home be written, too. Of connect(2) it knows nothing. So they are hidden.
 */
import { posix } from 'node:path';
import { UsageError } from '../errors/index.js';
import type { Host, SpecialKind } from '../host/index.js';
import { joinMapping, pathOption, shellQuote, spoken } from '../options/index.js';
import type { Draft } from './draft.js';
import { hiddenView, isReadOnly } from './views.js';

/**
 * How many entries are looked at in all: listing a directory takes some 10 µs, and a large tree must
 * not slow the start. They are near the top as a rule (`/tmp/ssh-…/agent.1`, `.s.PGSQL.5432`).
 */
const entryLimit = 4000;

/** More than a directory with sockets has. */
const siblingLimit = 100_000;

/**
 * Hides them in what `--ro` shows. What the user shows writable, or by `--socket`, stays. Without a
 * tree of its own nothing can be hidden, nor need be: no right to write is granted there, and no socket can be connected by its path.
 */
export function hideSpecialFiles(draft: Draft): void {
  const { host, tree } = draft;
  for (const mount of tree.list()) {
    if (!isReadOnly(mount) || !mount.directory || mount.origin !== 'user') continue;
    for (const { path } of host.files.specials(mount.source, entryLimit)) {
      const target = posix.join(mount.target, path.slice(mount.source.length));
      // The file is hidden only where this mount is what is seen at that place.
      const place = tree.locate(target);
      if (place.mount === mount && place.hostPath === path) {
        tree.add(hiddenView({ target, directory: false }));
      }
    }
  }
}

/** Returns whether a canonical path is a named pipe or a socket. */
export function specialKind(host: Host, path: string): SpecialKind | undefined {
  if (host.files.stat(path)?.kind !== 'other') return undefined;
  const siblings = host.files.specials(posix.dirname(path), siblingLimit);
  return siblings.find((one) => one.path === path)?.kind;
}

/** `--ro` of one of them would not be read-only. */
export function refuseSpecialFile(host: Host, named: string, path: string): void {
  const kind = specialKind(host, path);
  if (kind === undefined) return;
  const [what, hint] =
    kind === 'socket'
      ? [
          'a UNIX socket, and the program could connect to it',
          spoken`To allow that: --socket ${shellQuote(joinMapping(path) ?? path)}`,
        ]
      : [
          'a named pipe, and the program could write to it',
          spoken`To read from it: wasbox run \u2026 < ${shellQuote(path)}\nTo allow writing, too: ${pathOption('--rw', path) ?? 'rename it first'}`,
        ];
  throw new UsageError('ERR_PATH', `${named}: this is ${what}, although mounted read-only`, {
    hint,
  });
}
