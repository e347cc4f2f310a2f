/**
 * Remembers what the user was shown of a directory's runs, so that `apply` without an ID only applies the run that
 * was shown last.
 *
 *     $XDG_STATE_HOME/wasbox/places/<device>-<inode>/   settled   the latest run that was applied or discarded
 *                                                       quiet     its mtime: when a run last changed nothing
 *                                                       <session> the run that was shown last in a session
 *
 * A session is that of setsid(2): a terminal, a script, a service or a job.
 */
import { mkdirSync, readFileSync, utimesSync } from 'node:fs';
import { at, errnoOf, lstatAt, names, openDirectory, openToRead, withFd } from '../files/fdtree.js';
import { removeTree } from '../files/remove.js';
import type { ChangesNative, RunRecord, TreeIdentity } from '../model/index.js';
import { writeWhole } from './record.js';
import { openOwn, type Store } from './state-dir.js';

/** A run that was shown or whose end was reported. */
export interface Shown {
  readonly id: string;
  /** When it ended, by its journal entry at that time; differs if the run was continued since. */
  readonly ended: string;
  /** When it was shown; ISO 8601, UTC. */
  readonly at: string;
  /** True if nothing was told of it: this session only started it (`run -q`). */
  readonly quiet?: boolean | undefined;
}

/** The latest run that was applied or discarded. */
export interface FinishedRun {
  readonly id: string;
  /** ISO 8601, UTC, like `at`. */
  readonly started: string;
  readonly how: 'applied' | 'discarded';
  readonly at: string;
}

export interface LastShown {
  readonly settled?: FinishedRun | undefined;
  /** The run that was shown last in this session. */
  readonly shown?: Shown | undefined;
  /** When a run last changed nothing, in milliseconds since 1970; 0 if unknown. */
  readonly unchangedMs: number;
}

/** Beyond these limits, the oldest directories and sessions are forgotten. */
const maxPlaces = 1000;
const maxSessions = 32;

const finishedName = Buffer.from('settled');
const unchangedName = Buffer.from('quiet');

const nameOf = ({ dev, ino }: Pick<TreeIdentity, 'dev' | 'ino'>): Buffer =>
  Buffer.from(`${dev}-${ino}`);

/** A field of /proc/PID/stat, numbered as in proc_pid_stat(5); the second may contain spaces. */
function statField(pid: string, field: number): string {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[field - 3] ?? '0';
  } catch (error) {
    errnoOf(error); // the leader has ended
    return '0';
  }
}

/** This process's session and the start time of its leader, because session IDs are reused. */
function sessionName(): Buffer {
  const session = statField('self', 6);
  return Buffer.from(`session-${session}-${statField(session, 22)}`);
}

type Fields = Readonly<Record<string, unknown>>;

/** Reads a record about the directory at `path`; undefined if there is none that is valid. */
function readNote(
  native: ChangesNative,
  place: number,
  name: Buffer,
  path: string,
): Fields | undefined {
  try {
    const text = withFd(openToRead(native, place, name), (fd) => readFileSync(fd, 'utf8'));
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null) return undefined;
    const fields = value as Fields;
    return fields.path === path ? fields : undefined;
  } catch (error) {
    if (!(error instanceof SyntaxError)) errnoOf(error);
    return undefined;
  }
}

const isText = (value: unknown): value is string => typeof value === 'string';

/** Returns what the user was shown of a directory's runs. */
export function readLastShown(store: Store, tree: TreeIdentity): LastShown {
  const none = { unchangedMs: 0 };
  const places = openOwn(store, 'places', false);
  if (places === undefined) return none;
  return withFd(places, () => {
    try {
      return withFd(openDirectory(store.native, places, nameOf(tree)), (place) => {
        const settled = readNote(store.native, place, finishedName, tree.path);
        const shown = readNote(store.native, place, sessionName(), tree.path);
        return {
          settled: isFinishedRun(settled) ? settled : undefined,
          shown: isShown(shown) ? shown : undefined,
          unchangedMs: Number((lstatAt(place, unchangedName)?.mtimeNs ?? 0n) / 1_000_000n),
        };
      });
    } catch (error) {
      errnoOf(error);
      return none;
    }
  });
}

const isShown = (value: unknown): value is Shown =>
  isFields(value) && isText(value.id) && isText(value.ended) && isText(value.at);
const isFinishedRun = (value: unknown): value is FinishedRun =>
  isFields(value) &&
  isText(value.id) &&
  isText(value.started) &&
  isText(value.at) &&
  (value.how === 'applied' || value.how === 'discarded');
const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null;

/** Removes the oldest entries until `most` are left. */
function forget(native: ChangesNative, directory: number, most: number): void {
  const all = names(directory);
  if (all.length <= most) return;
  const aged = all.map((name) => ({ name, at: lstatAt(directory, name)?.mtimeNs ?? 0n }));
  aged.sort((a, b) => Number(a.at - b.at));
  for (const { name } of aged.slice(0, all.length - most)) removeTree(native, directory, name);
}

/** Writes a record about a directory with `use`. A failure to write it is ignored. */
function note(store: Store, tree: TreeIdentity, use: (place: number) => void): void {
  try {
    withFd(openOwn(store, 'places', true), (places) => {
      const name = nameOf(tree);
      if (lstatAt(places, name) === undefined) {
        forget(store.native, places, maxPlaces - 1);
        mkdirSync(at(places, name), { mode: 0o700 });
        withFd(openDirectory(store.native, places, name), (place) =>
          writeWhole(store.native, place, unchangedName, '', false),
        );
        // The file's mtime must not say that a run just changed nothing.
        utimesSync(at(places, Buffer.concat([name, Buffer.from('/quiet')])), 0, 0);
      }
      withFd(openDirectory(store.native, places, name), use);
    });
  } catch (error) {
    errnoOf(error); // a full disk, or another process does the same right now
  }
}

/** Records that this session was shown a run, or that its end was reported, or that it started one quietly. */
export function noteShown(store: Store, record: RunRecord, quiet = false): void {
  const { id, workdir } = record;
  const at = new Date().toISOString();
  const shown = { path: workdir.path, id, ended: record.ended ?? '', at, quiet } satisfies Shown &
    Fields;
  note(store, workdir, (place) => {
    const name = sessionName();
    if (lstatAt(place, name) === undefined) forget(store.native, place, maxSessions);
    writeWhole(store.native, place, name, `${JSON.stringify(shown)}\n`, false);
  });
}

/** Records that a run was applied completely or discarded, unless a later one already was. */
export function noteFinished(store: Store, record: RunRecord, how: FinishedRun['how']): void {
  const { id, started, workdir } = record;
  const { path } = workdir;
  const settled = { path, id, started, how, at: new Date().toISOString() };
  note(store, workdir, (place) => {
    const before = readNote(store.native, place, finishedName, path);
    if (isFinishedRun(before) && before.started > started) return;
    writeWhole(store.native, place, finishedName, `${JSON.stringify(settled)}\n`, true);
  });
}

/**
 * Records that a run changed nothing in the directory, if an earlier one did; addon/fastpath/leave.c does
 * the same.
 */
export function noteUnchanged(store: Store, { dev, ino }: Pick<TreeIdentity, 'dev' | 'ino'>): void {
  try {
    const places = openOwn(store, 'places', false);
    if (places === undefined) return;
    const now = Date.now() / 1000;
    withFd(places, () => utimesSync(at(places, Buffer.from(`${dev}-${ino}/quiet`)), now, now));
  } catch (error) {
    errnoOf(error); // no run of the directory was ever saved
  }
}
