/**
 * Describes what a changed git index hides: `git status` after `apply` would not show it. An index is
 * recognised by its first bytes, because it may have any name.
 */
import { readSync } from 'node:fs';
import { gitPath } from '../../text/index.js';
import { readUpTo } from '../files/content.js';
import type { Change } from '../model/index.js';
import type { Session } from '../store/session.js';
import { fromHost, fromLayer } from './file-contents.js';
import { type GitIndex, indexFlagNames, looksLikeIndex, parseIndex } from './git-index.js';

const maxIndexBytes = 64 * 1024 * 1024;
const maxPaths = 20;

function begins(fd: number): boolean {
  const magic = Buffer.alloc(4);
  readSync(fd, magic, 0, 4, 0);
  return looksLikeIndex(magic);
}

const flagsText = (bits: number): string =>
  indexFlagNames.filter((_, bit) => (bits & (1 << bit)) !== 0).join(', ');

const extensionText: Readonly<Record<string, string>> = {
  FSMN: 'caches which files are unchanged (file system monitor), and git may trust it',
  UNTR: 'caches which files are untracked (untracked cache), and git may trust it',
  link: 'is a split index: files that its shared index hides are listed under that file',
};

/** Returns what the index hides, one phrase each. */
export function hiddenBy(before: GitIndex | undefined, after: GitIndex): string[] {
  const fresh: string[] = [];
  let old = 0;
  for (const [path, bits] of after.flagged) {
    const added = bits & ~(before?.flagged.get(path) ?? 0);
    if (added === 0) old++;
    else
      fresh.push(
        `hides changes to ${gitPath(Buffer.from(path, 'latin1'))} from git (${flagsText(bits)})`,
      );
  }
  const notes = fresh.slice(0, maxPaths);
  if (fresh.length > maxPaths) notes.push(`hides changes to ${fresh.length - maxPaths} more paths`);
  if (old > 0)
    notes.push(`hides changes to ${old} ${old === 1 ? 'path' : 'paths'} as it did before`);
  for (const [name, text] of Object.entries(extensionText)) {
    if (after.extensions.has(name) && before?.extensions.has(name) !== true) notes.push(text);
  }
  return notes;
}

/** Empty if the change is not an index. */
export function indexNotes(session: Session, change: Change): string[] {
  const { kind, before, after } = change;
  if (after?.type !== 'file' || after.size < 12 || !['added', 'modified', 'type'].includes(kind)) {
    return [];
  }
  const read = (fd: number): Buffer | undefined =>
    begins(fd) ? readUpTo(fd, maxIndexBytes) : undefined;
  if (after.size > maxIndexBytes) {
    return fromLayer(session, change, begins) === true
      ? ['looks like a git index, but is too large to read']
      : [];
  }
  const now = fromLayer(session, change, read);
  if (now === undefined) return [];
  const old =
    before?.type === 'file' && before.size <= maxIndexBytes
      ? fromHost(session, change, read)
      : undefined;
  const index = parseIndex(now);
  if (index === undefined) return ['looks like a git index, but cannot be parsed'];
  return hiddenBy(old && parseIndex(old), index);
}
