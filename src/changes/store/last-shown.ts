/**
 * What was said of the runs of one directory, so that `apply` without an id never means
 * another run than the one that the user saw last.
 *
 *     $XDG_STATE_HOME/wasbox/places/<device>-<inode>/   settled   the latest run that was applied or dropped
 *                                                       quiet     its time: when a run last left nothing
 *                                                       <session> the run that was shown there last
 *
 * A session is a terminal, or what a script, a service or a job runs in (setsid(2)).
 */
import { mkdirSync, readFileSync, utimesSync } from 'node:fs';
import { at, errnoOf, lstatAt, names, openDirectory, openToRead, withFd } from '../files/fdtree.js';
import { removeTree } from '../files/remove.js';
import type { ChangesNative, RunRecord, TreeIdentity } from '../model/index.js';
import { writeWhole } from './record.js';
import { openOwn, type Store } from './state-dir.js';

/** A run that was shown, or reported at its end. */
export interface Shown {
  readonly id: string;
  /** As its journal entry had it then; another where it went on since. */
  readonly ended: string;
  /** When it was shown; ISO 8601, UTC. */
  readonly at: string;
}

/** The latest of the runs that are over. */
export interface FinishedRun {
  readonly id: string;
  /** ISO 8601, UTC, like `at`. */
  readonly started: string;
  readonly how: 'applied' | 'discarded';
  readonly at: string;
}

export interface LastShown {
  readonly settled?: FinishedRun | undefined;
  /** In this session. */
  readonly shown?: Shown | undefined;
  /** Milliseconds since 1970 at which a run last left no changes; 0 where none is known of. */
  readonly unchangedMs: number;
}

/** More directories, and more sessions in one, are forgotten: the oldest first. */
const maxPlaces = 1000;
const maxSessions = 32;

const finishedName = Buffer.from('settled');
const unchangedName = Buffer.from('quiet');

const nameOf = ({ dev, ino }: Pick<TreeIdentity, 'dev' | 'ino'>): Buffer =>
  Buffer.from(`${dev}-${ino}`);

/** The field of a line of /proc/PID/stat, counted as proc_pid_stat(5) does; its second may hold spaces. */
function statField(pid: string, field: number): string {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[field - 3] ?? '0';
  } catch (error) {
    errnoOf(error); // the leader has ended
    return '0';
  }
}

/** The session that this process belongs to, and when its leader started: ids are used again. */
function sessionName(): Buffer {
  const session = statField('self', 6);
  return Buffer.from(`session-${session}-${statField(session, 22)}`);
}

type Fields = Readonly<Record<string, unknown>>;

/** Reads a note about the directory at `path`; undefined where there is none, or none of use. */
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

/** What was said of the runs of a directory. */
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

/** Removes the entries that were changed first, all but `most`. */
function forget(native: ChangesNative, directory: number, most: number): void {
  const all = names(directory);
  if (all.length <= most) return;
  const aged = all.map((name) => ({ name, at: lstatAt(directory, name)?.mtimeNs ?? 0n }));
  aged.sort((a, b) => Number(a.at - b.at));
  for (const { name } of aged.slice(0, all.length - most)) removeTree(native, directory, name);
}

/** Has `use` note something about a directory. That it cannot be noted is no failure of what was done. */
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
        // Else it would say that a run has left nothing just now.
        utimesSync(at(places, Buffer.concat([name, Buffer.from('/quiet')])), 0, 0);
      }
      withFd(openDirectory(store.native, places, name), use);
    });
  } catch (error) {
    errnoOf(error); // a full disk, or another process is just doing the same
  }
}

/** Notes that this session was shown a run of the directory, or told of its end. */
export function noteShown(store: Store, record: RunRecord): void {
  const { id, workdir } = record;
  const at = new Date().toISOString();
  const shown = { path: workdir.path, id, ended: record.ended ?? '', at } satisfies Shown & Fields;
  note(store, workdir, (place) => {
    const name = sessionName();
    if (lstatAt(place, name) === undefined) forget(store.native, place, maxSessions);
    writeWhole(store.native, place, name, `${JSON.stringify(shown)}\n`, false);
  });
}

/** Notes that a run was applied whole, or dropped, unless a later one was. */
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
 * Notes that a run of the directory left no changes, where any is known of that did: as
 * addon/fastpath/leave.c does.
 */
export function noteUnchanged(store: Store, { dev, ino }: Pick<TreeIdentity, 'dev' | 'ino'>): void {
  try {
    const places = openOwn(store, 'places', false);
    if (places === undefined) return;
    const now = Date.now() / 1000;
    withFd(places, () => utimesSync(at(places, Buffer.from(`${dev}-${ino}/quiet`)), now, now));
  } catch (error) {
    errnoOf(error); // no run of it was ever kept
  }
}
