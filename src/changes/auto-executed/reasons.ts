/**
 * The reasons why paths are auto-executed, by path.
 *
 * The payload decides how many there are; if there are too many, everything is held back.
 */
import { canonicalName } from '../files/canonical-name.js';
import type { Names } from '../files/path.js';

/** What the catalogue says about a path. */
export interface NameRules {
  /** Whether it is held back. */
  readonly isHeld: (path: Names) => boolean;
  /** Whether it is held back, or something below it could be. */
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
  /** Whether the path is only on the way to another: then it counts only if it becomes a link. */
  readonly onTheWay: boolean;
}

interface Alias {
  readonly name: Names;
  readonly via: readonly string[];
}

const keyOf = (path: Names): string => path.map(canonicalName).join('/');

export class Reasons {
  readonly #reasons = new Map<string, Map<string, Reason>>();
  #size = 0;
  #looksLeft = maxLooks;
  /** Why everything is held back; undefined if it is not. */
  #everything: string | undefined;

  get everything(): string | undefined {
    return this.#everything;
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
