/**
 * Follows a symbolic link to its end, name by name as the kernel does, in a tree that
 * may have more than one thing at a path: then each is followed.
 */

import type { Names } from '../files/path.js';
import type { FileState } from '../model/index.js';
import type { Found } from './tree.js';

/** As many as the kernel follows in one path. */
const maxLinks = 40;
const maxLookups = 400;

/** A path that is half looked up: the directory that was reached, and what is still to come. */
interface Step {
  readonly at: Names;
  readonly rest: Names;
  readonly links: number;
}

export interface Following {
  /** Absolute path of the tree, as links may name it. */
  readonly workdir: Buffer;
  /** What may be at a path. */
  readonly look: (at: Names) => readonly Exclude<Found, undefined>[];
  /** Whether what is missing ends the path; else it may come to be a directory. @default false */
  readonly strict?: boolean | undefined;
  /** Whether a path outside of the tree is a harmless end. */
  readonly mayEndAt: (absolute: Buffer) => boolean;
  /** Called for each place on the way, with what is still to come after it, and for each end. */
  readonly visit?: ((at: Names, rest: Names) => void) | undefined;
}

const namesIn = (path: string): string[] => path.split('/').filter((name) => name !== '');

class Follower {
  readonly #to: Following;
  readonly #pending: Step[] = [];
  /** Met once more, a step leads in a circle, or where it was already. */
  readonly #met = new Set<string>();
  #lookups = 0;
  /** Whether nothing was left out for being too long. */
  whole = true;

  constructor(to: Following) {
    this.#to = to;
  }

  /** Goes on with a link's target; false where that leaves the tree. */
  #goOn(step: Step, link: Buffer): boolean {
    const text = link.toString('latin1');
    const links = step.links + 1;
    if (links > maxLinks) return this.#tooLong();
    const root = this.#to.workdir.toString('latin1');
    if (!text.startsWith('/')) {
      this.#pending.push({ at: step.at, rest: [...namesIn(text), ...step.rest], links });
    } else if (`${text}/`.startsWith(`${root}/`)) {
      const rest = [...namesIn(text.slice(root.length)), ...step.rest];
      this.#pending.push({ at: [], rest, links });
    } else {
      return this.#to.mayEndAt(Buffer.from([text, ...step.rest].join('/'), 'latin1'));
    }
    return true;
  }

  #tooLong(): false {
    this.whole = false;
    return false;
  }

  /** Whether all ends are harmless. When in doubt, they are not. Visits everything all the same. */
  run(directory: Names, target: Buffer): boolean {
    let within = this.#goOn({ at: directory, rest: [], links: 0 }, target);
    for (let step = this.#pending.pop(); step !== undefined; step = this.#pending.pop()) {
      if (this.#step(step)) continue;
      if (this.#to.visit === undefined) return false;
      within = false;
    }
    return within;
  }

  #step({ at: directory, rest: [name, ...rest], links }: Step): boolean {
    if (name === undefined) {
      this.#to.visit?.(directory, []);
      return true;
    }
    if (name === '.' || name === '..') {
      if (name === '..' && directory.length === 0) return false;
      const at = name === '.' ? directory : directory.slice(0, -1);
      this.#pending.push({ at, rest, links });
      return true;
    }
    const key = [...directory, '', name, ...rest].join('/');
    if (this.#met.has(key)) return true;
    this.#met.add(key);
    if (++this.#lookups > maxLookups) return this.#tooLong();
    const at = [...directory, name];
    this.#to.visit?.(at, rest);
    const states = this.#to.look(at);
    const found = states.filter((state): state is FileState => typeof state === 'object');
    let within = !states.includes('unknown');
    for (const { link } of found) {
      if (link !== undefined && !this.#goOn({ at: directory, rest, links }, link)) within = false;
    }
    const missing = states.includes('absent') || found.length === 0;
    const mayBeDirectory = missing && this.#to.strict !== true;
    if (mayBeDirectory || found.some(({ type }) => type !== 'symlink')) {
      this.#pending.push({ at, rest, links });
    }
    return within;
  }
}

export interface Followed {
  /** Whether all ends are harmless, whichever way is followed. */
  readonly within: boolean;
  /** Whether it was followed whole; else there may be more places on the way. */
  readonly whole: boolean;
}

/** Follows the target of a link that lies in a directory of the tree. */
export function followLink(to: Following, directory: Names, target: Buffer): Followed {
  const follower = new Follower(to);
  const within = follower.run(directory, target);
  return { within, whole: follower.whole };
}
