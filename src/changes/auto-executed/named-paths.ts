/** Records what paths and commands name in a tree, from each directory in which they may start. */
import { posix } from 'node:path';
import { type Names, namesIn } from '../files/path.js';
import { type Following, followLink } from '../merged-tree/follow.js';
import { endsOf, followingMerged } from '../merged-tree/symlink-escape.js';
import { type MergedTree, mayBeAt } from '../merged-tree/tree.js';
import { type Word, wordsOf } from './command-words.js';
import { fromHome, namedHome } from './git-elsewhere.js';
import { placeInTree } from './other-paths.js';
import type { Reason, Reasons } from './reasons.js';

/** Where a path starts: a directory of the tree, or an absolute path. */
export type Start = Names | string;

/** Says how the words of a command are meant. */
export interface Meaning {
  /** Completes "not applied automatically: …". */
  readonly why: string;
  /** True if only files count, and wildcards only where a program is meant. @default false */
  readonly onlyFiles?: boolean | undefined;
  /** True if it is about many trees: then words of unknown directories do not count. @default false */
  readonly isGeneral?: boolean | undefined;
  /** True if words count only where the command runs, enters or takes from them. @default false */
  readonly onlyRun?: boolean | undefined;
}

const maxStarts = 20;

const hasName = (text: string): boolean => /[^\s./-]/.test(text);

export class NamedPaths {
  readonly #tree: MergedTree;
  readonly #reasons: Reasons;
  readonly #workdir: string;
  /** Answers to earlier questions: many commands name the same few programs. */
  readonly #places = new Map<string, Names | undefined>();

  constructor(tree: MergedTree, reasons: Reasons) {
    this.#tree = tree;
    this.#reasons = reasons;
    this.#workdir = tree.workdir.toString('latin1');
  }

  /** Follows a path from a directory of the tree, records the paths on the way, and returns its ends. */
  follow(directory: Names, path: string | Buffer, reason: Omit<Reason, 'onTheWay'>): Names[] {
    const ends: Names[] = [];
    const following: Following = {
      ...followingMerged(this.#tree),
      visit: (at, rest) => {
        // A command may have the tree itself as an argument, which is not a file.
        if (at.length === 0 && reason.alias === undefined) return;
        this.#reasons.add(at, { ...reason, onTheWay: rest.length > 0 });
        if (rest.length === 0) ends.push(at);
      },
    };
    const target = typeof path === 'string' ? Buffer.from(path, 'latin1') : path;
    const text = target.toString('latin1');
    if (!text.startsWith('/') || this.#isInside(text)) {
      const { within, whole } = followLink(following, directory, target);
      if (!whole) this.#reasons.giveUp('links');
      if (within) return ends;
    }
    // It leaves the tree, and may come back by another path.
    const back = this.#placeOf(posix.resolve(this.#workdir, ...directory, text));
    if (back === undefined || (back.length === 0 && reason.alias === undefined)) return ends;
    this.#reasons.add(back, { ...reason, onTheWay: false });
    return [...ends, back];
  }

  /** Adds a path; returns its ends. */
  path(start: Start, path: string, why: string): Names[] {
    if (path === '') return [];
    const own = fromHome(path);
    if (typeof start !== 'string') return this.follow(start, own, { via: [], why });
    return this.follow([], posix.resolve(start, own), { via: [], why });
  }

  /** Adds what a command names; returns the files of the tree that it may run. */
  command(text: string, starts: readonly Start[], meaning: Meaning): Names[] {
    const run: Names[] = [];
    const { words, cut } = wordsOf(text, namedHome());
    if (cut) this.#reasons.giveUp('words in commands');
    const all: Start[] = [...starts];
    let anywhere = false;
    for (const { parts, role } of words) {
      if (role !== 'entered') continue;
      // An unknown directory is likely the top (`$(git rev-parse --show-toplevel)/x`), or any.
      if (parts.length > 1) anywhere = true;
      const path = parts.join('').replace(/^\/+/, parts.length > 1 ? '' : '/');
      if (path === '' || path.startsWith('-')) continue;
      for (const start of [...all]) {
        for (const end of this.#directories(start, path)) if (all.length < maxStarts) all.push(end);
      }
    }
    // A value may be one path, with spaces in it.
    const whole: Word = { parts: [text], role: 'word', isGlob: false };
    const wholes = /[\s]/.test(text) && !text.includes('\n') ? [whole] : [];
    for (const word of [...words, ...wholes]) {
      if (meaning.onlyRun === true && word.role === 'word') continue;
      if (word.parts.length > 1) run.push(...this.#unknown(word, all, meaning));
      else run.push(...this.#known(word, all, anywhere && meaning.isGeneral !== true, meaning));
    }
    return run;
  }

  #known(
    { parts, role }: Word,
    starts: readonly Start[],
    anywhere: boolean,
    meaning: Meaning,
  ): Names[] {
    const run: Names[] = [];
    const path = role === 'module' ? (parts[0] ?? '').replaceAll('.', '/') : (parts[0] ?? '');
    const { why } = meaning;
    if (role === 'taken') for (const start of starts) this.#topTaken(start, path, why);
    if (!hasName(path) || role === 'entered') return run;
    const bare = !/[./]/.test(path);
    const onlyFiles = (bare || meaning.onlyFiles === true) && role !== 'taken';
    for (const start of starts) {
      // Programs find `x` as x.js, x.py and the like.
      const isModule = role === 'module' || (!bare && role === 'run');
      if (isModule) this.#pattern(start, path, ['.', ''], why);
      if (role === 'module') this.#pattern(start, path, ['/', ''], why);
      if (onlyFiles && !this.#mayBeFile(this.#lexical(start, path))) continue;
      const ends = this.path(start, path, why);
      if (role === 'run') run.push(...ends);
    }
    const relative = path.replace(/^(?:\.\.?\/)+/, '');
    if (anywhere && !bare && role === 'run' && hasName(relative) && !path.startsWith('/')) {
      this.#reasons.addPattern([], ['', `/${relative}`], why);
    }
    return run;
  }

  /** A directory of programs that is the tree itself: everything there may be one. */
  #topTaken(start: Start, path: string, why: string): void {
    if (!/^[.~/]/.test(path)) return;
    const own = fromHome(path);
    const from = typeof start === 'string' ? start : posix.join(this.#workdir, ...start);
    if (posix.resolve(from, own) === this.#workdir) this.#reasons.takeTop(why);
  }

  /** Adds the files that fit what is known of a word. */
  #unknown(word: Word, starts: readonly Start[], meaning: Meaning): Names[] {
    const { parts, role, isGlob } = word;
    const { why, onlyFiles = false, isGeneral = false } = meaning;
    if (role === 'entered' || (onlyFiles && isGlob && role === 'word')) return [];
    // A directory from which programs are taken: what counts is below it.
    if (role === 'taken' && parts.at(-1) !== '') {
      const below = [...parts.slice(0, -1), `${parts.at(-1)?.replace(/\/$/, '')}/`, ''];
      this.#unknown({ parts: below, role: 'word', isGlob: false }, starts, meaning);
    }
    if (isGeneral && parts[0]?.startsWith('/') !== true) return this.#behindName(word, meaning);
    if (!parts.some((part) => part.includes('/')) || !parts.some(hasName)) return [];
    const [first = '', ...rest] = parts;
    const slash = first.lastIndexOf('/') + 1;
    const directory = first.slice(0, slash);
    const begin = first.slice(slash);
    if (first === '' || (!hasName(directory) && begin === '')) {
      // `$dir/../x` may be anywhere, too.
      const [next = '', ...more] = rest;
      const known = next.startsWith('/') ? posix.normalize(next) : next;
      if (rest.some(hasName)) this.#reasons.addPattern([], ['', known, ...more], why);
      // Most likely it is beside what names it, as in `$(dirname "$0")/x`.
      const likely = role === 'run' && rest.length === 1 && known.startsWith('/');
      const inside = starts.filter((start) => typeof start !== 'string');
      return likely ? inside.map((start) => [...start, ...namesIn(known)]) : [];
    }
    for (const start of starts) this.#pattern(start, directory, [begin, ...rest], why);
    return [];
  }

  /** A path of an unknown directory in which the tree's own name is: what is behind that is in the tree. */
  #behindName({ parts, role }: Word, { why }: Meaning): Names[] {
    const [, first = '', ...rest] = parts;
    const own = `/${posix.basename(this.#workdir)}`;
    if (parts[0] !== '' || !`${first}/`.startsWith(`${own}/`)) return [];
    const path = `.${first.slice(own.length)}`;
    if (rest.length > 0 || role === 'taken') this.#pattern([], `${path}/`, ['', ...rest], why);
    else if (hasName(path)) this.path([], path, why);
    return [];
  }

  /** Adds a pattern below a directory; one that begins with `.` or `/` is for the path itself. */
  #pattern(start: Start, path: string, parts: readonly string[], why: string): void {
    const isBelow = path === '' || path.endsWith('/');
    const base = isBelow ? path : posix.dirname(path);
    const begin = isBelow ? '' : posix.basename(path);
    for (const end of this.#directories(start, base === '' ? '.' : base)) {
      this.#reasons.addPattern(end, [begin + (parts[0] ?? ''), ...parts.slice(1)], why);
    }
  }

  /** The directories of the tree to which a path may lead. */
  #directories(start: Start, path: string): readonly Names[] {
    const inside = typeof start !== 'string';
    const absolute = posix.resolve(inside ? posix.join(this.#workdir, ...start) : start, path);
    if (absolute === this.#workdir) return [[]];
    const own = inside ? path : absolute;
    if (!own.startsWith('/') || this.#isInside(own)) {
      const target = Buffer.from(own, 'latin1');
      const ends = endsOf(followingMerged(this.#tree), inside ? [...start, 'x'] : ['x'], target);
      if (ends.length > 0) return ends;
    }
    const back = this.#placeOf(absolute);
    return back === undefined ? [] : [back];
  }

  /** Returns whether an absolute path is one of the tree by its name. */
  #isInside(path: string): boolean {
    return `${path}/`.startsWith(`${this.#workdir}/`);
  }

  /** Where an absolute path leads in the tree, by whatever name; undefined if it does not. */
  #placeOf(absolute: string): Names | undefined {
    const known = this.#places.get(absolute);
    if (known !== undefined || this.#places.has(absolute)) return known;
    const found = placeInTree(this.#tree, absolute);
    this.#places.set(absolute, found);
    return found;
  }

  #mayBeFile(path: Names | undefined): boolean {
    if (path === undefined || path.length === 0) return false;
    const found = mayBeAt(this.#tree, path);
    return found.some((state) => typeof state !== 'object' || state.type !== 'directory');
  }

  /** A path's location in the tree, without following links. */
  #lexical(start: Start, path: string): Names | undefined {
    const from = typeof start === 'string' ? start : posix.join(this.#workdir, ...start);
    const absolute = posix.resolve(from, fromHome(path));
    if (!this.#isInside(absolute)) return undefined;
    return namesIn(absolute.slice(this.#workdir.length));
  }
}
