/**
 * Makes a layer one that another program can go on with, after a part of it was applied.
 *
 * A directory that the run made, or put in place of the host's, is opaque: what was applied of it is on the host now,
 * and hidden by it. Here the layer's directory joins the host's again: what was applied is taken out of it, and what the
 * run had deleted gets whiteouts.
 */
import { unlinkSync } from 'node:fs';
import { closeDescriptor } from '../../native/index.js';
import { at, createFile, errnoOf, names, openDirectory, withFd } from '../files/fdtree.js';
import { maxDepth, opaqueName } from '../files/layer.js';
import { emptyPath, joinPath } from '../files/path.js';
import { withScratch } from '../files/scratch.js';
import type { Base } from '../store/base.js';
import type { Session } from '../store/session.js';

/** renameat2(2): leaves a whiteout where the file was. */
const RENAME_WHITEOUT = 4;

class Untangler {
  readonly #session: Session;
  readonly #base: Base;
  readonly #scratch: number;

  constructor(session: Session, base: Base, scratch: number) {
    this.#session = session;
    this.#base = base;
    this.#scratch = scratch;
  }

  /** @param joined whether it is in an opaque directory that joins the host's */
  walk(upper: number, host: number, path: Buffer, depth: number, joined: boolean): void {
    const { native, layer } = this.#session;
    const isOpaque = !joined && layer.opacity(upper) === 'y';
    if (isOpaque && !this.#holdsApplied(upper, path, depth)) return;
    const joins = joined || isOpaque;
    const own = names(upper);
    if (joins) this.#placeWhiteouts(upper, host, path, own);
    for (const name of own) {
      const child = joinPath(path, name);
      const type = layer.entry(upper, name, false)?.state.type;
      if (type === 'directory') this.#enter(upper, host, name, child, depth, joins);
      else if (joins && this.#base.wasApplied(child)) unlinkSync(at(upper, name));
    }
    if (joins) {
      if (layer.opacity(upper) !== '') native.fremovexattr(upper, opaqueName);
    }
  }

  #enter(
    upper: number,
    host: number,
    name: Buffer,
    path: Buffer,
    depth: number,
    joins: boolean,
  ): void {
    if (depth >= maxDepth) return;
    const { native, layer } = this.#session;
    let below: number;
    try {
      below = openDirectory(native, host, name);
    } catch (error) {
      errnoOf(error); // the host has none there, or none that can be read: it is the layer's alone
      return;
    }
    try {
      withFd(layer.openDirectory(upper, name), (fd) =>
        this.walk(fd, below, path, depth + 1, joins),
      );
    } finally {
      closeDescriptor(below);
    }
  }

  #holdsApplied(upper: number, path: Buffer, depth: number): boolean {
    if (this.#base.wasApplied(path)) return true;
    const { layer } = this.#session;
    return names(upper).some((name) => {
      const child = joinPath(path, name);
      if (this.#base.wasApplied(child)) return true;
      if (depth >= maxDepth || layer.entry(upper, name, false)?.state.type !== 'directory')
        return false;
      return withFd(layer.openDirectory(upper, name), (fd) =>
        this.#holdsApplied(fd, child, depth + 1),
      );
    });
  }

  /** Places whiteouts for what the run had deleted; not for what the user has made since. */
  #placeWhiteouts(upper: number, host: number, path: Buffer, own: readonly Buffer[]): void {
    const { native } = this.#session;
    const had = new Set(own.map((name) => name.toString('latin1')));
    const temp = Buffer.from('whiteout');
    for (const name of names(host)) {
      const child = joinPath(path, name);
      if (had.has(name.toString('latin1')) || !this.#base.knows(child)) continue;
      closeDescriptor(createFile(native, this.#scratch, temp));
      const moved = Buffer.from('moved');
      native.renameat2(this.#scratch, temp, this.#scratch, moved, RENAME_WHITEOUT);
      native.renameat2(this.#scratch, temp, upper, name, 0);
      unlinkSync(at(this.#scratch, moved));
    }
  }
}

/** Takes what was applied out of the directories that hide it. */
export function untangle(session: Session, base: Base): void {
  const { native, directory, layer, host } = session;
  withScratch(native, directory, (scratch) => {
    const readable = openDirectory(native, host, Buffer.from('.'));
    try {
      new Untangler(session, base, scratch).walk(layer.root, readable, emptyPath, 0, false);
    } finally {
      closeDescriptor(readable);
    }
  });
}
