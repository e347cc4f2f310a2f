/**
 * Finds the paths that git's configuration (in the tree and outside) and links make auto-executed,
 * whatever their names.
 */
import { posix } from 'node:path';
import { readText, type Text } from '../files/host-text.js';
import type { Names } from '../files/path.js';
import { type Following, followLink } from '../merged-tree/follow.js';
import type { Survey } from '../merged-tree/survey.js';
import { followingMerged } from '../merged-tree/symlink-escape.js';
import { type MergedTree, mayBeAt } from '../merged-tree/tree.js';
import { type ConfiguredPath, maxConfigs, pathsIn, worktreeIn } from './git-config.js';
import { configsElsewhere, directoriesOf, textElsewhere } from './git-elsewhere.js';
import { linksOfHome } from './home-links.js';
import { placeInTree } from './other-paths.js';
import type { NameRules, Reason, Reasons } from './reasons.js';

/** Rounds of links to links; after that, everything is held back. */
const maxRounds = 8;

const namesIn = (path: string): string[] => path.split('/').filter((name) => name !== '');

export class ConfiguredFinder {
  readonly #tree: MergedTree;
  readonly #reasons: Reasons;
  readonly #workdir: string;
  #configs = 0;

  constructor(tree: MergedTree, reasons: Reasons) {
    this.#tree = tree;
    this.#reasons = reasons;
    this.#workdir = tree.workdir.toString('latin1');
  }

  run(survey: Survey, rules: NameRules): void {
    const tops = this.#ofRepositories(survey);
    this.#ofOthers(tops);
    this.#ofLinks(survey, rules);
    if (this.#tree.lookupsLeft < 0) this.#reasons.giveUp('links');
  }

  /** Follows a path from a directory of the tree, records the paths on the way, and returns its ends. */
  #follow(directory: Names, path: string | Buffer, reason: Omit<Reason, 'onTheWay'>): Names[] {
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
    const { within, whole } = followLink(following, directory, target);
    if (!whole) this.#reasons.giveUp('links');
    if (within) return ends;
    // It leaves the tree, and may come back by another path.
    const from = posix.join(this.#workdir, ...directory);
    const back = placeInTree(this.#tree, posix.resolve(from, target.toString('latin1')));
    if (back === undefined || (back.length === 0 && reason.alias === undefined)) return ends;
    this.#reasons.add(back, { ...reason, onTheWay: false });
    return [...ends, back];
  }

  /** Adds what a configuration file names; returns the ends. */
  #named({ path, bare }: ConfiguredPath, from: Names): Names[] {
    if (path === '' || (bare && !this.#mayBeFile(this.#lexical(from, path)))) return [];
    return this.#follow(from, path, { via: [] });
  }

  #mayBeFile(path: Names | undefined): boolean {
    if (path === undefined) return false;
    const found = mayBeAt(this.#tree, path);
    return found.some((state) => typeof state !== 'object' || state.type !== 'directory');
  }

  /** The possible contents of a configuration file of the tree: on the host and in the layer. */
  #texts(config: Names): string[] {
    const { native, host, layer } = this.#tree;
    if (++this.#configs > maxConfigs) this.#reasons.giveUp('configuration files of git');
    const found = [host, layer.root].map((root) => readText(native, root, config));
    const texts = found.filter((text): text is Text => text !== undefined);
    if (texts.some(({ cut }) => cut)) this.#reasons.giveUp('lines of git’s configuration');
    return texts.map(({ text }) => text);
  }

  /** Adds what the tree's repositories name; returns the tops of their worktrees. */
  #ofRepositories({ gits }: Survey): Names[] {
    const tops: Names[] = [];
    for (const git of gits) {
      const own = git.at(-1)?.toLowerCase() === '.git' ? [git.slice(0, -1)] : [git];
      tops.push(...own);
      const pending: Names[] = ['config', 'config.worktree'].map((name) => [...git, name]);
      for (let at = 0; at < pending.length && this.#configs <= maxConfigs; at++) {
        const config = pending[at] ?? [];
        for (const text of this.#texts(config)) {
          const worktree = worktreeIn(text);
          const from = worktree === undefined ? own : [...own, this.#lexical(git, worktree)];
          for (const value of pathsIn(text)) {
            // Only an include is relative to the file that it is in.
            const bases = value.include ? [config.slice(0, -1)] : from;
            for (const base of bases) {
              const ends = base === undefined ? [] : this.#named(value, base);
              if (value.include) pending.push(...ends.filter((end) => !holds(pending, end)));
            }
          }
        }
      }
    }
    return tops;
  }

  /** A path's location in the tree, without following links. */
  #lexical(from: Names, path: string): Names | undefined {
    const absolute = posix.resolve(this.#workdir, from.join('/'), path);
    if (!`${absolute}/`.startsWith(`${this.#workdir}/`)) return undefined;
    return namesIn(absolute.slice(this.#workdir.length));
  }

  /** Adds what configuration outside the tree names: of a worktree, an enclosing repository, the user. */
  #ofOthers(tops: readonly Names[]): void {
    const { paths, top } = configsElsewhere(this.#workdir);
    const inside = tops.map((names) => posix.join(this.#workdir, ...names));
    const others = inside.flatMap((directory) =>
      directoriesOf(posix.join(directory, '.git')).map((git) => posix.join(git, 'config')),
    );
    const pending = [...new Set([...paths, ...others])];
    for (let at = 0; at < pending.length; at++) {
      if (++this.#configs > maxConfigs) {
        this.#reasons.giveUp('configuration files of git');
        return;
      }
      const config = pending[at] ?? '';
      for (const value of pathsIn(textElsewhere(config) ?? '')) {
        const bases = value.include ? [posix.dirname(config)] : [top];
        if (value.isPath && !value.include) bases.push(...inside);
        for (const base of bases) {
          const absolute = posix.resolve(base, value.path);
          if (value.include && !pending.includes(absolute)) pending.push(absolute);
          if (value.path !== '') this.#named({ ...value, path: absolute }, []);
        }
      }
    }
  }

  /** Adds what links lead to, until they give no new names. */
  #ofLinks({ links }: Survey, rules: NameRules): void {
    for (const { name, target } of linksOfHome(this.#workdir)) {
      this.#follow([], target, { alias: name, via: [] });
    }
    const done = new Set<string>();
    for (let round = 0; ; round++) {
      let more = false;
      for (const { path, link } of links) {
        const own = path.join('/');
        for (const { name, via } of [...this.#reasons.namesOf(path)]) {
          const key = `${own}\n${name.join('/')}\n${link.toString('latin1')}`;
          if (done.has(key) || via.includes(own)) continue;
          done.add(key);
          if (!rules.mayHold(name)) continue;
          more = true;
          this.#follow(path.slice(0, -1), link, { alias: name, via: [...via, own] });
        }
      }
      if (!more) return;
      if (round === maxRounds) {
        this.#reasons.giveUp('links');
        return;
      }
    }
  }
}

const holds = (list: readonly Names[], names: Names): boolean =>
  list.some((one) => one.join('/') === names.join('/'));
