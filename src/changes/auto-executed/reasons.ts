/**
 * The reasons why paths are auto-executed, by path.
 *
 * The payload decides how many there are; if there are too many, everything is held back.
 */
import { canonicalName } from '../files/canonical-name.js';
import type { Names } from '../files/path.js';

/** The answers of the catalogue about a path. */
export interface NameRules {
  /** Returns whether it is held back. */
  readonly isHeld: (path: Names) => boolean;
  /** Returns whether it is held back, or something below it could be. */
  readonly mayHold: (path: Names) => boolean;
  /** A path for people. */
  readonly show: (path: Names) => string;
}

/** If there are more, everything is held back. */
const maxReasons = 50_000;
/** About ten seconds: the payload decides how many names a path has, and how many changes are below it. */
const maxLooks = 1_000_000;

export interface Reason {
  /** Another name of the path; without one, everything below it is held back. */
  readonly alias?: Names | undefined;
  /** The links by which it has that name. */
  readonly via: readonly string[];
  /** Completes "not applied automatically: …" for a path without another name. */
  readonly why?: string | undefined;
  /** True if the path is only on the way to another: then it counts only if it becomes a link. */
  readonly onTheWay: boolean;
}

/** Many words in commands with unknown parts. */
const maxPatterns = 2000;

interface Pattern {
  readonly at: string;
  readonly parts: readonly string[];
  readonly why: string;
}

/** Returns whether a text consists of parts with anything between them; at the beginning, each is the first found. */
function fits(text: string, parts: readonly string[]): boolean {
  const last = parts.at(-1) ?? '';
  let from = 0;
  for (const [at, part] of parts.slice(0, -1).entries()) {
    const found = text.indexOf(part, from);
    if (found < 0 || (at === 0 && found > 0)) return false;
    from = found + part.length;
  }
  return text.length - last.length >= from && text.endsWith(last);
}

interface Alias {
  readonly name: Names;
  readonly via: readonly string[];
}

const keyOf = (path: Names): string => path.map(canonicalName).join('/');

export class Reasons {
  readonly #reasons = new Map<string, Map<string, Reason>>();
  readonly #patterns = new Map<string, Pattern>();
  #size = 0;
  #looksLeft = maxLooks;
  /** Why everything is held back; undefined if it is not. */
  #everything: string | undefined;

  #topTaken: string | undefined;

  get everything(): string | undefined {
    return this.#everything;
  }

  /** Why programs at the top of the tree are held back; undefined if they are not. */
  get topTaken(): string | undefined {
    return this.#topTaken;
  }

  /** The tree itself is a directory of programs. */
  takeTop(why: string): void {
    this.#topTaken ??= why;
  }

  /** Holds everything back. */
  holdAll(why: string): void {
    this.#everything ??= why;
  }

  /** Holds everything back because not all was checked. */
  giveUp(what: string): void {
    this.holdAll(`there are too many ${what} here to check which programs run it`);
  }

  add(place: Names, reason: Reason): void {
    const key = keyOf(place);
    const reasons = this.#reasons.get(key) ?? new Map<string, Reason>();
    const id = `${reason.onTheWay}/${reason.alias?.join('/') ?? '/'}`;
    if (reasons.has(id)) return;
    if (++this.#size > maxReasons) this.giveUp('links');
    else this.#reasons.set(key, reasons.set(id, reason));
  }

  /**
   * Adds all files below a directory whose path there consists of these parts, with anything between them.
   * Without a text at the beginning, the path has a `/` at its beginning.
   */
  addPattern(at: Names, parts: readonly string[], why: string): void {
    const names = parts.map((part) => part.toLowerCase());
    if (names[0] !== '') names[0] = `/${names[0]}`;
    const [key, id] = [keyOf(at), names.join('\0')];
    if (this.#patterns.size >= maxPatterns) this.giveUp('words in commands');
    else this.#patterns.set(`${key} ${id}`, { at: key, parts: names, why });
  }

  /** Why the path fits a pattern; undefined if it fits none. */
  patternOf(path: Names): string | undefined {
    if (this.#patterns.size === 0) return undefined;
    const key = `/${keyOf(path)}`;
    for (const { at, parts, why } of this.#patterns.values()) {
      const below = at === '' || key.startsWith(`/${at}/`);
      if (below && fits(key.slice(at === '' ? 0 : at.length + 1), parts)) return why;
    }
    return undefined;
  }

  /** The reasons for a path and each of its parents, with the names that follow. */
  *placesOf(path: Names): Generator<{ reason: Reason; rest: Names }> {
    const keys = path.map(canonicalName);
    for (let end = 0; end <= keys.length; end++) {
      const reasons = this.#reasons.get(keys.slice(0, end).join('/'));
      for (const reason of reasons?.values() ?? []) {
        if (--this.#looksLeft < 0) {
          this.giveUp('links');
          return;
        }
        yield { reason, rest: path.slice(end) };
      }
    }
  }

  /** All names of a path, its own first. */
  *namesOf(path: Names): Generator<Alias> {
    yield { name: path, via: [] };
    for (const { reason, rest } of this.placesOf(path)) {
      if (reason.alias === undefined || reason.onTheWay) continue;
      yield { name: [...reason.alias, ...rest], via: reason.via };
    }
  }
}
