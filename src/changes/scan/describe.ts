/**
 * Turns a difference between layer and host into a {@link Change} with its flags.
 */

import { displayPath } from '../../text/index.js';
import {
  environmentAround,
  hidesModule,
  inEnvironment,
  ofDirenv,
  ofManual,
  ofTool,
} from '../auto-executed/by-content.js';
import { type Configured, configuredPaths } from '../auto-executed/configured.js';
import { heldIfDeleted } from '../auto-executed/deleted.js';
import { ofFossil } from '../auto-executed/fossil.js';
import { completesGit, inGitDirectory } from '../auto-executed/git-directory.js';
import { replacesObjects } from '../auto-executed/git-objects.js';
import { homeDirectory } from '../auto-executed/home-links.js';
import { type AutoExecuted, matchNames, mayMatchBelow } from '../auto-executed/match.js';
import { ofPackages } from '../auto-executed/package-programs.js';
import { inPath, mayBeInPath, runsAnywhere } from '../auto-executed/path-directories.js';
import { isPristine } from '../auto-executed/python-environment.js';
import type { NameRules } from '../auto-executed/reasons.js';
import { canonicalName } from '../files/canonical-name.js';
import { readText } from '../files/host-text.js';
import { joinPath, type Names, namesOf, notHome } from '../files/path.js';
import { escapesTree } from '../merged-tree/symlink-escape.js';
import type { MergedTree } from '../merged-tree/tree.js';
import type { Change, ChangeFlag, ChangeKind, FileState } from '../model/index.js';
import { stateFlags } from './compare.js';
import { type Dropped, noiseOfHome } from './noise.js';

/** The tree that the change is in. */
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

/** See {@link Change.heldWith}. Git runs what is in its directory with the next command, so each of it must be named. */
function heldWithDirectory(path: Names, { whole }: AutoExecuted): number | undefined {
  if (whole === undefined || path.some((name) => canonicalName(name) === '.git')) return undefined;
  const count = Math.max(1, whole);
  return count < path.length ? count : undefined;
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
  /** One character per byte. */
  readonly #root: string;
  #configured: Configured | undefined;

  /** @param quick leaves out what needs a walk over the whole tree */
  constructor(place: TreePlace, tree: MergedTree, quick: boolean) {
    this.#place = place;
    this.#tree = tree;
    this.#quick = quick;
    this.#root = Buffer.from(place.root).toString('latin1');
  }

  describe({ kind, path, before, after, ...found }: Difference): Change {
    const { root, tree, home } = this.#place;
    const flags = [...found.flags];
    let runs: string | undefined;
    let heldWith: number | undefined;
    const sameUse = kind === 'time' || kind === 'xattr';
    const isPlain = after !== undefined && this.isAsInstalled(namesOf(path));
    if (!sameUse && !isPlain) {
      const later = this.#later(namesOf(path), before, after);
      runs = later?.why;
      heldWith = later?.level === 'held' ? heldWithDirectory(namesOf(path), later) : undefined;
      if (later !== undefined) flags.push(later.level === 'held' ? 'held' : 'runs-later');
    }
    if (after !== undefined && !sameUse) {
      // To the run, a file that it did not see was new.
      const had = flags.includes('unseen') ? undefined : before;
      flags.push(...stateFlags(kind, had, after));
      if (
        after.link !== undefined &&
        !isPlain &&
        escapesTree(this.#tree, namesOf(path), after.link)
      ) {
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
      ...(flags.includes('unseen') && this.#areText(path, before, after) ? { appends: true } : {}),
      ...(runs === undefined ? {} : { runs }),
      ...(heldWith === undefined ? {} : { heldWith }),
    };
  }

  /**
   * Returns whether a path is in a virtual environment that is all as the user's Python writes it, where nothing but
   * that makes programs of it.
   */
  isAsInstalled(path: Names): boolean {
    const top = this.#quick ? undefined : environmentAround(this.#tree, path);
    if (top === undefined || inPath(this.#root, path) !== undefined) return false;
    const inside = top.slice(0, -1);
    // A directory of that kind, as `.husky/env`, is no place for one.
    if (inside.length > 0 && this.#byName([...inside, 'file'])?.level === 'held') return false;
    return isPristine(this.#tree, top);
  }

  /** Returns whether both are files with text, to which lines can be added, and no program. */
  #areText(path: Buffer, before?: FileState, after?: FileState): boolean {
    if (this.#quick || before?.type !== 'file' || after?.type !== 'file') return false;
    if ((after.mode & 0o111) !== 0) return false;
    const { native, layer, host } = this.#tree;
    return [layer.root, host].every((root) => {
      const found = readText(native, root, namesOf(path));
      return found !== undefined && !found.text.includes('\0');
    });
  }

  /** Returns what to count of a file that no user reviews; undefined if it is a change like any other. */
  noise(path: Names, after: FileState): Dropped | undefined {
    if (this.#place.home !== undefined) return noiseOfHome(path, after);
    if (after.type !== 'directory' || path.at(-1) !== '__pycache__') return undefined;
    const place = this.#quick ? undefined : environmentAround(this.#tree, path);
    // Everything in it has its source beside it then.
    const isCompiled = place !== undefined && this.isAsInstalled([...path, 'module']);
    return isCompiled ? { what: 'compiled modules', place } : undefined;
  }

  /** The path for people. */
  show(path: Names): string {
    return this.#display(Buffer.from(path.join('/'), 'latin1'));
  }

  /** The path as displayed. */
  #display(path: Buffer): string {
    const { prefix } = this.#place;
    if (prefix.length > 0) return displayPath(path.length === 0 ? prefix : joinPath(prefix, path));
    return path.length === 0 ? '.' : displayPath(notHome(path));
  }

  /** Why a change is auto-executed: by what is there afterwards, or by what no longer is. */
  #later(path: Names, before?: FileState, after?: FileState): AutoExecuted | undefined {
    if (path.length === 0) return after === undefined ? undefined : ofRoot;
    const changed = after === undefined ? undefined : this.#autoExecuted(path, after);
    if (changed?.level === 'held') return changed;
    const isGone = after === undefined || after.type === 'directory';
    if (!isGone || before === undefined || before.type === 'directory') return changed;
    const gone = heldIfDeleted(this.#tree, path, this.#byName(path));
    if (gone !== undefined) return gone;
    const why = this.#configuredPaths()?.whyDeleted(path, before);
    return why === undefined ? changed : { level: 'held', why };
  }

  #autoExecuted(path: Names, after: FileState): AutoExecuted | undefined {
    const byName = after.type === 'directory' ? undefined : this.#byNameAndKind(path, after);
    if (byName?.level === 'held' && byName.isUnknown !== true) return byName;
    const replaces =
      after.type === 'directory' ? undefined : replacesObjects(this.#tree, path, after);
    if (replaces !== undefined) return replaces;
    const fossil = this.#quick ? undefined : ofFossil(this.#tree, path, after);
    if (fossil !== undefined) return fossil;
    if (completesGit(this.#tree, path, after)) {
      const why = 'git would treat the directory as a repository and run its hooks';
      return { level: 'held', why };
    }
    // Files get a held name through this link.
    if (after.type === 'symlink' && this.#mayHoldBelow(path)) {
      return {
        level: 'held',
        why: 'this link gives existing files names that other programs run',
      };
    }
    if (byName?.level === 'held') return byName;
    const configured = this.#configuredPaths();
    const why = configured?.why(path, after);
    if (why !== undefined) return { level: 'held', why };
    const marked = after.type === 'directory' ? undefined : configured?.marked(path);
    if (marked !== undefined && byName === undefined) return { level: 'note', why: marked };
    if (byName !== undefined || after.type === 'directory') return byName;
    const manual = this.#quick ? undefined : ofManual(this.#tree, path);
    return manual ?? hidesModule(path) ?? ofTool(path);
  }

  #byNameAndKind(path: Names, after: FileState): AutoExecuted | undefined {
    const anywhere = runsAnywhere(after);
    if (anywhere !== undefined) return anywhere;
    const byName = ofDirenv(this.#tree, path, this.#byName(path));
    return ofPackages(this.#tree, path, after) ?? inEnvironment(this.#tree, path, byName);
  }

  #byName(path: Names): AutoExecuted | undefined {
    const inside = inPath(this.#root, path);
    if (inside !== undefined) return inside;
    const named = this.#named(path);
    const above = named.length - path.length;
    const found = matchNames(named, inGitDirectory(this.#tree, path), this.#fromHome(path), above);
    if (found === undefined) return undefined;
    const { start, whole } = found;
    return {
      ...found,
      start: start === undefined ? undefined : start - above,
      whole: whole === undefined ? undefined : whole - above,
    };
  }

  /** Returns whether something below the path could be held back by its name. */
  #mayHoldBelow(path: Names): boolean {
    if (mayBeInPath(this.#root, path)) return true;
    return mayMatchBelow(this.#named(path), this.#fromHome(path));
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
    const [home, own] = [homeDirectory(), this.#root];
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
    // A hidden name that no row knows says nothing about what runs it.
    const isHeld = (path: Names): boolean => {
      const found = this.#byName(path);
      return found?.level === 'held' && found.isUnknown !== true;
    };
    return {
      isHeld,
      mayHold: (path) => isHeld(path) || this.#mayHoldBelow(path),
      show: (path) => displayPath(Buffer.from(path.join('/'), 'latin1')),
    };
  }
}
