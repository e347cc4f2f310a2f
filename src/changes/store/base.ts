/**
 * The state of the host's files when the run ended, so that `apply` detects later changes.
 *
 * Nothing is recorded when a run starts: that would need a walk over the tree. The first comparison checks
 * ctime, which programs cannot set, against the start time and records each state; later ones compare
 * with these records.
 */
import { readFileSync } from 'node:fs';
import { errnoOf, openToRead, withFd } from '../files/fdtree.js';
import { pathKey } from '../files/path.js';
import type { ChangesNative, FileState } from '../model/index.js';
import { writeWhole } from './record.js';

export const baseName: Buffer = Buffer.from('base');
/** The key of the line that marks a continued run; not valid base64. */
const continuedKey = '@';

/** Everything that distinguishes two states of a host file. */
function fingerprint(state: FileState | undefined): string {
  if (state === undefined) return '-';
  const owner = `${state.type} ${state.mode} ${state.uid} ${state.gid}`;
  // A directory's times and size change with its entries, which are compared separately.
  if (state.type === 'directory') return owner;
  return `${owner} ${state.ino} ${state.size} ${state.mtimeNs} ${state.ctimeNs}`;
}

/** Returns whether two states of a host file are equal. */
export function sameHost(a: FileState | undefined, b: FileState | undefined): boolean {
  return fingerprint(a) === fingerprint(b);
}

function changedSinceStart(state: FileState | undefined, startNs: bigint): boolean {
  if (state === undefined || state.ctimeNs <= startNs) return false;
  // chmod sets ctime alone; a new entry in a directory sets both times.
  return state.type !== 'directory' || state.ctimeNs !== state.mtimeNs;
}

/** Longer paths are stored as a hash: the payload decides how many there are and how long. */
const maxKeyBytes = 512;

/** A hash starts with NUL, which no path contains. */
function keyOf(path: Buffer): string {
  if (path.length <= maxKeyBytes) return pathKey(path);
  const { createHash } = process.getBuiltinModule('node:crypto');
  return `\0${createHash('sha256').update(path).digest('base64')}`;
}

function withoutCtime(print: string): string {
  return print.slice(0, print.lastIndexOf(' '));
}

export class Base {
  readonly #known: Map<string, string> | undefined;
  readonly #seen = new Map<string, string>();
  readonly #startNs: bigint;
  /** True if another run continued the layer: paths without a record are new then. */
  readonly #continued: boolean;
  /** The content of the file; undefined where there is none. */
  #stored: string | undefined;

  private constructor(
    stored: string | undefined,
    known: Map<string, string> | undefined,
    startNs: bigint,
    continued: boolean,
  ) {
    this.#stored = stored;
    this.#known = known;
    this.#startNs = startNs;
    this.#continued = continued;
  }

  static read(native: ChangesNative, directory: number, startNs: bigint): Base {
    let text: string;
    try {
      text = withFd(openToRead(native, directory, baseName), (fd) => readFileSync(fd, 'latin1'));
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error;
      return new Base(undefined, undefined, startNs, false);
    }
    const known = new Map<string, string>();
    let continued = false;
    for (const line of text.split('\n')) {
      const space = line.indexOf(' ');
      if (space < 0) continue;
      if (line.slice(0, space) === continuedKey) {
        continued = true;
        continue;
      }
      const key = Buffer.from(line.slice(0, space), 'base64').toString('latin1');
      known.set(key, line.slice(space + 1));
    }
    return new Base(text, known, startNs, continued);
  }

  /**
   * Records the host's state at a path; returns whether it changed since the run began.
   *
   * @param ours whether wasbox itself set the ctime (it applied another name of the inode)
   */
  look(path: Buffer, state: FileState | undefined, ours: boolean): boolean {
    const key = keyOf(path);
    const now = fingerprint(state);
    const known = this.#known?.get(key);
    let changed: boolean;
    if (ours) changed = known !== undefined && withoutCtime(known) !== withoutCtime(now);
    else if (known !== undefined) changed = known !== now;
    else if (this.#known === undefined || this.#continued)
      changed = changedSinceStart(state, this.#startNs);
    else changed = state !== undefined;
    // A changed file stays changed: its earlier record is kept.
    this.#seen.set(key, changed ? (known ?? '!') : now);
    return changed;
  }

  /** Returns whether a path was applied before; later changes on the host are the user's. */
  wasApplied(path: Buffer): boolean {
    return this.#known?.get(keyOf(path)) === '=';
  }

  /** Returns whether the host had something at a path that neither `apply` nor the user put there since the run. */
  knows(path: Buffer): boolean {
    const known = this.#known?.get(keyOf(path));
    return known !== undefined && !['=', '-', '!'].includes(known);
  }

  /** Returns whether the layer still contains applied changes. */
  get holdsApplied(): boolean {
    return [...(this.#known?.values() ?? [])].includes('=');
  }

  /** Records that a path was applied: it is not a change any more, even if the layer still has it. */
  markApplied(path: Buffer): void {
    this.#seen.set(keyOf(path), '=');
  }

  /** Records that another run continues, which sees the host's current files, and what was applied among them. */
  continue(native: ChangesNative, directory: number): void {
    const rest = [...(this.#known ?? [])].filter(([, print]) => print !== '=');
    this.#write(native, directory, new Map(rest), `${continuedKey} -\n`);
  }

  /**
   * Called after an `apply` in the middle of a run, which goes on: what was applied is compared from now on with what
   * the host has there.
   * @param before as it was before the `apply`
   */
  settle(
    native: ChangesNative,
    directory: number,
    before: Base,
    applied: Iterable<readonly [path: Buffer, state: FileState | undefined]>,
  ): void {
    const known = new Map([...(before.#known ?? []), ...(this.#known ?? [])]);
    for (const [path, state] of applied) known.set(keyOf(path), fingerprint(state));
    this.#write(native, directory, known, `${continuedKey} -\n`);
  }

  /** Saves the records. */
  write(native: ChangesNative, directory: number): void {
    this.#write(native, directory, this.#seen, '');
  }

  #write(
    native: ChangesNative,
    directory: number,
    prints: ReadonlyMap<string, string>,
    head: string,
  ): void {
    let text = head;
    for (const [key, value] of prints) {
      text += `${Buffer.from(key, 'latin1').toString('base64')} ${value}\n`;
    }
    // Most comparisons find what the last one found, and to replace a file may wait for the disk.
    if (text === this.#stored) return;
    writeWhole(native, directory, baseName, text, false);
    this.#stored = text;
  }
}
