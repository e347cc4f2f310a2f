/**
 * What makes a path of any name run later: a symbolic link by which it has a name that
 * is held back, or configuration of git that names it as hook, command or further configuration.
 *
 * Links and configuration count as they will be, whichever changes are applied. They may be as
 * untrusted as the code: what they name is only ever held back, so that at worst the user has to name
 * it. Where there is too much to look at, everything is held back.
 */
import type { Names } from '../files/path.js';
import { maxSurveyed, surveyTree } from '../merged-tree/survey.js';
import { endsOf, followingMerged, redirectedLinks } from '../merged-tree/symlink-escape.js';
import type { MergedTree } from '../merged-tree/tree.js';
import type { FileState, FileType } from '../model/index.js';
import { ConfiguredFinder } from './configured-finder.js';
import { type NameRules, Reasons } from './reasons.js';

const byGit = 'git’s configuration names it';
const byLink = 'a link with a name that is held back leads to it';

export class Configured {
  readonly #rules: NameRules;
  readonly #reasons = new Reasons();
  readonly #redirectedLinks: ReadonlyMap<string, string>;
  readonly #tree: MergedTree;

  constructor(tree: MergedTree, rules: NameRules, max: number) {
    this.#rules = rules;
    this.#tree = tree;
    const survey = surveyTree(tree, max);
    if (!survey.complete) {
      const names = max.toLocaleString('en');
      this.#reasons.holdAll(
        `the directory has more than ${names} names, too many to check what leads to it`,
      );
    }
    new ConfiguredFinder(tree, this.#reasons).run(survey, rules);
    this.#redirectedLinks = redirectedLinks(tree, survey.links, rules.show, (end) =>
      this.#isHeldEnd(end),
    );
  }

  /** Why a change runs later by one of these; undefined where it does not. */
  why(path: Names, after: FileState): string | undefined {
    const turned = this.#redirectedLinks.get(path.join('/'));
    if (turned !== undefined) return turned;
    if (after.type === 'directory') return undefined;
    const why = this.#whyAt(path, after.type);
    if (why !== undefined || after.link === undefined) return why;
    // Whoever writes to the link later (`> log.txt`) writes there.
    const end = endsOf(followingMerged(this.#tree), path, after.link).find((one) =>
      this.#isHeldEnd(one),
    );
    return end && `it leads to ${this.#rules.show(end)}, which is held back by that name`;
  }

  #whyAt(path: Names, type: FileType): string | undefined {
    const reasons = this.#reasons;
    for (const { reason, rest } of reasons.everything === undefined ? reasons.placesOf(path) : []) {
      if (reason.onTheWay && (rest.length > 0 || type !== 'symlink')) continue;
      if (reason.alias === undefined) return byGit;
      if (reason.onTheWay || this.#rules.isHeld([...reason.alias, ...rest])) {
        return `${byLink} (${this.#rules.show(reason.alias)})`;
      }
    }
    return reasons.everything; // the loop may have given up
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
