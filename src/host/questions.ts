/**
 * The questions whose answers are recorded, a row each: how a host is asked, and when it says the same again.
 * What is recorded (recorded.ts) and asked again for another run (src/resolve/spec-cache.ts) follows from the rows.
 */
import type { AccessMode, FileInfo, Host, StreamIndex } from './interface.js';

interface OfPath {
  readonly path: string;
}

interface Question<Asked, Answer> {
  ask(host: Host, asked: Asked): Answer;
  /** Returns whether the host answers as it did. */
  holds(host: Host, before: Asked & { readonly answer: Answer }): boolean;
}

function question<Asked, Answer>(
  ask: (host: Host, asked: Asked) => Answer,
  isSame: (now: Answer, then: Answer) => boolean = Object.is,
): Question<Asked, Answer> {
  return { ask, holds: (host, before) => isSame(ask(host, before), before.answer) };
}

function isSameFile(a: FileInfo | undefined, b: FileInfo | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return (
    a.ino === b.ino &&
    a.dev === b.dev &&
    a.mode === b.mode &&
    a.kind === b.kind &&
    a.uid === b.uid &&
    a.gid === b.gid
  );
}

function isSameList<T>(a: ArrayLike<T> | undefined, b: ArrayLike<T> | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

interface ReadQuestion
  extends Question<OfPath & { readonly limit: number }, Uint8Array | undefined> {}

const content: ReadQuestion = question(
  ({ files }, { path, limit }) => files.read(path, limit),
  isSameList,
);

const read: ReadQuestion = {
  ask: content.ask,
  // An attempt to open it that fails costs an exception.
  holds: (host, before) =>
    (before.answer === undefined && host.files.lstat(before.path) === undefined) ||
    content.holds(host, before),
};

export const questions = {
  env: question(({ env }, { name }: { readonly name: string }) =>
    Object.hasOwn(env, name) ? env[name] : undefined,
  ),
  cwd: question((host, _: object) => host.cwd()),
  lstat: question(({ files }, { path }: OfPath) => files.lstat(path), isSameFile),
  stat: question(({ files }, { path }: OfPath) => files.stat(path), isSameFile),
  readlink: question(({ files }, { path }: OfPath) => files.readlink(path)),
  realpath: question(({ files }, { path }: OfPath) => files.realpath(path)),
  read,
  list: question(({ files }, { path }: OfPath) => files.list(path), isSameList),
  tree: question(({ files }, { path }: OfPath) => files.treeDigest(path)),
  access: question(({ files }, { path, mode }: OfPath & { readonly mode: AccessMode }) =>
    files.access(path, mode),
  ),
  stream: question((host, { index }: { readonly index: StreamIndex }) => host.stream(index)),
  mounts: question(
    (host, { path }: OfPath) => host.mountPaths(path),
    (now, then) => JSON.stringify(now) === JSON.stringify(then),
  ),
  'proc-mounts': question(
    (host, _: object) => host.procMounts(),
    (now, then) => now.seen.lines === then.seen.lines,
  ),
  landlock: question((host, _: object) => host.landlockAbi()),
  namespaces: question((host, _: object) => host.namespacesErrno()),
};

export type QuestionKind = keyof typeof questions;
export type Asked<K extends QuestionKind> = Parameters<(typeof questions)[K]['ask']>[1];
export type Answered<K extends QuestionKind> = ReturnType<(typeof questions)[K]['ask']>;

/** One question that resolving asked, and the host's answer; `undefined`: absent. */
export type RecordedRead = {
  [K in QuestionKind]: { readonly kind: K; readonly answer: Answered<K> } & Asked<K>;
}[QuestionKind];

/** Returns whether the host answers as it did; an error, which no answer was, is another answer. */
export function answersSo(host: Host, read: RecordedRead): boolean {
  const { holds }: { readonly holds: (host: Host, before: never) => boolean } =
    questions[read.kind];
  try {
    return holds(host, read as never);
  } catch {
    return false; // resolving will tell
  }
}

/** Questions that can be asked again all at once. */
export interface Agreement {
  /** The questions that cannot. */
  readonly rest: readonly RecordedRead[];
  /** Returns whether the host answers each of the others as it did. */
  holds(): boolean;
}

/** A host for a program that asks it the same for each of many runs. */
export interface RepeatedHost extends Host {
  /** Prepares questions that are asked again and again; absent where each takes a call of its own. */
  agreement?(reads: readonly RecordedRead[]): Agreement | undefined;
}
