/**
 * What makes a path of any name run later: a symbolic link by which it has a name that
 * is held back, or configuration of git that names it as hook, command or further configuration.
 *
 * Links and configuration count as they will be, whichever changes are applied. They may be as
 * untrusted as the code: what they name is only ever held back, so that at worst the user has to name
 * it. Where there is too much to look at, everything is held back.
 */
import { canonicalName } from '../files/canonical-name.js';
import type { FileState, FileType } from '../model.js';
import type { MergedTree, Names } from '../scan/merged-tree.js';
import { maxSurveyed, surveyTree } from '../scan/survey.js';
import { endsOf, merged, turnedAway } from '../scan/symlink-escape.js';
import { SteerFinder } from './configured-finder.js';

/** What the names of a path say. */
export interface NameRules {
  /** Whether it is held back. */
  readonly isHeld: (path: Names) => boolean;
  /** Whether it is, or something below it would be. */
  readonly mayHold: (path: Names) => boolean;
  /** A path for people. */
  readonly show: (path: Names) => string;
}

const byGit = 'git’s configuration names it';
const byLink = 'a link with a name that is held back leads to it';

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

export class Configured {
  readonly #rules: NameRules;
  readonly #reasons = new Map<string, Map<string, Reason>>();
  readonly #turnedAway: ReadonlyMap<string, string>;
  readonly #tree: MergedTree;
  #size = 0;
  #looksLeft = maxLooks;
  /** Why all is held back. */
  #everything: string | undefined;

  constructor(tree: MergedTree, rules: NameRules, max: number) {
    this.#rules = rules;
    this.#tree = tree;
    const survey = surveyTree(tree, max);
    if (!survey.complete) {
      this.#everything = `the directory has more than ${max.toLocaleString('en')} names, too many to check what leads to it`;
    }
    new SteerFinder(tree, this).run(survey, rules);
    this.#turnedAway = turnedAway(tree, survey.links, rules.show, (end) => this.#isHeldEnd(end));
  }

  /** Notes that not all was looked at. */
  giveUp(what: string): void {
    this.#everything ??= `there are too many ${what} here to check what leads to it`;
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
  *#placesOf(path: Names): Generator<{ reason: Reason; rest: Names }> {
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
    for (const { reason, rest } of this.#placesOf(path)) {
      if (reason.alias === undefined || reason.onTheWay) continue;
      yield { name: [...reason.alias, ...rest], via: reason.via };
    }
  }

  /** Why a change runs later by one of these; undefined where it does not. */
  why(path: Names, after: FileState): string | undefined {
    const turned = this.#turnedAway.get(path.join('/'));
    if (turned !== undefined) return turned;
    if (after.type === 'directory') return undefined;
    const why = this.#whyAt(path, after.type);
    if (why !== undefined || after.link === undefined) return why;
    // Whoever writes to the link later (`> log.txt`) writes there.
    const end = endsOf(merged(this.#tree), path, after.link).find((one) => this.#isHeldEnd(one));
    return end && `it leads to ${this.#rules.show(end)}, which is held back by that name`;
  }

  #whyAt(path: Names, type: FileType): string | undefined {
    for (const { reason, rest } of this.#everything === undefined ? this.#placesOf(path) : []) {
      if (reason.onTheWay && (rest.length > 0 || type !== 'symlink')) continue;
      if (reason.alias === undefined) return byGit;
      if (reason.onTheWay || this.#rules.isHeld([...reason.alias, ...rest])) {
        return `${byLink} (${this.#rules.show(reason.alias)})`;
      }
    }
    return this.#everything;
  }

  /** Whether no link may end there without being named. */
  #isHeldEnd(end: Names): boolean {
    if (end.length === 0) return false;
    return this.#rules.mayHold(end) || this.#whyAt(end, 'file') !== undefined;
  }
}

/** What the tree makes run, wherever it lies. */
export function configuredPaths(tree: MergedTree, rules: NameRules, max = maxSurveyed): Configured {
  return new Configured(tree, rules, max);
}
