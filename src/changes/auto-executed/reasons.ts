/**
 * Why paths of any name run later: each place with the reasons that were found for it.
 *
 * The payload decides how many there are; where there are too many, everything is held back.
 */
import { canonicalName } from '../files/canonical-name.js';
import type { Names } from '../files/path.js';

/** What the names of a path say. */
export interface NameRules {
  /** Whether it is held back. */
  readonly isHeld: (path: Names) => boolean;
  /** Whether it is, or something below it would be. */
  readonly mayHold: (path: Names) => boolean;
  /** A path for people. */
  readonly show: (path: Names) => string;
}

/** Then all is held back. */
const maxReasons = 50_000;
/** Some ten seconds: the payload decides how many names a place has, and how many changes lie in it. */
const maxLooks = 1_000_000;

export interface Reason {
  /** Another name of the place; without one, all in it is held back. */
  readonly alias?: Names | undefined;
  /** The links by which it has that name. */
  readonly via: readonly string[];
  /** Whether the place lies on the way only: then it counts where it becomes a link itself. */
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
  /** Why all is held back. */
  #everything: string | undefined;

  get everything(): string | undefined {
    return this.#everything;
  }

  /** Holds everything back. */
  holdAll(why: string): void {
    this.#everything ??= why;
  }

  /** Notes that not all was looked at. */
  giveUp(what: string): void {
    this.holdAll(`there are too many ${what} here to check what leads to it`);
  }

  add(place: Names, reason: Reason): void {
    const key = keyOf(place);
    const reasons = this.#reasons.get(key) ?? new Map<string, Reason>();
    const id = `${reason.onTheWay}/${reason.alias?.join('/') ?? '/'}`;
    if (reasons.has(id)) return;
    if (++this.#size > maxReasons) this.giveUp('links');
    else this.#reasons.set(key, reasons.set(id, reason));
  }

  /** Each place that a path lies in, itself included, with what follows after it. */
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

  /** The names that a path has, its own first. */
  *namesOf(path: Names): Generator<Alias> {
    yield { name: path, via: [] };
    for (const { reason, rest } of this.placesOf(path)) {
      if (reason.alias === undefined || reason.onTheWay) continue;
      yield { name: [...reason.alias, ...rest], via: reason.via };
    }
  }
}
