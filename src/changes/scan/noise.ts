/**
 * Finds files that no user reviews: histories, logs and caches that tools keep in the home, and compiled modules of a
 * virtual environment whose sources are as installed. It is counted and dropped: nothing of it reaches the host, so
 * nothing of it can run there, and a tool that misses it makes it anew. What a user may want from a run is not in the
 * table.
 *
 * In a project nothing is dropped by its name, nor anything that the run deleted.
 */
import { posix } from 'node:path';
import type { Names } from '../files/path.js';
import type { FileState } from '../model/index.js';

interface Row {
  /** The kind in the words of the summary. */
  readonly what: 'histories' | 'logs' | 'caches';
  /** Why it can be dropped. */
  readonly why: string;
  /** Paths from the home: files, or directories with a `/` at the end. */
  readonly places: string;
}

export const noiseRows: readonly Row[] = [
  {
    what: 'histories',
    why: 'an interpreter lists in it what was typed, for the arrow keys',
    places: `.python_history .node_repl_history .sqlite_history .psql_history .mysql_history .irb_history .gdb_history
      .Rhistory .rediscli_history .bash_history .zsh_history .local/share/fish/fish_history`,
  },
  {
    what: 'histories',
    why: 'a pager keeps in it what was searched for',
    places: '.lesshst .local/state/lesshst .viminfo',
  },
  {
    what: 'caches',
    why: 'wget and curl note in it which servers ask for https',
    places: '.wget-hsts .curl-hsts',
  },
  {
    what: 'logs',
    why: 'npm writes in it what each of its commands did, and when it looked for a new version',
    places: '.npm/_logs/ .npm/_update-notifier-last-checked',
  },
  {
    what: 'logs',
    why: 'the go command counts in it how it is used',
    places: '.config/go/telemetry/local/ .config/go/telemetry/upload/',
  },
  {
    what: 'caches',
    why: 'npm keeps in it what it has downloaded',
    places: '.npm/_cacache/',
  },
  {
    what: 'caches',
    why: 'pip keeps in it what it has downloaded and built',
    places: '.cache/pip/',
  },
  {
    what: 'caches',
    why: 'the go command keeps in it what it has compiled',
    places: '.cache/go-build/',
  },
  {
    what: 'caches',
    why: 'libraries keep in it what they found out of fonts and shaders',
    places: '.cache/fontconfig/ .cache/mesa_shader_cache/ .cache/mesa_shader_cache_db/',
  },
];

/** Files by path, with a `/` at the end for directories. Built with the first change of a home. */
let places: ReadonlyMap<string, Row['what']> | undefined;

/** Counts what was dropped at one place. */
export interface Dropped {
  /** `histories`, `logs`, `caches` or `compiled modules`. */
  readonly what: string;
  /** One character per byte. */
  readonly place: Names;
}

/** @param path in the home */
export function noiseOfHome(path: Names, { type }: FileState): Dropped | undefined {
  places ??= new Map(
    noiseRows.flatMap(({ what, places: row }) =>
      row
        .trim()
        .split(/\s+/)
        .map((place) => [place, what] as const),
    ),
  );
  if (type !== 'file' && type !== 'directory') return undefined;
  const what = places.get(posix.join(...path, type === 'directory' ? '/' : ''));
  return what === undefined ? undefined : { what, place: path };
}
