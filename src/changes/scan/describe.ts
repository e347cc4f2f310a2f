/**
 * Turns a difference between layer and host into a {@link Change} with its flags.
 */

import { displayPath } from '../../text/index.js';
import { type Configured, configuredPaths } from '../auto-executed/configured.js';
import { completesGit, inGitDirectory } from '../auto-executed/git-directory.js';
import { homeDirectory } from '../auto-executed/home-links.js';
import { type AutoExecuted, matchNames, mayMatchBelow } from '../auto-executed/match.js';
import { inPath } from '../auto-executed/path-directories.js';
import type { NameRules } from '../auto-executed/reasons.js';
import { joinPath, type Names, namesOf, notHome } from '../files/path.js';
import { escapesTree } from '../merged-tree/symlink-escape.js';
import type { MergedTree } from '../merged-tree/tree.js';
import type { Change, ChangeFlag, ChangeKind, FileState } from '../model/index.js';
import { stateFlags } from './compare.js';

/** Which tree the change is in. */
export interface TreePlace {
  readonly root: string;
  readonly tree: number;
  /** Prefix of displayed paths; empty for the working directory. */
  readonly prefix: Buffer;
  readonly home?: Change['home'];
}

/** Why nothing at a path can be applied. */
export type Block = 'mount-point' | 'unreadable' | undefined;

export interface Difference {
  readonly kind: ChangeKind;
  readonly path: Buffer;
  readonly before: FileState | undefined;
  readonly after: FileState | undefined;
  readonly flags: readonly ChangeFlag[];
  readonly hostChanged: boolean;
  readonly block: Block;
}

const ofRoot: AutoExecuted = {
  level: 'held',
  why: 'it changes the mode of the directory itself',
};

/** Describes the changes of one tree. */
export class Describer {
  readonly #place: TreePlace;
  readonly #tree: MergedTree;
  readonly #quick: boolean;
  #configured: Configured | undefined;

  /** @param quick leaves out what needs a walk over the whole tree */
  constructor(place: TreePlace, tree: MergedTree, quick: boolean) {
    this.#place = place;
    this.#tree = tree;
    this.#quick = quick;
  }

  describe({ kind, path, before, after, ...found }: Difference): Change {
    const { root, tree, home } = this.#place;
    const flags = [...found.flags];
    let runs: string | undefined;
    if (after !== undefined && kind !== 'time' && kind !== 'xattr') {
      const names = namesOf(path);
      const later = names.length === 0 ? ofRoot : this.#autoExecuted(names, after);
      runs = later?.why;
      if (later !== undefined) flags.push(later.level === 'held' ? 'held' : 'runs-later');
      // To the run, a file that it did not see was new.
      const had = flags.includes('unseen') ? undefined : before;
      flags.push(...stateFlags(kind, had, after));
      if (after.link !== undefined && escapesTree(this.#tree, names, after.link)) {
        flags.push('leads-out');
      }
    }
    if (found.hostChanged) flags.push('host-changed');
    if (found.block !== undefined && !flags.includes(found.block)) flags.push(found.block);
    return {
      path,
      root,
      tree,
      ...(home === undefined ? {} : { home }),
      display: this.#display(path),
      kind,
      type: (after ?? before)?.type ?? 'file',
      ...(before === undefined ? {} : { before }),
      ...(after === undefined ? {} : { after }),
      flags,
      ...(runs === undefined ? {} : { runs }),
    };
  }

  /** The path as displayed. */
  #display(path: Buffer): string {
    const { prefix } = this.#place;
    if (prefix.length > 0) return displayPath(path.length === 0 ? prefix : joinPath(prefix, path));
    return path.length === 0 ? '.' : displayPath(notHome(path));
  }

  #autoExecuted(path: Names, after: FileState): AutoExecuted | undefined {
    const byName = after.type === 'directory' ? undefined : this.#byName(path);
    if (byName?.level === 'held') return byName;
    if (completesGit(this.#tree, path, after)) {
      const why = 'git would treat the directory as a repository and run its hooks';
      return { level: 'held', why };
    }
    // Files get a held name through this link.
    if (after.type === 'symlink' && mayMatchBelow(this.#named(path), this.#fromHome(path))) {
      return {
        level: 'held',
        why: 'this link gives existing files names that other programs run',
      };
    }
    const why = this.#configuredPaths()?.why(path, after);
    return why === undefined ? byName : { level: 'held', why };
  }

  #byName(path: Names): AutoExecuted | undefined {
    const root = Buffer.from(this.#place.root).toString('latin1');
    return (
      inPath(root, path) ??
      matchNames(this.#named(path), inGitDirectory(this.#tree, path), this.#fromHome(path))
    );
  }

  /**
   * The path with the last two names of its tree: the tree itself may be `.vscode` or `.config/nvim`. Not
   * with more, or everything in a project somewhere below `.config` would be held back.
   */
  #named(path: Names): Names {
    return [...namesOf(Buffer.from(this.#place.root)).slice(-2), ...path];
  }

  /** The path from the user's home; empty if it is outside. */
  #fromHome(path: Names): Names {
    const [home, own] = [homeDirectory(), Buffer.from(this.#place.root).toString('latin1')];
    if (home === undefined || !`${own}/`.startsWith(`${home}/`)) return [];
    return [...namesOf(Buffer.from(own.slice(home.length), 'latin1')), ...path];
  }

  #configuredPaths(): Configured | undefined {
    if (this.#quick) return undefined;
    this.#configured ??= configuredPaths(this.#tree, this.#nameRules());
    return this.#configured;
  }

  /** The rules by name, whatever the entries are. */
  #nameRules(): NameRules {
    const isHeld = (path: Names): boolean => this.#byName(path)?.level === 'held';
    return {
      isHeld,
      mayHold: (path) => isHeld(path) || mayMatchBelow(this.#named(path), this.#fromHome(path)),
      show: (path) => displayPath(Buffer.from(path.join('/'), 'latin1')),
    };
  }
}
