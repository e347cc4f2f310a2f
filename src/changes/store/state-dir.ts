/**
 * The user's state directory: its path, and the check that no one else controls it.
 */

import { lstatSync, mkdirSync, type Stats } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { ChangesError } from '../../errors/index.js';
import { namedState, realHost, type StateDirectory, stateDirectory } from '../../host/index.js';
import { closeDescriptor } from '../../native/index.js';
import { shellQuote } from '../../options/index.js';
import { errnoOf } from '../files/fdtree.js';
import type { ChangesNative } from '../model/index.js';
import { stateError } from './state-error.js';

export interface Store extends StateDirectory {
  readonly native: ChangesNative;
}

export interface StoreOptions {
  /** The directory to use instead of `$XDG_STATE_HOME/wasbox`. */
  readonly directory?: string | undefined;
  /** @default process.env */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
}

/** The home directory from $HOME or the account; undefined if the user has neither. */
export function homeOfUser(): string | undefined {
  try {
    return homedir();
  } catch {
    return undefined;
  }
}

/** Locates the state directory without creating it. */
export function openStore(native: ChangesNative, options: StoreOptions = {}): Store {
  const host = realHost({ env: options.env });
  const { directory } = options;
  return {
    native,
    ...(directory === undefined ? stateDirectory(host) : namedState(host, directory)),
  };
}

/** Explains why addon/rundir/state.c refused a directory, by its type, owner or mode. */
function notOwn(path: string): ChangesError | undefined {
  let stat: Stats;
  try {
    stat = lstatSync(path);
  } catch {
    return undefined; // what is above it is the problem
  }
  const uid = process.geteuid?.();
  let problem = '';
  if (!stat.isDirectory()) problem = 'is not a directory';
  else if (stat.uid !== uid) problem = `is owned by user ${stat.uid}, not ${uid}`;
  else if ((stat.mode & 0o077) !== 0) problem = 'is accessible to other users';
  if (problem === '') return undefined;
  return new ChangesError('ERR_STATE_DIR', `The state directory ${path} ${problem}.`, {
    hint:
      problem === 'is accessible to other users'
        ? `Check its contents, then run: chmod 700 ${shellQuote(path)}`
        : 'Move it away, or set XDG_STATE_HOME to a directory that you own.',
  });
}

/**
 * A directory in the state directory: `runs` for runs in use, `saved` for runs that have ended, `spare`
 * for layers that no run uses, `places` for what the user was shown of a directory's runs, `last-runs` for
 * the command lines of those, `plans` for recorded starts, `caches` for those of presets, `frozen` for layers that several sessions may share,
 * `images` for those of `--image`, `sessions` for those of the command line, `continued` for the names of runs that were
 * continued, `searches` for what was found in homes (addon/search).
 */
export type OwnName =
  | 'runs'
  | 'saved'
  | 'spare'
  | 'places'
  | 'last-runs'
  | 'plans'
  | 'caches'
  | 'frozen'
  | 'images'
  | 'sessions'
  | 'continued'
  | 'named'
  | 'searches';

/** Opens one; undefined if it does not exist and is not created. */
export function openOwn(store: Store, name: OwnName, create: true): number;
export function openOwn(store: Store, name: OwnName, create: boolean): number | undefined;
export function openOwn(store: Store, name: OwnName, create: boolean): number | undefined {
  if (create)
    return inState(store, [name], () => store.native.openOwn(store.directory, name, true));
  try {
    return store.native.openOwn(store.directory, name, false);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw explained(store, [name], error);
  }
}

/** Node's own recursive mkdir never returns where the kernel makes no directory, as below /proc. */
function makeParents(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    const code = errnoOf(error);
    if (code === 'EEXIST') return;
    const parent = dirname(path);
    if (code !== 'ENOENT' || parent === path) throw error;
    makeParents(parent);
    mkdirIfMissing(path);
  }
}

/** Another process may have made it meanwhile. */
function mkdirIfMissing(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
  }
}

/**
 * Runs `use`, which makes the state directory where it is missing.
 * @throws ChangesError ERR_STATE_DIR
 */
export function inState<T>(store: Store, names: readonly OwnName[], use: () => T): T {
  try {
    try {
      return use();
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error;
      makeParents(dirname(store.directory));
      return use();
    }
  } catch (error) {
    throw explained(store, names, error);
  }
}

/** Does what {@link inState} does, for what takes a while. */
export async function inStateSoon<T>(
  store: Store,
  names: readonly OwnName[],
  use: () => Promise<T>,
): Promise<T> {
  try {
    return await use().catch((error: unknown) => {
      if (errnoOf(error) !== 'ENOENT') throw error;
      makeParents(dirname(store.directory));
      return use();
    });
  } catch (error) {
    throw explained(store, names, error);
  }
}

function explained(store: Store, names: readonly OwnName[], error: unknown): ChangesError {
  const { code } = error as { readonly code?: unknown };
  if (code === 'EPERM' || code === 'ENOTDIR' || code === 'ELOOP') {
    for (const path of [store.directory, ...names.map((name) => join(store.directory, name))]) {
      const problem = notOwn(path);
      if (problem !== undefined) return problem;
    }
  }
  return stateError(store.directory, error);
}

/**
 * Creates the state directory if it does not exist.
 * @throws ChangesError ERR_STATE_DIR
 */
export function makeStateDirectory(store: Store): void {
  closeDescriptor(openOwn(store, 'runs', true));
}
