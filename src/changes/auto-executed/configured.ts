/**
 * Configured executables: paths of any name that are auto-executed because a symbolic link gives them
 * such a name, or because git's configuration names them as a hook, a command or an include.
 *
 * Links and configuration count as they will be, whichever changes are applied. They can be as untrusted
 * as the code, but they only ever add paths that are held back: at worst, the user has to name one. If
 * there is too much to check, everything is held back.
 */
import type { Names } from '../files/path.js';
import { maxSurveyed, surveyTree } from '../merged-tree/survey.js';
import { endsOf, followingMerged, redirectedLinks } from '../merged-tree/symlink-escape.js';
import type { MergedTree } from '../merged-tree/tree.js';
import type { FileState, FileType } from '../model/index.js';
import { ConfiguredFinder } from './configured-finder.js';
import { type NameRules, Reasons } from './reasons.js';
import { scripts } from './scripts.js';

const byLink = 'a link that another program runs points to it';

export class Configured {
  readonly #rules: NameRules;
  readonly #reasons = new Reasons();
  readonly #marks = new Reasons();
  readonly #redirectedLinks: ReadonlyMap<string, string>;
  readonly #tree: MergedTree;

  constructor(tree: MergedTree, rules: NameRules, max: number) {
    this.#rules = rules;
    this.#tree = tree;
    const survey = surveyTree(tree, max, scripts);
    if (!survey.complete) {
      const names = max.toLocaleString('en');
      this.#reasons.holdAll(
        `the directory has more than ${names} entries, too many to check which programs run it`,
      );
    }
    new ConfiguredFinder(tree, this.#reasons, this.#marks).run(survey, rules);
    this.#redirectedLinks = redirectedLinks(tree, survey.links, rules.show, (end) =>
      this.#isHeldEnd(end),
    );
  }

  /** Why a change is auto-executed; undefined if it is not. */
  why(path: Names, after: FileState): string | undefined {
    const turned = this.#redirectedLinks.get(path.join('/'));
    if (turned !== undefined) return turned;
    if (after.type === 'directory') return undefined;
    const why = this.#whyAt(path, after.type) ?? this.#whyAtTop(path, after);
    if (why !== undefined || after.link === undefined) return why;
    // A later write through the link (`> log.txt`) would go there.
    const end = endsOf(followingMerged(this.#tree), path, after.link).find((one) =>
      this.#isHeldEnd(one),
    );
    return end && `it points to ${this.#rules.show(end)}, which is not applied automatically`;
  }

  /** Why a change that is not held can run code; undefined if nothing here says so. */
  marked(path: Names): string | undefined {
    for (const { reason } of this.#marks.placesOf(path)) if (!reason.onTheWay) return reason.why;
    return this.#marks.patternOf(path);
  }

  /** Why a program at the top is held back, where the tree is a directory of programs. */
  #whyAtTop(path: Names, { type, mode }: FileState): string | undefined {
    const isProgram = type === 'symlink' || (type === 'file' && (mode & 0o111) !== 0);
    return path.length === 1 && isProgram ? this.#reasons.topTaken : undefined;
  }

  /** Why a deletion is held back; undefined if it is not. */
  whyDeleted(path: Names, before: FileState): string | undefined {
    return this.#whyAt(path, before.type);
  }

  #whyAt(path: Names, type: FileType): string | undefined {
    const reasons = this.#reasons;
    for (const { reason, rest } of reasons.everything === undefined ? reasons.placesOf(path) : []) {
      if (reason.onTheWay && (rest.length > 0 || type !== 'symlink')) continue;
      if (reason.alias === undefined) return reason.why;
      if (reason.onTheWay || this.#rules.isHeld([...reason.alias, ...rest])) {
        return `${byLink} (${this.#rules.show(reason.alias)})`;
      }
    }
    return reasons.patternOf(path) ?? reasons.everything; // the loop may have given up
  }

  /** Returns whether a link that ends there must be named to be applied. */
  #isHeldEnd(end: Names): boolean {
    if (end.length === 0) return false;
    return this.#rules.mayHold(end) || this.#whyAt(end, 'file') !== undefined;
  }
}

/** Finds the configured executables of a tree. */
export function configuredPaths(tree: MergedTree, rules: NameRules, max = maxSurveyed): Configured {
  return new Configured(tree, rules, max);
}
