/**
 * The directories that a walk for `--hide` comes to, as far as patterns may match something in them. The host
 * searches them at once, in C; a walk that lists each directory takes a hundred times as long.
 */
import type { DirectoryListing, HostFiles } from '../host/index.js';
import { encodeRequest, type Found, isWithin, type NameTest, readFound } from '../host/index.js';
import type { StateSpec, View } from './spec.js';

/** A pattern of a walk. */
export interface NamePattern {
  /** Undefined where every directory on the way to it must be listed. */
  readonly test?: NameTest | undefined;
  /** True if it is always looked for in the home: then what was found is kept for the next run. */
  readonly quiet?: boolean;
}

/** A directory of the host that was searched with all that is below. */
interface Region {
  readonly root: string;
  /** Paths of the host: something else is shown there. */
  readonly skipped: readonly string[];
  readonly found: Found;
}

interface Shared {
  readonly files: HostFiles;
  readonly views: readonly View[];
  readonly state: StateSpec;
  readonly states: readonly { readonly dev: bigint; readonly ino: bigint }[];
  /** Called with how many names a search has seen, and once more at its end. */
  readonly onNames: (names: number, isEnd: boolean) => void;
}

/** Searches for patterns that begin in the same directory inside. */
export class NameSearch {
  readonly #shared: Shared;
  readonly #base: string;
  readonly #patterns: readonly NamePattern[];
  readonly #regions: Region[] = [];

  /** @param base where the patterns begin, inside */
  constructor(shared: Shared, base: string, patterns: readonly NamePattern[]) {
    this.#shared = shared;
    this.#base = base;
    this.#patterns = patterns.filter(({ test }) => test !== undefined);
  }

  /** Returns whether a walk for these patterns needs nothing but what this finds. */
  serves(active: readonly { readonly search: NamePattern }[]): boolean {
    const { files } = this.#shared;
    return files.search !== undefined && active.every(({ search }) => search.test !== undefined);
  }

  /**
   * Returns the names in a directory that patterns may match, and the directories on the way to such names. Undefined
   * where it cannot be looked through.
   *
   * @param path of the directory inside
   * @param from the host's that is shown there
   */
  entries(path: string, from: string): readonly DirectoryListing[] | undefined {
    const region = this.#regions.find((one) => covers(one, from)) ?? this.#search(path, from);
    return region.found.closed.has(from) ? undefined : (region.found.directories.get(from) ?? []);
  }

  #search(path: string, from: string): Region {
    const { files, views, states, state, onNames } = this.#shared;
    const skipped = views
      .filter(({ target }) => target !== path && isWithin(target, path))
      .map(({ target }) => target.slice(path === '/' ? 1 : path.length + 1));
    const context =
      path === this.#base ? '' : path.slice(this.#base === '/' ? 1 : this.#base.length + 1);
    let before = 0;
    const found = [true, false].flatMap((quiet) => {
      const patterns = this.#patterns.filter((pattern) => (pattern.quiet === true) === quiet);
      if (patterns.length === 0) return [];
      const tests = patterns.flatMap(({ test }) => test ?? []);
      const request = encodeRequest({ context, states, skipped, tests });
      const index = quiet && context === '' ? state.directory : undefined;
      const got = files.search?.(from, request, index, (names) => onNames(before + names, false));
      before += got?.names ?? 0;
      return got?.found ?? [];
    });
    onNames(before, true);
    const region = {
      root: from,
      skipped: skipped.map((below) => `${from === '/' ? '' : from}/${below}`),
      found: readFound(from, found),
    };
    this.#regions.push(region);
    return region;
  }
}

const covers = ({ root, skipped }: Region, from: string): boolean =>
  isWithin(from, root) && !skipped.some((path) => isWithin(from, path));
