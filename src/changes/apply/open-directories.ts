/**
 * The host's and the layer's directories that are open on the way to a change.
 *
 * Changes come in the order of a walk, so that each directory is opened once and none is looked up
 * by a path. When a directory is left, it gets the mode and time it should have.
 */
import { chmodSync, closeSync } from 'node:fs';
import {
  errnoOf,
  openDirectory,
  openDirectoryPath,
  self,
  stateOfFd,
  withFd,
} from '../files/fdtree.js';
import { emptyPath, joinPath } from '../files/path.js';
import type { Session } from '../store/session.js';
import type { Journal } from './journal.js';
import { parentRefusal, RefusedError } from './refusal.js';

interface Level {
  readonly name: Buffer;
  readonly path: Buffer;
  readonly host: number;
  upper: number | undefined;
  /** Whether the layer's directory, or one above it, hides the host's. */
  readonly opaque: boolean;
  /** Whether a file can come here by being renamed; undefined until somebody asks. */
  movable: boolean | undefined;
  /** Mode to leave it with. */
  mode: number | undefined;
  mtimeNs: bigint | undefined;
}

export class OpenDirectories {
  readonly #session: Session;
  readonly #journal: Journal;
  readonly #levels: Level[];

  constructor(session: Session, journal: Journal) {
    this.#session = session;
    this.#journal = journal;
    this.#levels = [
      {
        name: emptyPath,
        path: emptyPath,
        host: session.host,
        upper: session.layer.root,
        opaque: session.layer.opacity(session.layer.root) === 'y',
        movable: undefined,
        mode: undefined,
        mtimeNs: undefined,
      },
    ];
  }

  /** Opens the directory that holds a change. */
  enter(directories: readonly Buffer[]): void {
    let depth = 0;
    while (depth < directories.length) {
      const level = this.#levels[depth + 1];
      const name = directories[depth];
      if (level === undefined || name === undefined || !level.name.equals(name)) break;
      depth++;
    }
    while (this.#levels.length > depth + 1) this.#leave();
    for (const name of directories.slice(depth)) this.push(name);
  }

  get #top(): Level {
    return this.#levels[this.#levels.length - 1] as Level;
  }

  get host(): number {
    return this.#top.host;
  }

  get path(): Buffer {
    return this.#top.path;
  }

  /** The directory in the layer, for what is copied from there. */
  get upper(): number {
    const { upper } = this.#top;
    if (upper === undefined) throw new RefusedError('failed', 'The layer changed meanwhile.');
    return upper;
  }

  /**
   * Whether a file that is renamed into the top directory is like one that is made there. Not where
   * new files inherit a group or an ACL; nor where the layer hides the host's directory, since what
   * is missing there counts as deleted.
   */
  get movable(): boolean {
    const top = this.#top;
    top.movable ??= !top.opaque && !this.#inherits(top.host);
    return top.movable;
  }

  #inherits(host: number): boolean {
    const { native } = this.#session;
    if ((stateOfFd(host).mode & 0o2000) !== 0) return true;
    try {
      return withFd(openDirectory(native, host, Buffer.from('.')), (fd) =>
        native.flistxattr(fd).includes('system.posix_acl_default'),
      );
    } catch (error) {
      errnoOf(error); // cannot be listed: nobody knows
      return true;
    }
  }

  /** Goes into a subdirectory of the host. */
  push(name: Buffer): void {
    const { native, layer } = this.#session;
    const parent = this.#top;
    const path = joinPath(parent.path, name);
    let host: number;
    try {
      host = openDirectoryPath(native, parent.host, name);
    } catch (error) {
      throw parentRefusal(errnoOf(error));
    }
    let upper: number | undefined;
    try {
      if (parent.upper !== undefined) upper = layer.openDirectory(parent.upper, name);
    } catch (error) {
      errnoOf(error); // not in the layer: below what was deleted
    }
    const opaque = parent.opaque || (upper !== undefined && layer.opacity(upper) === 'y');
    const fresh = { movable: undefined, mode: undefined, mtimeNs: undefined };
    this.#levels.push({ name, path, host, upper, opaque, ...fresh });
  }

  /** Leaves the top directory with this mode and time. It may be changed until then. */
  leaveWith(mode: number, mtimeNs: bigint | undefined): void {
    this.#top.mode = mode;
    this.#top.mtimeNs = mtimeNs;
  }

  /** Lets its owner change the top directory; the mode comes back when it is left. */
  allowWrite(): void {
    const top = this.#top;
    if (process.geteuid?.() === 0) return;
    const state = stateOfFd(top.host);
    if ((state.mode & 0o300) === 0o300 || state.uid !== process.geteuid?.()) return;
    this.#journal.write({ op: 'mode', directory: top.path, mode: state.mode, ino: state.ino });
    chmodSync(self(top.host), state.mode | 0o700);
    top.mode ??= state.mode;
  }

  #leave(): void {
    const level = this.#levels.pop();
    if (level === undefined) return;
    try {
      this.#finish(level);
    } finally {
      closeSync(level.host);
      if (level.upper !== undefined) closeSync(level.upper);
    }
  }

  #finish(level: Level): void {
    if (level.mtimeNs !== undefined) this.#setTime(level, level.mtimeNs);
    if (level.mode !== undefined) chmodSync(self(level.host), level.mode);
  }

  #setTime(level: Level, mtimeNs: bigint): void {
    const { native } = this.#session;
    try {
      withFd(openDirectory(native, level.host, Buffer.from('.')), (fd) =>
        native.setTimes(fd, mtimeNs, mtimeNs),
      );
    } catch (error) {
      errnoOf(error); // a directory's time is a courtesy
    }
  }

  /** Leaves every directory. */
  close(): void {
    while (this.#levels.length > 1) this.#leave();
    const root = this.#levels[0];
    if (root !== undefined) this.#finish(root);
  }
}
