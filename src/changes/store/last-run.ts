/**
 * The command line of the last run in each directory, for `wasbox why`.
 *
 *     $XDG_STATE_HOME/wasbox/last-runs/<device>-<inode>          of the directory where wasbox was started
 *                                      <device>-<inode>.report   what that run recorded
 *
 * A note is a head of fixed length, `1 <started, ms> <exit status> <bytes that follow>`, and then the
 * directory's path and the words behind `wasbox`, each ended by a zero. addon/fastpath/last_run.c writes
 * the same.
 */
import {
  closeSync,
  constants,
  ftruncateSync,
  lstatSync,
  openSync,
  readFileSync,
  statSync,
  writeSync,
} from 'node:fs';
import { at, errnoOf, lstatAt, names, openToRead, removeQuietly, withFd } from '../files/fdtree.js';
import { writeWhole } from './record.js';
import { openOwn, type Store } from './state-dir.js';

export interface LastRun {
  /** The words that followed `wasbox`. Undefined: there were too many to keep, or they are no UTF-8. */
  readonly words: readonly string[] | undefined;
  /** Milliseconds since 1970. */
  readonly startedMs: number;
  /** Exit status of `wasbox`. */
  readonly status: number;
  /** The record of the run, as JSON, where that says anything. */
  readonly report?: string | undefined;
}

const maxNotes = 1000;
const maxBytes = 65_536;

const head = /^1 (\d{14}) (\d{3}) (\d{10})\n/;
const headSize = 32;

function nameOf(directory: string): Buffer {
  const { dev, ino } = statSync(directory, { bigint: true });
  return Buffer.from(`${dev}-${ino}`);
}

const reportOf = (name: Buffer): Buffer => Buffer.concat([name, Buffer.from('.report')]);

/** The last run that was started in `directory`; undefined if none is known. */
export function readLastRun(store: Store, directory: string): LastRun | undefined {
  try {
    const notes = openOwn(store, 'last-runs', false);
    if (notes === undefined) return undefined;
    return withFd(notes, () => {
      const name = nameOf(directory);
      const read = (file: Buffer): Buffer =>
        withFd(openToRead(store.native, notes, file), (fd) => readFileSync(fd));
      const run = parse(read(name), directory);
      if (run === undefined || lstatAt(notes, reportOf(name)) === undefined) return run;
      const report = read(reportOf(name)).toString('utf8');
      const [started, ...rest] = report.split('\n');
      return Number(started) === run.startedMs ? { ...run, report: rest.join('\n') } : run;
    });
  } catch (error) {
    errnoOf(error); // there is no note
    return undefined;
  }
}

/** A note as it is on disk; undefined for one of another directory that had the same inode. */
function parse(note: Buffer, directory: string): LastRun | undefined {
  const [, started, status, size] = head.exec(note.toString('latin1', 0, headSize)) ?? [];
  if (started === undefined) return undefined;
  const run = { startedMs: Number(started), status: Number(status) };
  const text = note.subarray(headSize, headSize + Number(size));
  if (text.length === 0) return { ...run, words: undefined };
  if (text.length < Number(size) || text.at(-1) !== 0) return undefined;
  try {
    const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
    const [path, ...words] = decoder.decode(text.subarray(0, -1)).split('\0');
    return path === directory ? { ...run, words } : undefined;
  } catch {
    return { ...run, words: undefined };
  }
}

function encode(directory: string, { words = [], startedMs, status }: LastRun): Buffer {
  const text = Buffer.from([directory, ...words].map((word) => `${word}\0`).join(''));
  const kept = text.length > maxBytes ? Buffer.alloc(0) : text;
  const digits = (value: number, count: number) => String(value).padStart(count, '0');
  const line = `1 ${digits(startedMs, 14)} ${digits(status, 3)} ${digits(kept.length, 10)}\n`;
  return Buffer.concat([Buffer.from(line), kept]);
}

/** Notes the last run of a directory. A failure to write it is ignored. */
export function noteLastRun(store: Store, directory: string, run: LastRun): void {
  try {
    if (lstatSync(store.directory, { throwIfNoEntry: false }) === undefined) return; // nothing was started yet
    withFd(openOwn(store, 'last-runs', true), (notes) => {
      const name = nameOf(directory);
      if (lstatAt(notes, name) === undefined) forget(notes);
      const { O_WRONLY, O_CREAT, O_NOFOLLOW, O_NONBLOCK } = constants;
      const flags = O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK;
      const fd = openSync(at(notes, name), flags, 0o600);
      try {
        const note = encode(directory, run);
        writeSync(fd, note);
        ftruncateSync(fd, note.length);
      } finally {
        closeSync(fd);
      }
      if (run.report !== undefined) writeReport(store, notes, name, run.startedMs, run.report);
    });
  } catch (error) {
    errnoOf(error); // a full disk, or a state directory that is not the user's own
  }
}

function writeReport(
  store: Store,
  notes: number,
  name: Buffer,
  startedMs: number,
  report: string,
): void {
  writeWhole(store.native, notes, reportOf(name), `${startedMs}\n${report}`, false);
}

/** Adds what a run recorded to the note that the native command has written of it. A failure is ignored. */
export function noteReport(
  store: Store,
  directory: string,
  startedMs: number,
  report: string,
): void {
  try {
    const notes = openOwn(store, 'last-runs', false);
    if (notes === undefined) return;
    withFd(notes, () => writeReport(store, notes, nameOf(directory), startedMs, report));
  } catch (error) {
    errnoOf(error); // as above
  }
}

/** Removes the oldest notes when there are too many. */
function forget(notes: number): void {
  const all = names(notes);
  if (all.length < maxNotes) return;
  const aged = all.map((name) => ({ name, at: lstatAt(notes, name)?.mtimeNs ?? 0n }));
  aged.sort((a, b) => Number(a.at - b.at));
  for (const { name } of aged.slice(0, all.length - maxNotes / 2)) {
    removeQuietly(notes, name);
  }
}
