/**
 * What the host's files were when the run ended, so that `apply` notices that they
 * changed since.
 *
 * Nothing is recorded when a run starts: that would walk the tree. The first look at the layer
 * compares ctime, which no program can set, with the time of the start, and writes down what it
 * saw; later looks compare with that.
 */
import { readFileSync } from 'node:fs';
import { errnoOf, openToRead, withFd } from '../files/fdtree.js';
import { pathKey } from '../files/path.js';
import type { ChangesNative, FileState } from '../model/index.js';
import { writeWhole } from './record.js';

const baseName = Buffer.from('base');
/** The key of the line that says that another run went on; no base64 text. */
const continuedKey = '@';

/** Everything that tells one state of a host file from another. */
function fingerprint(state: FileState | undefined): string {
  if (state === undefined) return '-';
  const owner = `${state.type} ${state.mode} ${state.uid} ${state.gid}`;
  // A directory's times and size change with what is in it, which is compared by itself.
  if (state.type === 'directory') return owner;
  return `${owner} ${state.ino} ${state.size} ${state.mtimeNs} ${state.ctimeNs}`;
}

/** Whether two looks at a host file saw the same. */
export function sameHost(a: FileState | undefined, b: FileState | undefined): boolean {
  return fingerprint(a) === fingerprint(b);
}

function changedSinceStart(state: FileState | undefined, startNs: bigint): boolean {
  if (state === undefined || state.ctimeNs <= startNs) return false;
  // chmod sets ctime alone; a new entry in a directory sets both times.
  return state.type !== 'directory' || state.ctimeNs !== state.mtimeNs;
}

/** Longer paths are known by their hash: there may be very many, and the payload makes them long. */
const maxKeyBytes = 512;

/** No path holds a NUL, so that no hash is taken for one. */
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
  /** Another run went on with the layer, and what it touched is looked at for the first time. */
  readonly #continued: boolean;

  private constructor(known: Map<string, string> | undefined, startNs: bigint, continued: boolean) {
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
      return new Base(undefined, startNs, false);
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
    return new Base(known, startNs, continued);
  }

  /**
   * Notes what the host has at a path and tells whether that changed since the run began.
   *
   * @param ours the state's ctime is wasbox's own doing (another name of the inode was applied)
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
    // A changed file stays changed: what was known of it is kept.
    this.#seen.set(key, changed ? (known ?? '!') : now);
    return changed;
  }

  /** Whether a path was applied before; what became of it on the host since is the user's. */
  wasApplied(path: Buffer): boolean {
    return this.#known?.get(keyOf(path)) === '=';
  }

  /** Whether the layer still holds something that was applied. */
  get holdsApplied(): boolean {
    return [...(this.#known?.values() ?? [])].includes('=');
  }

  /** Notes that a path was applied: it is no change any more, wherever the layer still holds it. */
  markApplied(path: Buffer): void {
    this.#seen.set(keyOf(path), '=');
  }

  /** Writes down that another run goes on, which sees what the host has now. */
  continue(native: ChangesNative, directory: number): void {
    this.#write(native, directory, this.#known ?? new Map(), `${continuedKey} -\n`);
  }

  /** Writes down what was seen. */
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
    writeWhole(native, directory, baseName, text, false);
  }
}
