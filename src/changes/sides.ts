/**
 * Stage: changes. The two sides of a change, opened by descriptors and read: text where it is text,
 * a hash where it is not.
 */
import type { Hash } from 'node:crypto';
import { fstatSync, readFileSync, readSync } from 'node:fs';
import { openDirectoryPath, openToRead, withFd } from './fdtree.js';
import { unlessDenied } from './layer.js';
import type { Change, FileState } from './model.js';
import { emptyPath, splitPath } from './path.js';
import type { Session } from './session.js';

/** What a side holds: its text, or a SHA-256 in hex (`?` where it cannot be read). */
export type Side = { readonly text: string } | { readonly hash: string };

/** Larger files are told apart by size and hash. */
const maxTextBytes = 2 * 1024 * 1024;
/** Larger files are not hashed: the size of a hole costs the payload nothing, and us hours. */
const maxHashBytes = 1024 ** 3;

let decoder: TextDecoder | undefined;

/** @throws TypeError where it is no UTF-8 */
function decode(bytes: Uint8Array): string {
  decoder ??= new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  return decoder.decode(bytes);
}

/** Loaded with the first hash only: most runs end without one. */
function createHash(algorithm: string): Hash {
  return process.getBuiltinModule('node:crypto').createHash(algorithm);
}

/** SHA-256 of an open file in hex; `?` where it is too large. */
export function hashOf(fd: number): string {
  if (fstatSync(fd).size > maxHashBytes) return '?';
  const hash = createHash('sha256');
  const buffer = Buffer.allocUnsafe(256 * 1024);
  let position = 0;
  for (;;) {
    const count = readSync(fd, buffer, 0, buffer.length, position);
    if (count === 0) return hash.digest('hex');
    hash.update(buffer.subarray(0, count));
    position += count;
  }
}

export const hashOfText = (text: string): string => createHash('sha256').update(text).digest('hex');

function readSide(fd: number): Side {
  if (fstatSync(fd).size > maxTextBytes) return { hash: hashOf(fd) };
  const bytes = readFileSync(fd);
  if (!bytes.includes(0)) {
    try {
      return { text: decode(bytes) };
    } catch {
      // not UTF-8: compared as bytes
    }
  }
  return { hash: createHash('sha256').update(bytes).digest('hex') };
}

function openHostFile(session: Session, parent: number, names: readonly Buffer[]): number {
  const [name, ...rest] = names;
  if (name === undefined) throw new Error('a file has a name');
  if (rest.length === 0) return openToRead(session.native, parent, name);
  return withFd(openDirectoryPath(session.native, parent, name), (fd) =>
    openHostFile(session, fd, rest),
  );
}

function openLayerFile(session: Session, parent: number, names: readonly Buffer[]): number {
  const [name, ...rest] = names;
  if (name === undefined) throw new Error('a file has a name');
  if (rest.length === 0) return session.layer.openFile(parent, name);
  return withFd(session.layer.openDirectory(parent, name), (fd) =>
    openLayerFile(session, fd, rest),
  );
}

/** Reads a regular file of the host; undefined where that is not possible. */
export function fromHost<T>(
  session: Session,
  { path }: Change,
  read: (fd: number) => T,
): T | undefined {
  return unlessDenied(() => withFd(openHostFile(session, session.host, splitPath(path)), read));
}

/** Reads a regular file of the layer; undefined where that is not possible. */
export function fromLayer<T>(
  session: Session,
  { path }: Change,
  read: (fd: number) => T,
): T | undefined {
  return unlessDenied(() =>
    withFd(openLayerFile(session, session.layer.root, splitPath(path)), read),
  );
}

function decodeLink(link: Buffer): string {
  try {
    return decode(link);
  } catch {
    return link.toString('latin1');
  }
}

function side(state: FileState | undefined, read: () => Side | undefined): Side {
  if (state?.type === 'symlink') return { text: decodeLink(state.link ?? emptyPath) };
  if (state?.type !== 'file') return { text: '' };
  return read() ?? { hash: '?' };
}

export const sideBefore = (session: Session, change: Change): Side =>
  side(change.before, () => fromHost(session, change, readSide));

export const sideAfter = (session: Session, change: Change): Side =>
  side(change.after, () => fromLayer(session, change, readSide));
