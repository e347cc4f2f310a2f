/**
 * Finds the paths that git's configuration (in the tree and outside) and links make auto-executed,
 * whatever their names.
 */
import { posix } from 'node:path';
import { readText, type Text } from '../files/host-text.js';
import type { Names } from '../files/path.js';
import type { Survey } from '../merged-tree/survey.js';
import type { MergedTree } from '../merged-tree/tree.js';
import { type ConfiguredValue, maxConfigs, valuesIn, worktreeIn } from './git-config.js';
import {
  commandsInEnvironment,
  configsElsewhere,
  directoriesOf,
  type ElsewhereConfigs,
  fromHome,
  textElsewhere,
} from './git-elsewhere.js';
import { homeDirectory, linksOfHome } from './home-links.js';
import { NamedPaths, type Start } from './named-paths.js';
import type { NameRules, Reasons } from './reasons.js';
import {
  commandsOf,
  filesIn,
  maxScripts,
  type ScriptKind,
  scriptKind,
  startupFiles,
  withoutComments,
} from './scripts.js';
import { spelledOut, withoutPatterns } from './spelled.js';

const byGit = 'git’s configuration names it';
const byEnvironment = 'a variable of your environment names it as a command';

/** Rounds of links to links; after that, everything is held back. */
const maxRounds = 8;

export class ConfiguredFinder {
  readonly #tree: MergedTree;
  readonly #reasons: Reasons;
  readonly #paths: NamedPaths;
  readonly #workdir: string;
  readonly #elsewhere: ElsewhereConfigs;
  #configs = 0;
  #scripts = 0;

  constructor(tree: MergedTree, reasons: Reasons) {
    this.#tree = tree;
    this.#reasons = reasons;
    this.#paths = new NamedPaths(tree, reasons);
    this.#workdir = tree.workdir.toString('latin1');
    this.#elsewhere = configsElsewhere(this.#workdir);
  }

  run(survey: Survey, rules: NameRules): void {
    const tops = this.#ofRepositories(survey);
    this.#ofOthers(tops);
    this.#ofScripts(survey, rules);
    this.#ofStartupFiles();
    this.#ofLinks(survey, rules);
    if (this.#tree.lookupsLeft < 0) this.#reasons.giveUp('links');
  }

  /** The possible contents of a file of the tree: on the host and in the layer. */
  #texts(path: Names, ofWhat: string): string[] {
    const { native, host, layer } = this.#tree;
    const found = [host, layer.root].map((root) => readText(native, root, path));
    const texts = found.filter((text): text is Text => text !== undefined);
    if (texts.some(({ cut }) => cut)) this.#reasons.giveUp(ofWhat);
    return texts.map(({ text }) => text);
  }

  #configTexts(config: Names): string[] {
    if (++this.#configs > maxConfigs) this.#reasons.giveUp('configuration files of git');
    return this.#texts(config, 'lines of git’s configuration');
  }

  /** Adds what a value of a configuration names; returns where an included file may be. */
  #named(value: ConfiguredValue, starts: readonly Start[]): Names[] {
    const why = `${byGit} (${value.key})`;
    if (value.isPath) return starts.flatMap((at) => this.#paths.path(at, value.text, why));
    this.#paths.command(value.text, starts, { why });
    return [];
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
        for (const text of this.#configTexts(config)) {
          const worktree = worktreeIn(text);
          const other = posix.resolve(this.#workdir, ...git, worktree ?? '.');
          const starts = worktree === undefined ? own : [...own, other];
          for (const value of valuesIn(text)) {
            // Only an include is relative to the file that it is in.
            const ends = this.#named(value, value.include ? [config.slice(0, -1)] : starts);
            if (value.include) pending.push(...ends.filter((end) => !holds(pending, end)));
          }
        }
      }
    }
    return tops;
  }

  /** Adds what configuration outside the tree names: of a worktree, an enclosing repository, the user. */
  #ofOthers(tops: readonly Names[]): void {
    const { paths, top } = this.#elsewhere;
    const inside = tops.map((names) => posix.join(this.#workdir, ...names));
    const others = inside.flatMap((directory) =>
      directoriesOf(posix.join(directory, '.git')).map((git) => posix.join(git, 'config')),
    );
    const starts = [...new Set([top, ...inside])];
    for (const command of commandsInEnvironment()) {
      this.#paths.command(command, starts, { why: byEnvironment });
    }
    const pending = [...new Set([...paths, ...others])];
    for (let at = 0; at < pending.length; at++) {
      if (++this.#configs > maxConfigs) {
        this.#reasons.giveUp('configuration files of git');
        return;
      }
      const config = pending[at] ?? '';
      for (const value of valuesIn(textElsewhere(config) ?? '')) {
        this.#named(value, value.include ? [posix.dirname(config)] : starts);
        const included = posix.resolve(posix.dirname(config), fromHome(value.text));
        if (value.include && !pending.includes(included)) pending.push(included);
      }
    }
  }

  /** Counts a script; with too many of them, everything is held back. */
  #isBeyondScripts(): boolean {
    const beyond = ++this.#scripts > maxScripts;
    if (beyond) this.#reasons.giveUp('scripts that other programs run');
    return beyond;
  }

  /** Adds what hooks, start-up files and task files of the tree name, and hooks outside that apply in it. */
  #ofScripts({ wanted }: Survey, rules: NameRules): void {
    for (const path of wanted) {
      const kind = scriptKind(path);
      if (kind === undefined) continue;
      if (this.#isBeyondScripts()) return;
      // A hook runs at the top, an editor's task beside the editor's directory, others where they are.
      const starts = [1, 2, 3, 4].filter((up) => up <= path.length).map((up) => path.slice(0, -up));
      const meaning = { why: `${rules.show(path)} names it`, onlyFiles: true };
      for (const text of this.#texts(path, 'lines in scripts that other programs run')) {
        this.#paths.command(commandsIn(path, text, kind), starts, meaning);
      }
    }
    const { top, directories } = this.#elsewhere;
    for (const hook of directories.flatMap((git) => filesIn(posix.join(git, 'hooks')))) {
      if (hook.endsWith('.sample')) continue;
      if (this.#isBeyondScripts()) return;
      const text = commandsOf(textElsewhere(hook) ?? '', 'commented');
      this.#paths.command(text, [top], { why: 'a git hook names it', onlyFiles: true });
    }
  }

  /** Adds what the user's start-up files name. */
  #ofStartupFiles(): void {
    const home = homeDirectory();
    if (home === undefined) return;
    for (const file of startupFiles()) {
      const text = textElsewhere(file);
      // Most say nothing of this tree.
      if (text?.includes(posix.basename(this.#workdir)) !== true) continue;
      const why = `your ~${file.slice(home.length)} names it`;
      const kind = /\.json$/.test(file) ? 'uncommented' : 'commented';
      const meaning = { why, onlyFiles: true, isGeneral: true };
      this.#paths.command(commandsIn(file, text, kind), [home], meaning);
    }
  }

  /** Adds what links lead to, until they give no new names. */
  #ofLinks({ links }: Survey, rules: NameRules): void {
    for (const { name, target } of linksOfHome(this.#workdir)) {
      this.#paths.follow([], target, { alias: name, via: [] });
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
          this.#paths.follow(path.slice(0, -1), link, { alias: name, via: [...via, own] });
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

/** A file's text as commands, in the spelling of the program that reads it. */
function commandsIn(path: Names | string, whole: string, kind: ScriptKind): string {
  const text = withoutPatterns(path, whole);
  const spelled = spelledOut(path, withoutComments(text, kind), homeDirectory());
  return spelled.read ? spelled.text : commandsOf(text, kind);
}

const holds = (list: readonly Names[], names: Names): boolean =>
  list.some((one) => one.join('/') === names.join('/'));
