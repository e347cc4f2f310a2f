/**
 * `--hide` and `--hide-secrets`: paths and patterns become places that are closed. What
 * is not there is not made, on the host or inside; links are followed as they lead inside.
 *
 * A pattern is matched against what is shown when the run starts, in a walk that goes only where it
 * can still match: one over everything with `**`, which the host searches at once (name-search.ts), a
 * single directory without.
 */
import { posix } from 'node:path';
import type { DirectoryListing } from '../host/index.js';
import { isWithin, nameTest } from '../host/index.js';
import {
  type Glob,
  type GlobState,
  isPattern,
  parseGlob,
  shellQuote,
  spoken,
  startState,
  step,
} from '../options/index.js';
import type { Draft } from './draft.js';
import { hostPath, pathError } from './mounts.js';
import { type NamePattern, NameSearch } from './name-search.js';
import type { StateSpec } from './spec.js';
import type { Place } from './tree.js';
import { leadsOut } from './untrusted-link.js';
import { hiddenView, isCopied, isPassed, privateView } from './views.js';
import { homeSecretPatterns, secretPatterns } from './visibility.js';

/** More mounts than these slow a start down, and a plan has room for 4096. */
const maxMatches = 2000;
/** Deeper trees are not walked. */
const maxDepth = 200;

/** One pattern of the user's, at one place where it holds. */
interface Search extends NamePattern {
  readonly glob: Glob;
  /** The text as the user wrote it, with the option. */
  readonly shown: string;
  /** A directory inside that is left out. */
  readonly except?: string | undefined;
  /** Says nothing where nothing is found: the home's. */
  readonly quiet?: boolean;
}

/** @param onSearch called for each directory that is searched, with how many names were seen */
export function addHidden(
  draft: Draft,
  state: StateSpec,
  onSearch?: (names: number) => void,
): void {
  const searches: Search[] = [];
  for (const path of draft.options.hide ?? []) {
    const shown = spoken`--hide ${path}`;
    const link = draft.untrustedLink(hostPath(draft, path));
    if (link) throw leadsOut('ERR_PATH', shown, link, spoken`--hide ${shellQuote(link.to)}`);
    const literal = draft.tree.locate(hostPath(draft, path));
    if (literal.kind !== undefined) hidePlace(draft, shown, literal);
    else refuseUnexpanded(shown, path);
    if (isPattern(path)) searches.push(...searchesOf(draft, path, shown));
    else if (literal.kind === undefined)
      draft.note(`${shown}: not visible in the sandbox, so there is nothing to hide`);
  }
  if (draft.options.hideSecrets === true) {
    for (const { pattern } of secretPatterns) {
      searches.push(...searchesOf(draft, pattern, '--hide-secrets'));
    }
  }
  searches.push(...homeSecrets(draft));
  if (searches.length > 0) new Walk(draft, searches, state, onSearch).run();
}

/**
 * The user's own home is shown without its secrets, whatever else is asked for. The working directory, which
 * may be in it, is shown as ever.
 */
function homeSecrets(draft: Draft): Search[] {
  const home = draft.tree.list().find((view) => isCopied(view) && view.origin === 'home');
  if (home === undefined) return [];
  const { path } = draft.workdir;
  const except = path === home.target ? undefined : draft.tree.locate(path).path;
  return [...secretPatterns, ...homeSecretPatterns].map(({ pattern }) => ({
    ...searchIn(home.target, pattern, spoken`--home cow`),
    except,
    quiet: true,
  }));
}

/** Refuses a path that a shell would have expanded, had it not been quoted: it would hide nothing at all. */
function refuseUnexpanded(shown: string, path: string): void {
  if (/^~[^/]*(?:\/|$)/.test(path)) {
    throw pathError(
      `${shown}: no such file or directory; the shell did not expand the ~`,
      'Write "$HOME" instead, or put a space, not a =, before an unquoted ~.',
    );
  }
  if (/\{[^{}]*,[^{}]*\}/.test(path)) {
    throw pathError(
      `${shown}: no such file or directory; braces are not supported`,
      spoken`Use one --hide for each of them.`,
    );
  }
}

/** Directories that the user shows: there patterns that begin with a doublestar hold. */
function shownDirectories(draft: Draft): string[] {
  return draft.tree.list().flatMap((mount) => {
    if (isCopied(mount)) return [mount.target];
    return isPassed(mount) && mount.directory && mount.origin === 'user' ? [mount.target] : [];
  });
}

const escaped = (path: string): string => path.replaceAll(/[*?[\\]/g, '\\$&');

/** A pattern that begins with a doublestar, in one directory. */
const searchIn = (base: string, pattern: string, shown: string): Search =>
  searchFor(`${escaped(base)}/${pattern}`, shown);

function searchesOf(draft: Draft, pattern: string, shown: string): Search[] {
  if (pattern.startsWith('/')) return [searchFor(pattern, shown)];
  const bases = pattern.startsWith('**')
    ? shownDirectories(draft)
    : [draft.tree.locate(hostPath(draft, '.')).path];
  return bases.map((base) => searchIn(base, pattern, shown));
}

/** @param path absolute inside */
function searchFor(path: string, shown: string): Search {
  if (path.split('/').includes('..')) {
    throw pathError(
      `${shown}: a pattern cannot contain ".."`,
      'Start the pattern at / or at the current directory.',
    );
  }
  const glob = parseGlob(path);
  if (glob === undefined) {
    throw pathError(`${shown}: reversed range in brackets`, 'Write [a-z].');
  }
  const names = path.split('/').filter((name) => name !== '' && name !== '.');
  return { glob, shown, test: nameTest(names.slice(glob.base.length).join('/')) };
}

interface Active {
  readonly search: Search;
  readonly state: GlobState;
}

/** One walk for all patterns. */
class Walk {
  private readonly draft: Draft;
  private readonly searches: readonly Search[];
  private readonly found = new Map<string, Search>();
  /** Names in a directory inside that are there because something is mounted at or below them. */
  private readonly mounted = new Map<string, Set<string>>();

  /** Names of the state directories, and what they are: they hold other runs' files, and are hidden as a whole. */
  private readonly stateNames: ReadonlySet<string>;
  private readonly states: ReadonlySet<string>;

  private readonly state: StateSpec;
  private readonly onSearch: ((names: number) => void) | undefined;
  private seen = 0;
  private names: NameSearch | undefined;

  constructor(
    draft: Draft,
    searches: readonly Search[],
    state: StateSpec,
    onSearch: ((names: number) => void) | undefined,
  ) {
    this.draft = draft;
    this.searches = searches;
    this.state = state;
    this.onSearch = onSearch;
    this.stateNames = new Set(state.paths.map((path) => posix.basename(path)));
    this.states = new Set(state.paths.flatMap((path) => this.identityOf(path) ?? []));
    for (const { target } of draft.tree.list()) {
      for (let path = target; path !== '/'; path = posix.dirname(path)) {
        const parent = posix.dirname(path);
        const names = this.mounted.get(parent) ?? new Set();
        this.mounted.set(parent, names.add(posix.basename(path)));
      }
    }
  }

  private identityOf(path: string): string | undefined {
    const info = this.draft.host.files.stat(path);
    return info && `${info.dev}:${info.ino}`;
  }

  private isState(from: string): boolean {
    return (
      this.stateNames.has(posix.basename(from)) && this.states.has(this.identityOf(from) ?? '')
    );
  }

  run(): void {
    const byBase = new Map<string, Active[]>();
    for (const search of this.searches) {
      const base = `/${search.glob.base.join('/')}`;
      byBase.set(base, [...(byBase.get(base) ?? []), { search, state: startState }]);
    }
    for (const [base, active] of byBase) {
      const { kind, path, hostPath: from } = this.draft.tree.locate(base);
      this.names = this.namesFrom(path, active);
      if (kind === 'directory') this.directory(path, from, active, 0);
    }
    const matched = new Set([...this.found.values()].map(({ shown }) => shown));
    for (const [path, { shown }] of this.found) {
      hidePlace(this.draft, shown, this.draft.tree.locate(path));
    }
    for (const { shown, quiet } of this.searches) {
      if (quiet !== true && !matched.has(shown))
        this.draft.note(`${shown}: matches nothing in the sandbox`);
    }
  }

  private namesFrom(base: string, active: readonly Active[]): NameSearch {
    const { files } = this.draft.host;
    const shared = {
      files,
      state: this.state,
      states: this.state.paths.flatMap((path) => files.stat(path) ?? []),
      views: this.draft.tree.list(),
      onNames: (names: number, isEnd: boolean) => {
        this.onSearch?.(this.seen + names);
        if (isEnd) this.seen += names;
      },
    };
    return new NameSearch(
      shared,
      base,
      active.map(({ search }) => search),
    );
  }

  /** Looks through a directory inside; `from` is the host's that is shown there. */
  private directory(
    path: string,
    from: string | undefined,
    active: readonly Active[],
    depth: number,
  ): void {
    const prefix = path === '/' ? '/' : `${path}/`;
    const mounted = this.mounted.get(path);
    for (const name of mounted ?? []) {
      const { kind, hostPath: below } = this.draft.tree.locate(prefix + name);
      this.entry(prefix + name, name, kind === 'directory' ? { below } : undefined, active, depth);
    }
    if (from === undefined || this.isState(from)) return;
    for (const { name, kind } of this.list(path, from, active, depth)) {
      if (mounted?.has(name) === true) continue;
      const inside = kind === 'directory' ? { below: `${from}/${name}` } : undefined;
      this.entry(prefix + name, name, inside, active, depth);
    }
  }

  private entry(
    path: string,
    name: string,
    directory: { below: string | undefined } | undefined,
    active: readonly Active[],
    depth: number,
  ): void {
    const next: Active[] = [];
    for (const { search, state } of active) {
      if (search.except === path) continue;
      const reached = step(search.glob, state, name);
      if (reached === -1) {
        this.add(path, search);
        return;
      }
      if (directory !== undefined && reached !== 0) next.push({ search, state: reached });
    }
    if (directory !== undefined && next.length > 0) {
      this.directory(path, directory.below, next, depth + 1);
    }
  }

  private add(path: string, search: Search): void {
    this.refuseUnnamed(path, search);
    this.found.set(path, search);
    if (this.found.size <= maxMatches) return;
    throw pathError(
      `${search.shown}: more than ${maxMatches} paths match`,
      'Hide the directories that contain them.',
    );
  }

  /** A name that is not UTF-8 cannot be named in the plan: refused rather than left open. */
  private refuseUnnamed(path: string, { shown }: Search): void {
    if (!path.includes('\uFFFD') || this.draft.tree.locate(path).kind !== undefined) return;
    throw pathError(
      `${shown}: cannot hide ${JSON.stringify(path)}: its name is not UTF-8`,
      'Rename it, or hide the directory that contains it.',
    );
  }

  private list(
    path: string,
    from: string,
    active: readonly Active[],
    depth: number,
  ): readonly DirectoryListing[] {
    const [first] = active;
    if (first === undefined) return [];
    this.refuseUnnamed(path, first.search);
    const entries = depth > maxDepth ? undefined : this.entriesOf(path, from, active);
    if (entries !== undefined) return entries;
    // It cannot be looked through, but names in it could be opened by a program that knows them.
    if (depth > 0 && this.draft.host.files.access(from, 'execute')) this.add(path, first.search);
    return [];
  }

  private entriesOf(
    path: string,
    from: string,
    active: readonly Active[],
  ): readonly DirectoryListing[] | undefined {
    if (this.names?.serves(active) === true) return this.names.entries(path, from);
    const entries = this.draft.host.files.entries(from);
    this.seen += entries?.length ?? 0;
    if (entries !== undefined) this.onSearch?.(this.seen);
    return entries;
  }
}

function hidePlace(draft: Draft, shown: string, place: Place): void {
  if (place.kind === undefined) return; // a link that leads nowhere inside
  if (place.path === '/' || isWithin(draft.workdir.path, place.path)) {
    throw pathError(
      `${shown}: this would hide the working directory too`,
      spoken`Use --workdir to run in another directory.`,
    );
  }
  if (place.path === '/proc') {
    throw pathError(
      `${shown}: programs need /proc, which shows only processes of the sandbox`,
      'Leave it out.',
    );
  }
  const present = draft.tree.at(place.path);
  if (present?.type === 'hidden') return;
  if (isPassed(present) && present.origin === 'user') {
    throw pathError(spoken`${shown} conflicts with --ro or --rw`, 'Use only one of them.');
  }
  const target = place.path;
  if (draft.tree.list().some((mount) => mount.target.startsWith(`${target}/`))) {
    // Something inside it is shown all the same: an empty directory that can hold it.
    draft.tree.add(privateView({ target, mode: 0o755, origin: 'user' }));
  } else {
    draft.tree.add(hiddenView({ target, directory: place.kind === 'directory' }));
  }
}
