/**
 * Reads the contents before and after a change by descriptor: as text, or as a hash.
 */
import type { Hash } from 'node:crypto';
import { fstatSync, readSync } from 'node:fs';
import { readUpTo } from '../files/content.js';
import { openDirectoryPath, openToRead, withFd } from '../files/fdtree.js';
import { unlessDenied } from '../files/layer.js';
import { emptyPath, splitPath } from '../files/path.js';
import type { Change, ChangesNative, FileState } from '../model/index.js';
import type { Session } from '../store/session.js';
import { type BinaryKind, binaryKind, kindBytes } from './binary-kind.js';

/** A file's bytes; or its SHA-256 in hex (`?` if it cannot be read). */
export type FileContent =
  | {
      readonly bytes: Buffer;
      /** True if it is shown as lines: it is not empty, and most of it is text. */
      readonly lines: boolean;
      readonly kind?: BinaryKind | undefined;
    }
  | { readonly hash: string; readonly kind?: BinaryKind | undefined };

/** Larger files are compared by size and hash. */
const maxTextBytes = 2 * 1024 * 1024;
/** Larger files are not hashed: a huge sparse file costs the payload nothing, but hashing it takes hours. */
const maxHashBytes = 1024 ** 3;

/** Text with one character per byte (latin1), so that lines are lines of bytes in any encoding. */
export const textOf = (bytes: Buffer): string => bytes.toString('latin1');

/** How a file is looked at. */
export interface Look {
  /** Set for git, which takes what has a NUL for binary. @default false */
  readonly patch?: boolean | undefined;
}

/** Objects, their packs and tables, which are never text. */
const ofGit = /(?:^|\/)objects\/(?:pack|info|[0-9a-f]{2})\/[^/]*$/;

/**
 * Returns whether a file is shown as lines. It is, if most of it is text: make, a shell and a parser read on behind a
 * foreign byte, so one must not hide the lines around it. What another program runs is shown in any case, unless it is
 * a program of the system itself: padding must not hide it either.
 */
function isText(
  native: ChangesNative,
  bytes: Buffer,
  { flags, path }: Change,
  { patch = false }: Look,
): boolean {
  if (bytes.toString('latin1', 0, 2) === '#!') return true;
  const junk = native.textJunk(bytes);
  if (patch) return !bytes.includes(0) && junk * 2 <= bytes.length;
  const isProgram = bytes.toString('latin1', 0, 4) === '\x7fELF';
  const isData = isProgram || ofGit.test(path.toString('latin1'));
  if (!isData && (flags.includes('held') || flags.includes('runs-later'))) return true;
  return junk * (bytes.includes(0) ? 4 : 2) <= bytes.length;
}

/** Loaded with the first hash, because most runs need none. */
function createHash(algorithm: string): Hash {
  return process.getBuiltinModule('node:crypto').createHash(algorithm);
}

/** Reads an open file up to the size that it has now; returns the last result of `use`. */
function eachChunk(fd: number, use: (chunk: Buffer) => Hash): Hash {
  const { size } = fstatSync(fd);
  const buffer = Buffer.allocUnsafe(256 * 1024);
  let last = use(buffer.subarray(0, 0));
  for (let position = 0; ; ) {
    const count = readSync(fd, buffer, 0, Math.min(buffer.length, size - position), position);
    if (count === 0) return last;
    last = use(buffer.subarray(0, count));
    position += count;
  }
}

/** SHA-256 of an open file in hex; `?` if it is too large. */
export function hashOf(fd: number): string {
  if (fstatSync(fd).size > maxHashBytes) return '?';
  const hash = createHash('sha256');
  return eachChunk(fd, (chunk) => hash.update(chunk)).digest('hex');
}

export const hashOfBytes = (bytes: Buffer): string =>
  createHash('sha256').update(bytes).digest('hex');

/** Git's object name of an open file: a SHA-1. */
export function blobHash(fd: number): string {
  const hash = createHash('sha1').update(`blob ${fstatSync(fd).size}\0`);
  return eachChunk(fd, (chunk) => hash.update(chunk)).digest('hex');
}

function readContent(native: ChangesNative, fd: number, change: Change, look: Look): FileContent {
  const bytes = readUpTo(fd, maxTextBytes);
  if (bytes === undefined) {
    const head = Buffer.alloc(kindBytes);
    readSync(fd, head, 0, kindBytes, 0);
    return { hash: hashOf(fd), kind: binaryKind(head) };
  }
  const lines = bytes.length > 0 && isText(native, bytes, change, look);
  return { bytes, lines, kind: binaryKind(bytes) };
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

/** Reads a regular file of the host; undefined if that is not possible. */
export function fromHost<T>(
  session: Session,
  { path }: Change,
  read: (fd: number) => T,
): T | undefined {
  return unlessDenied(() => withFd(openHostFile(session, session.host, splitPath(path)), read));
}

/** Reads a regular file of the layer; undefined if that is not possible. */
export function fromLayer<T>(
  session: Session,
  { path }: Change,
  read: (fd: number) => T,
): T | undefined {
  return unlessDenied(() =>
    withFd(openLayerFile(session, session.layer.root, splitPath(path)), read),
  );
}

/** The content of a file that is not there. */
export const noContent: FileContent = { bytes: emptyPath, lines: false };

function contentOf(state: FileState | undefined, read: () => FileContent | undefined): FileContent {
  if (state?.type === 'symlink') {
    return { bytes: state.link ?? emptyPath, lines: true };
  }
  if (state?.type !== 'file') return noContent;
  return read() ?? { hash: '?' };
}

export const contentBefore = (session: Session, change: Change, look: Look = {}): FileContent =>
  contentOf(change.before, () =>
    fromHost(session, change, (fd) => readContent(session.native, fd, change, look)),
  );

export const contentAfter = (session: Session, change: Change, look: Look = {}): FileContent =>
  contentOf(change.after, () =>
    fromLayer(session, change, (fd) => readContent(session.native, fd, change, look)),
  );
