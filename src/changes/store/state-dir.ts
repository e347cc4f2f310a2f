/**
 * The user's state directory: where it is, and that it is the user's own.
 */
import { closeSync, constants, fstatSync, lstatSync, mkdirSync, openSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { ChangesError } from '../../errors/index.js';
import { namedState, realHost, type StateDirectory, stateDirectory } from '../../host/index.js';
import { shellQuote } from '../../options/index.js';
import { errnoOf } from '../files/fdtree.js';
import type { ChangesNative } from '../model/index.js';
import { stateError } from './state-error.js';

export interface Store extends StateDirectory {
  readonly native: ChangesNative;
}

export interface StoreOptions {
  /** Instead of `$XDG_STATE_HOME/wasbox`. */
  readonly directory?: string | undefined;
  /** @default process.env */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
}

/** The home directory by $HOME, else by the account; undefined for a uid that has neither. */
export function homeOfUser(): string | undefined {
  try {
    return homedir();
  } catch {
    return undefined;
  }
}

/** Says where the runs are; makes nothing. */
export function openStore(native: ChangesNative, options: StoreOptions = {}): Store {
  const host = realHost({ env: options.env });
  const { directory } = options;
  return {
    native,
    ...(directory === undefined ? stateDirectory(host) : namedState(host, directory)),
  };
}

/** Checks a directory of ours: a planted one would let somebody else choose what is applied. */
function checkOwn(path: string): void {
  const stat = lstatSync(path);
  const uid = process.geteuid?.();
  let problem = '';
  if (!stat.isDirectory()) problem = 'is no directory';
  else if (stat.uid !== uid) problem = `belongs to user ${stat.uid}, not to ${uid}`;
  else if ((stat.mode & 0o077) !== 0) problem = 'is open to other users';
  if (problem === '') return;
  throw new ChangesError('ERR_STATE_DIR', `The state directory ${path} ${problem}.`, {
    hint:
      problem === 'is open to other users'
        ? `Check what is in it, then run: chmod 700 ${shellQuote(path)}`
        : 'Move it away, or set XDG_STATE_HOME to a directory of your own.',
  });
}

/** A default ACL from above would be inherited by every file of a layer, as if a run had set it. */
function dropAcls(native: ChangesNative, path: string): void {
  const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    for (const name of native.flistxattr(fd)) {
      if (name.startsWith('system.posix_acl_')) native.fremovexattr(fd, name);
    }
  } finally {
    closeSync(fd);
  }
}

function makeOwn(native: ChangesNative, path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
    dropAcls(native, path);
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
  }
  checkOwn(path);
}

/**
 * A directory in the state directory: `runs` holds what is in use, `saved` the runs that have ended,
 * `spare` layers that no run uses, `places` what was said of a directory's runs.
 */
export type OwnName = 'runs' | 'saved' | 'spare' | 'places';

/** Opens one, made where it is missing if `create`; undefined where there is none. */
export function openOwn(store: Store, name: OwnName, create: true): number;
export function openOwn(store: Store, name: OwnName, create: boolean): number | undefined;
export function openOwn(store: Store, name: OwnName, create: boolean): number | undefined {
  const runs = join(store.directory, name);
  try {
    if (create) {
      mkdirSync(dirname(store.directory), { recursive: true, mode: 0o700 });
      makeOwn(store.native, store.directory);
      makeOwn(store.native, runs);
    } else {
      if (lstatSync(runs, { throwIfNoEntry: false }) === undefined) return undefined;
      checkOwn(store.directory);
      checkOwn(runs);
    }
    const fd = openSync(runs, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
    if (fstatSync(fd).uid === process.geteuid?.()) return fd;
    closeSync(fd);
    throw new Error('the directory was replaced');
  } catch (error) {
    throw stateError(store.directory, error);
  }
}

/**
 * `runs` or `spare`, kept open by a program that needs it for each run. Looked at anew each time: where
 * another directory has taken its place, that is opened, with all checks.
 */
export class OwnDirectory {
  readonly #store: Store;
  readonly #name: OwnName;
  #open: { readonly fd: number; readonly dev: bigint; readonly ino: bigint } | undefined;

  constructor(store: Store, name: OwnName) {
    this.#store = store;
    this.#name = name;
  }

  /**
   * A descriptor of it, made where it is missing.
   * @throws ChangesError ERR_STATE_DIR
   */
  get fd(): number {
    const known = this.#open;
    if (known !== undefined && this.#isInPlace(known.dev, known.ino)) return known.fd;
    this.#open = undefined;
    if (known !== undefined) closeSync(known.fd);
    const fd = openOwn(this.#store, this.#name, true);
    const { dev, ino } = fstatSync(fd, { bigint: true });
    this.#open = { fd, dev, ino };
    return fd;
  }

  /** Until it is asked for again. */
  close(): void {
    if (this.#open !== undefined) closeSync(this.#open.fd);
    this.#open = undefined;
  }

  #isInPlace(dev: bigint, ino: bigint): boolean {
    const path = join(this.#store.directory, this.#name);
    const stat = lstatSync(path, { bigint: true, throwIfNoEntry: false });
    return (
      stat?.isDirectory() === true &&
      stat.dev === dev &&
      stat.ino === ino &&
      stat.uid === BigInt(process.geteuid?.() ?? -1) &&
      (stat.mode & 0o077n) === 0n
    );
  }
}

/**
 * Makes the state directory where it is missing.
 * @throws ChangesError ERR_STATE_DIR
 */
export function makeStateDirectory(store: Store): void {
  closeSync(openOwn(store, 'runs', true));
}
