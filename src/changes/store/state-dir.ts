/**
 * The user's state directory: its path, and the check that no one else controls it.
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

/** Checks the owner and mode: another user's directory would let that user choose what is applied. */
function checkOwn(path: string): void {
  const stat = lstatSync(path);
  const uid = process.geteuid?.();
  let problem = '';
  if (!stat.isDirectory()) problem = 'is not a directory';
  else if (stat.uid !== uid) problem = `is owned by user ${stat.uid}, not ${uid}`;
  else if ((stat.mode & 0o077) !== 0) problem = 'is accessible to other users';
  if (problem === '') return;
  throw new ChangesError('ERR_STATE_DIR', `The state directory ${path} ${problem}.`, {
    hint:
      problem === 'is accessible to other users'
        ? `Check its contents, then run: chmod 700 ${shellQuote(path)}`
        : 'Move it away, or set XDG_STATE_HOME to a directory that you own.',
  });
}

/** Every file of a layer would inherit a default ACL of the parent, as if the run had set it. */
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
 * A directory in the state directory: `runs` for runs in use, `saved` for runs that have ended, `spare`
 * for layers that no run uses, `places` for what the user was shown of a directory's runs.
 */
export type OwnName = 'runs' | 'saved' | 'spare' | 'places';

/** Opens one; undefined if it does not exist and is not created. */
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
 * `runs` or `spare`, kept open by a program that needs it for each run. Checked on each use: if another
 * directory has taken its place, that one is opened, with all checks.
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
   * A descriptor; the directory is created if it does not exist.
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

  /** It is opened again when it is needed. */
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
 * Creates the state directory if it does not exist.
 * @throws ChangesError ERR_STATE_DIR
 */
export function makeStateDirectory(store: Store): void {
  closeSync(openOwn(store, 'runs', true));
}
