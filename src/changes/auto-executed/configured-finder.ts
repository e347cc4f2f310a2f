/**
 * Finds the paths that git's configuration (in the tree and outside) and links make auto-executed,
 * whatever their names.
 */
import { posix } from 'node:path';
import { readText, type Text } from '../files/host-text.js';
import type { Names } from '../files/path.js';
import type { Survey } from '../merged-tree/survey.js';
import type { MergedTree } from '../merged-tree/tree.js';
import { includedBy, runBy, startsOf } from './followed.js';
import { type ConfiguredValue, maxConfigs, valuesIn, worktreeIn } from './git-config.js';
import {
  commandsInEnvironment,
  configsElsewhere,
  directoriesOf,
  type ElsewhereConfigs,
  fromHome,
  takesLibrariesHere,
  textElsewhere,
} from './git-elsewhere.js';
import { filesAbove, homeDirectory, linksOfHome, namesTree, programsOfPath } from './home-links.js';
import { NamedPaths, type Start } from './named-paths.js';
import type { NameRules, Reasons } from './reasons.js';
import {
  commandsOf,
  filesIn,
  maxScriptBytes,
  maxScripts,
  type ScriptKind,
  scriptKind,
  startupFiles,
  systemFiles,
  withoutComments,
} from './scripts.js';
import { spelledOut, withoutPatterns } from './spelled.js';

const byGit = 'git’s configuration names it';
const byEnvironment = 'a variable of your environment names it';
const byModules = 'programs load modules from it';
const byLibraries = 'your LD_LIBRARY_PATH has the current directory: programs load it';

/** Files that scripts run in turn, beside which everything is held back. */
const maxFollowed = 500;
/** Files that the user's start-up files read in turn, and the size of those that are looked at. */
const maxIncluded = 200;

const gitConfigVariable = /\bGIT_CONFIG(?:_GLOBAL|_SYSTEM)?=["']?([^\s"';&|]+)/g;

/** Rounds of links to links; after that, everything is held back. */
const maxRounds = 8;

export class ConfiguredFinder {
  readonly #tree: MergedTree;
  readonly #reasons: Reasons;
  readonly #paths: NamedPaths;
  /** Paths that are marked only. */
  readonly #marked: NamedPaths;
  readonly #workdir: string;
  readonly #elsewhere: ElsewhereConfigs;
  #configs = 0;
  #scripts = 0;
  #scriptBytes = 0;
  readonly #followed = new Set<string>();

  constructor(tree: MergedTree, reasons: Reasons, marks: Reasons) {
    this.#tree = tree;
    this.#reasons = reasons;
    this.#paths = new NamedPaths(tree, reasons);
    this.#marked = new NamedPaths(tree, marks);
    this.#workdir = tree.workdir.toString('latin1');
    this.#elsewhere = configsElsewhere(this.#workdir);
  }

  run(survey: Survey, rules: NameRules): void {
    const tops = this.#ofRepositories(survey);
    this.#ofOthers(tops);
    this.#ofScripts(survey, rules);
    this.#ofStartupFiles(rules);
    this.#ofPrograms(rules);
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
      this.#ofConfigs(
        ['config', 'config.worktree'].map((name) => [...git, name]),
        own,
        git,
      );
    }
    return tops;
  }

  /** Adds what configurations in the tree name, and those that they include. */
  #ofConfigs(pending: Names[], own: readonly Names[], git: Names): void {
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

  /** Adds what a configuration of git names that a script makes that of the user: `GIT_CONFIG_GLOBAL=$PWD/x`. */
  #ofVariables(commands: string, starts: readonly Names[], why: string): void {
    for (const [, path = ''] of commands.matchAll(gitConfigVariable)) {
      const pending = starts.flatMap((start) => this.#paths.path(start, path, why));
      this.#ofConfigs(pending, starts, []);
    }
  }

  /** Adds what configuration outside the tree names: of a worktree, an enclosing repository, the user. */
  #ofOthers(tops: readonly Names[]): void {
    const { paths, top } = this.#elsewhere;
    const inside = tops.map((names) => posix.join(this.#workdir, ...names));
    const others = inside.flatMap((directory) =>
      directoriesOf(posix.join(directory, '.git')).map((git) => posix.join(git, 'config')),
    );
    const starts = [...new Set([top, ...inside])];
    for (const { text, variable, isModules } of commandsInEnvironment()) {
      if (isModules) this.#marked.command(text, starts, { why: `${byModules} (${variable})` });
      else this.#paths.command(text, starts, { why: `${byEnvironment} (${variable})` });
    }
    if (takesLibrariesHere()) {
      this.#reasons.addPattern([], ['', '.so'], byLibraries);
      this.#reasons.addPattern([], ['', '.so.', ''], byLibraries);
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

  /** Counts scripts and what is read of them; with too much, everything is held back. */
  #isBeyondScripts(scripts: number, text = ''): boolean {
    this.#scripts += scripts;
    this.#scriptBytes += text.length;
    const beyond = this.#scripts > maxScripts || this.#scriptBytes > maxScriptBytes;
    if (beyond) this.#reasons.giveUp('scripts that other programs run');
    return beyond;
  }

  /** Adds what hooks, start-up files and task files of the tree name, and hooks outside that apply in it. */
  #ofScripts({ wanted }: Survey, rules: NameRules): void {
    for (const path of wanted) {
      const kind = scriptKind(path);
      if (kind === undefined) continue;
      if (this.#isBeyondScripts(1)) return;
      // A hook runs at the top, an editor's task beside the editor's directory, others where they are.
      const starts = [1, 2, 3, 4].filter((up) => up <= path.length).map((up) => path.slice(0, -up));
      const meaning = { why: `${rules.show(path)} names it`, onlyFiles: true };
      for (const text of this.#texts(path, 'lines in scripts that other programs run')) {
        if (this.#isBeyondScripts(0, text)) return;
        const commands = commandsIn(path, text, kind);
        this.#follow(this.#paths.command(commands, starts, meaning), starts, rules);
        this.#ofVariables(commands, starts, meaning.why);
      }
    }
    const { top, directories } = this.#elsewhere;
    for (const hook of directories.flatMap((git) => filesIn(posix.join(git, 'hooks')))) {
      if (hook.endsWith('.sample')) continue;
      const text = commandsOf(textElsewhere(hook) ?? '', 'commented');
      if (this.#isBeyondScripts(1, text)) return;
      this.#paths.command(text, [top], { why: 'a git hook names it', onlyFiles: true });
    }
  }

  /** Adds what scripts run in turn, and so on. */
  #follow(found: readonly Names[], starts: readonly Start[], rules: NameRules): void {
    const pending = found.map((path) => ({ path, starts }));
    for (const { path, starts: before } of pending) {
      const key = path.join('/');
      if (this.#followed.has(key)) continue;
      this.#followed.add(key);
      if (this.#followed.size > maxFollowed) {
        this.#reasons.giveUp('scripts that other programs run');
        return;
      }
      const { native, host, layer } = this.#tree;
      for (const root of [host, layer.root]) {
        const run = runBy(key, readText(native, root, path)?.text ?? '');
        if (run === undefined || run.text === '') continue;
        if (this.#isBeyondScripts(0, run.text)) return;
        const text = run.isShell ? commandsIn(path, run.text, 'commented') : run.text;
        const own = startsOf(path, before, run.isShell);
        const meaning = { why: `${rules.show(path)} names it`, onlyFiles: true, onlyRun: true };
        for (const next of this.#paths.command(text, own, meaning)) {
          pending.push({ path: next, starts: own });
        }
      }
    }
  }

  /** Adds what the user's start-up files name, those that they read in turn, and what is in directories above. */
  #ofStartupFiles(rules: NameRules): void {
    const home = homeDirectory();
    const names = [this.#workdir, ...linksOfHome(this.#workdir).map(({ name }) => name.join('/'))];
    const own = names.map((name) => posix.basename(name));
    const files = [...startupFiles(), ...systemFiles()];
    const start = (file: string) => [posix.dirname(file), ...(home === undefined ? [] : [home])];
    const seen = new Set(files);
    const known = seen.size;
    for (const file of files) {
      const text = textElsewhere(file);
      if (text === undefined) continue;
      const commands = commandsIn(file, text, /\.json$/.test(file) ? 'uncommented' : 'commented');
      for (const next of includedBy(commands, file)) {
        if (seen.has(next) || seen.size > known + maxIncluded) continue;
        if (home === undefined || !next.startsWith(`${home}/`)) continue;
        if (!`${next}/`.startsWith(`${this.#workdir}/`)) files.push(next);
        seen.add(next);
      }
      // Most say nothing of this tree.
      if (!own.some((name) => namesTree(text, name))) continue;
      const inHome = home !== undefined && file.startsWith(`${home}/`);
      const why = `${inHome ? `your ~${file.slice(home.length)}` : file} names it`;
      const meaning = { why, onlyFiles: true, isGeneral: true };
      this.#follow(this.#paths.command(commands, start(file), meaning), [], rules);
    }
    for (const { file, directory } of filesAbove(this.#workdir, home)) {
      const kind = scriptKind(file.split('/'));
      const text = textElsewhere(file);
      if (kind === undefined || text === undefined) continue;
      const meaning = { why: `${file} names it`, onlyFiles: true };
      const run = this.#paths.command(commandsIn(file, text, kind), [directory], meaning);
      this.#follow(run, [], rules);
    }
  }

  /** Adds what programs in the user's PATH lead to: links, and scripts that start others. */
  #ofPrograms(rules: NameRules): void {
    for (const { path, link, text } of programsOfPath(posix.basename(this.#workdir))) {
      const why = `your program ${path} leads to it`;
      const target = posix.resolve(posix.dirname(path), link ?? '');
      const ends =
        link === undefined
          ? this.#paths.command(text ?? '', [posix.dirname(path)], {
              why,
              onlyFiles: true,
              isGeneral: true,
            })
          : this.#paths.path('/', target, why);
      this.#follow(ends, [], rules);
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
