/**
 * Stage: changes. What changed inside each file: lines for text, size and hash for the rest.
 */
import type { Hash } from 'node:crypto';
import { closeSync, fstatSync, readFileSync, readSync } from 'node:fs';
import { structuredPatch } from 'diff';
import { sortChanges } from './compare.js';
import { openDirectoryPath, openToRead, withFd } from './fdtree.js';
import { unlessDenied } from './layer.js';
import type { Change, FileState, Run } from './model.js';
import { emptyPath, splitPath } from './path.js';
import { openRunDirectory } from './run-directory.js';
import { selectChanges } from './select.js';
import { changesOf, closeSessions, openSessions, type Session } from './session.js';
import type { Store } from './state-dir.js';

export interface DiffOptions {
  /** Paths below the working directory, each with all below it. @default all changes */
  readonly paths?: readonly (string | Buffer)[] | undefined;
  /** Unchanged lines around each change. @default 3 */
  readonly context?: number | undefined;
}

export interface DiffHunk {
  readonly oldStart: number;
  readonly oldLines: number;
  readonly newStart: number;
  readonly newLines: number;
  /** Each begins with a space, `-`, `+` or `\`. Untrusted, not escaped. */
  readonly lines: readonly string[];
}

export interface FileDiff {
  readonly change: Change;
  /** Not text, or too large to compare by lines. */
  readonly binary: boolean;
  /** Lines added and removed; 0 for binary files. */
  readonly added: number;
  readonly removed: number;
  readonly hunks: readonly DiffHunk[];
  /** SHA-256 in hex, for binary files. */
  readonly beforeHash?: string | undefined;
  readonly afterHash?: string | undefined;
}

/** Larger files are told apart by size and hash. */
const maxTextBytes = 2 * 1024 * 1024;
/** Files that differ in more lines are shown as replaced whole. */
const maxEditLength = 4000;

type Side = { readonly text: string } | { readonly hash: string };

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Larger files are not hashed: the size of a hole costs the payload nothing, and us hours. */
const maxHashBytes = 1024 ** 3;

function hashOf(fd: number): string {
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

function readSide(fd: number): Side {
  if (fstatSync(fd).size > maxTextBytes) return { hash: hashOf(fd) };
  const bytes = readFileSync(fd);
  if (!bytes.includes(0)) {
    try {
      return { text: decoder.decode(bytes) };
    } catch {
      // not UTF-8: compared as bytes
    }
  }
  return { hash: createHash('sha256').update(bytes).digest('hex') };
}

/** Loaded with the first hash only: most runs end without one. */
function createHash(algorithm: string): Hash {
  return process.getBuiltinModule('node:crypto').createHash(algorithm);
}

/** Opens a regular file below the working directory, by descriptors. */
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

const empty: Side = { text: '' };

function side(state: FileState | undefined, open: () => number): Side {
  if (state?.type === 'symlink') return { text: decodeLink(state.link ?? emptyPath) };
  if (state?.type !== 'file') return empty;
  return unlessDenied(() => withFd(open(), readSide)) ?? { hash: '?' };
}

function decodeLink(link: Buffer): string {
  try {
    return decoder.decode(link);
  } catch {
    return link.toString('latin1');
  }
}

function replaced(before: string, after: string): DiffHunk[] {
  const lines = (text: string, mark: string): string[] => {
    const all = text.split('\n');
    const whole = all[all.length - 1] === '';
    if (whole) all.pop();
    const marked = all.map((line) => mark + line);
    return whole || text === '' ? marked : [...marked, '\\ No newline at end of file'];
  };
  const old = lines(before, '-');
  const now = lines(after, '+');
  const count = (list: string[], mark: string): number =>
    list.filter((line) => line.startsWith(mark)).length;
  const oldLines = count(old, '-');
  const newLines = count(now, '+');
  return [
    {
      oldStart: oldLines === 0 ? 0 : 1,
      oldLines,
      newStart: newLines === 0 ? 0 : 1,
      newLines,
      lines: [...old, ...now],
    },
  ];
}

function hunksOf(before: string, after: string, context: number): readonly DiffHunk[] {
  if (before === after) return [];
  if (before === '' || after === '') return replaced(before, after);
  const patch = structuredPatch('', '', before, after, '', '', { context, maxEditLength });
  return patch?.hunks ?? replaced(before, after);
}

function diffOne(session: Session, change: Change, context: number): FileDiff {
  if (change.kind === 'mode' || change.kind === 'time') {
    return { change, binary: false, added: 0, removed: 0, hunks: [] };
  }
  const names = splitPath(change.path);
  const before = side(change.before, () => openHostFile(session, session.host, names));
  const after = side(change.after, () => openLayerFile(session, session.layer.root, names));
  if (!('text' in before) || !('text' in after)) {
    const hash = (one: Side, state: FileState | undefined): string | undefined => {
      if (state === undefined) return undefined;
      return 'hash' in one ? one.hash : createHash('sha256').update(one.text).digest('hex');
    };
    return {
      change,
      binary: true,
      added: 0,
      removed: 0,
      hunks: [],
      beforeHash: hash(before, change.before),
      afterHash: hash(after, change.after),
    };
  }
  const hunks = hunksOf(before.text, after.text, context);
  const count = (mark: string): number =>
    hunks.reduce((sum, hunk) => sum + hunk.lines.filter((line) => line[0] === mark).length, 0);
  return { change, binary: false, added: count('+'), removed: count('-'), hunks };
}

/**
 * The differences of a run against the host as it is now, one file at a time, in the order of
 * their paths. The run must stay open until the last one was taken.
 */
export function* diffRun(
  store: Store,
  run: Run,
  options: DiffOptions = {},
): Generator<FileDiff, void, undefined> {
  const { native } = store;
  const runDirectory = openRunDirectory(store, run);
  let sessions: readonly Session[] = [];
  try {
    sessions = openSessions(native, runDirectory, run.record);
    const { chosen } = selectChanges(sessions.flatMap(changesOf), options.paths);
    for (const change of sortChanges([...chosen])) {
      yield diffOne(sessions[change.tree] as Session, change, options.context ?? 3);
    }
  } finally {
    closeSessions(sessions);
    closeSync(runDirectory);
  }
}
