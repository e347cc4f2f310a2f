/**
 * The open directories of host and layer on the way to a change.
 *
 * Changes come in the order of a walk, so each directory is opened once, and never by path. A directory gets
 * its final mode and time when the walk leaves it.
 */

import { chmodSync } from 'node:fs';
import { closeDescriptor } from '../../native/index.js';
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
  /** True if the layer's directory, or a parent, hides the host's. */
  readonly opaque: boolean;
  /** True if files can be renamed into it; determined when needed. */
  movable: boolean | undefined;
  /** Its final mode. */
  mode: number | undefined;
  mtimeNs: bigint | undefined;
  /** The steps of the journal that promise this mode. */
  readonly steps: string[];
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
        steps: [],
      },
    ];
  }

  /** Opens the parent directory of a change. */
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

  /** The directory in the layer, to copy from. */
  get upper(): number {
    const { upper } = this.#top;
    if (upper === undefined)
      throw new RefusedError('failed', 'Not applied: the saved changes were modified meanwhile.');
    return upper;
  }

  /**
   * True if a file that is renamed into the top directory equals one that is created there. Not if new
   * files inherit a group or an ACL, and not if the layer hides the host's directory, where a missing file
   * counts as deleted.
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
      errnoOf(error); // not readable: assume that they inherit
      return true;
    }
  }

  /** Enters a subdirectory of the host. */
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
      errnoOf(error); // not in the layer: below a deleted directory
    }
    const opaque = parent.opaque || (upper !== undefined && layer.opacity(upper) === 'y');
    const fresh = { movable: undefined, mode: undefined, mtimeNs: undefined, steps: [] };
    this.#levels.push({ name, path, host, upper, opaque, ...fresh });
  }

  /** Sets the mode and time that the top directory gets when it is left. */
  leaveWith(mode: number, mtimeNs: bigint | undefined, step: string): void {
    this.#top.steps.push(step);
    this.#top.mode = mode;
    this.#top.mtimeNs = mtimeNs;
  }

  /** Makes the top directory writable for its owner until it is left. */
  allowWrite(): void {
    const top = this.#top;
    if (process.geteuid?.() === 0) return;
    const state = stateOfFd(top.host);
    if ((state.mode & 0o300) === 0o300 || state.uid !== process.geteuid?.()) return;
    const { mode, ino } = state;
    top.steps.push(this.#journal.begin({ op: 'mode', directory: top.path, mode, ino }));
    chmodSync(self(top.host), state.mode | 0o700);
    top.mode ??= state.mode;
  }

  #leave(): void {
    const level = this.#levels.pop();
    if (level === undefined) return;
    try {
      this.#finish(level);
    } finally {
      closeDescriptor(level.host);
      if (level.upper !== undefined) closeDescriptor(level.upper);
    }
  }

  #finish(level: Level): void {
    if (level.mtimeNs !== undefined) this.#setTime(level, level.mtimeNs);
    if (level.mode !== undefined) chmodSync(self(level.host), level.mode);
    for (const step of level.steps) this.#journal.end(step, 'done');
  }

  #setTime(level: Level, mtimeNs: bigint): void {
    const { native } = this.#session;
    try {
      withFd(openDirectory(native, level.host, Buffer.from('.')), (fd) =>
        native.setTimes(fd, mtimeNs, mtimeNs),
      );
    } catch (error) {
      errnoOf(error); // a directory's time is not essential
    }
  }

  /** Leaves all directories. */
  close(): void {
    while (this.#levels.length > 1) this.#leave();
    const root = this.#levels[0];
    if (root !== undefined) this.#finish(root);
  }
}
