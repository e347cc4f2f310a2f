/**
 * Follows a symbolic link to its end, name by name as the kernel does, in a tree with several possible
 * entries at a path: each of them is followed.
 */

import { type Names, namesIn } from '../files/path.js';
import type { FileState } from '../model/index.js';
import type { Found } from './tree.js';

/** The kernel's own limit for one path. */
const maxLinks = 40;
const maxLookups = 400;

/** A path in the middle of a lookup: the directory reached, and the names left. */
interface Step {
  readonly at: Names;
  readonly rest: Names;
  readonly links: number;
}

export interface Following {
  /** Absolute path of the tree, as links may name it. */
  readonly workdir: Buffer;
  /** Returns what may be at a path. */
  readonly look: (at: Names) => readonly Exclude<Found, undefined>[];
  /** True if a missing entry ends the path; otherwise it may become a directory. @default false */
  readonly strict?: boolean | undefined;
  /** Returns whether the link may end at a path outside the tree. */
  readonly mayEndAt: (absolute: Buffer) => boolean;
  /** Called for each path on the way, with the names left after it, and for each end. */
  readonly visit?: ((at: Names, rest: Names) => void) | undefined;
}

class Follower {
  readonly #to: Following;
  readonly #pending: Step[] = [];
  /** Steps that were taken; a second time would be a cycle or a repetition. */
  readonly #met = new Set<string>();
  #lookups = 0;
  /** True if the whole link was followed, within the limits. */
  whole = true;

  constructor(to: Following) {
    this.#to = to;
  }

  /** Continues with a link's target; false if that leaves the tree. */
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

  /**
   * Returns whether all ends are allowed; false when in doubt. With `visit`, it continues after the first that is not.
   */
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
  /** True if all possible ends are allowed. */
  readonly within: boolean;
  /** True if it was followed completely; otherwise there may be more paths on the way. */
  readonly whole: boolean;
}

/** Follows the target of a link in a directory of the tree. */
export function followLink(to: Following, directory: Names, target: Buffer): Followed {
  const follower = new Follower(to);
  const within = follower.run(directory, target);
  return { within, whole: follower.whole };
}
