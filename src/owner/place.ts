/**
 * Where sessions of the command line are: a directory each in the user's state directory, mode 0700, with the
 * owner's socket, what is known of the session, and a lock. The owner holds flock(2) on that for as long as it lives,
 * so a directory whose lock is free belongs to an owner that was killed.
 */
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { openOwn, type Store } from '../changes/index.js';
import { LaunchError, UsageError } from '../errors/index.js';
import { closeDescriptor, loadNative } from '../native/index.js';

/** A snapshot that the owner of a session holds. */
export interface LabelledSnapshot {
  readonly label: string;
  /** ISO 8601. */
  readonly takenAt: string;
}

/** The facts that an owner tells of its session. */
export interface OwnedSession {
  readonly name: string;
  /** The ID of the run with its changes; absent where it can change nothing. */
  readonly id?: string | undefined;
  /** The process ID of the owner. */
  readonly pid: number;
  /** The process ID of the sandbox's init, when the session began; 0 where it had none. */
  readonly init: number;
  /** Name of the session that it was forked from. */
  readonly forkedFrom?: string | undefined;
  /** The snapshots in the order in which they were taken. */
  readonly snapshots: readonly LabelledSnapshot[];
  /** Its project. */
  readonly workdir: string;
  /** ISO 8601. */
  readonly started: string;
  /** Milliseconds without a command after which it ends; absent: never. */
  readonly idleMs?: number | undefined;
}

const recordName = 'session.json';
const newRecordName = 'session.json.new';
export const socketName = 'socket';
const lockName = 'lock';

/** How often, and after how many milliseconds, a lock is tried again that a listing may hold for a moment. */
const lockTries = 10;
const lockPauseMs = 20;

const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;

function checkWord(what: string, word: string): void {
  if (namePattern.test(word)) return;
  throw new UsageError('ERR_OPTION_VALUE', `invalid ${what}: ${JSON.stringify(word)}`, {
    hint: 'Use up to 63 letters, digits, dots, dashes and underscores. Begin with a letter or digit.',
  });
}

/** @throws UsageError for what is no name of a session */
export const checkName = (name: string): void => checkWord('session name', name);

/** @throws UsageError for what is no label of a snapshot */
export const checkLabel = (label: string): void => checkWord('snapshot label', label);

const codeOf = (error: unknown): unknown => (error as NodeJS.ErrnoException | null)?.code;

/** @returns undefined where there is no such file or directory */
function ifThere<T>(use: () => T): T | undefined {
  try {
    return use();
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/**
 * Returns the path of a name in an open directory: short enough for a socket's address, wherever the state directory
 * is.
 */
const below = (directory: number, name: string): string => `/proc/self/fd/${directory}/${name}`;

function openIn(store: Store, name: string, create: boolean): number | undefined {
  const sessions = openOwn(store, 'sessions', create);
  if (sessions === undefined) return undefined;
  try {
    if (create) {
      try {
        mkdirSync(below(sessions, name), 0o700);
      } catch (error) {
        if (codeOf(error) !== 'EEXIST') throw error;
      }
    }
    const { openat2 } = loadNative().native;
    const O_DIRECTORY = 0o200000;
    const RESOLVE_BENEATH_NO_LINKS = 0x08 | 0x04;
    return ifThere(() => openat2(sessions, name, O_DIRECTORY, 0, RESOLVE_BENEATH_NO_LINKS));
  } finally {
    closeDescriptor(sessions);
  }
}

/** A session's directory that this process owns. */
export class OwnedPlace {
  readonly directory: number;
  readonly #store: Store;
  readonly #name: string;
  readonly #lock: number;

  constructor(store: Store, name: string, directory: number, lock: number) {
    this.#store = store;
    this.#name = name;
    this.directory = directory;
    this.#lock = lock;
  }

  /** Address of the owner's socket; to be used while the place is not released. */
  get socket(): string {
    return below(this.directory, socketName);
  }

  note(session: OwnedSession): void {
    const text = `${JSON.stringify(session, null, 2)}\n`;
    const made = below(this.directory, newRecordName);
    writeFileSync(made, text, { mode: 0o600 });
    renameSync(made, below(this.directory, recordName)); // a command that lists sessions reads all of it
  }

  /** Removes what an owner that was killed has left. */
  clear(): void {
    for (const name of [recordName, newRecordName, socketName]) {
      ifThere(() => unlinkSync(below(this.directory, name)));
    }
  }

  release(): void {
    this.clear();
    ifThere(() => unlinkSync(below(this.directory, lockName)));
    const sessions = openOwn(this.#store, 'sessions', false);
    try {
      if (sessions !== undefined) rmdirSync(below(sessions, this.#name));
    } catch (error) {
      // Another owner of that name has made its lock meanwhile.
      if (codeOf(error) !== 'ENOENT' && codeOf(error) !== 'ENOTEMPTY') throw error;
    } finally {
      if (sessions !== undefined) closeDescriptor(sessions);
      closeDescriptor(this.#lock);
      closeDescriptor(this.directory);
    }
  }
}

const pauseCell = new Int32Array(new SharedArrayBuffer(4));

/**
 * Makes a session's directory this process's own.
 * @throws UsageError for what is no name
 * @throws LaunchError ERR_SESSION_EXISTS where a session has it
 */
export function claimPlace(store: Store, name: string): OwnedPlace {
  checkName(name);
  for (let tries = 0; tries < lockTries; tries++) {
    const directory = openIn(store, name, true);
    if (directory !== undefined) {
      const lock = ifThere(() => {
        closeSync(openSync(below(directory, lockName), 'a', 0o600));
        return loadNative().native.lockRun(directory);
      });
      if (lock !== undefined) {
        const place = new OwnedPlace(store, name, directory, lock);
        place.clear();
        return place;
      }
      closeDescriptor(directory);
    }
    Atomics.wait(pauseCell, 0, 0, lockPauseMs);
  }
  throw new LaunchError('ERR_SESSION_EXISTS', `a session named ${name} is running`, {
    hint: `Use it: wasbox exec ${name} -- COMMAND\nOr end it: wasbox stop ${name}`,
  });
}

function readRecord(directory: number, name: string): OwnedSession | undefined {
  const text = ifThere(() => readFileSync(below(directory, recordName), 'utf8'));
  if (text === undefined) return undefined;
  try {
    const value = JSON.parse(text) as OwnedSession;
    return value.name === name ? value : undefined;
  } catch {
    return undefined; // of a version that wrote it otherwise
  }
}

export interface Sessions {
  /** Oldest first. */
  readonly live: readonly OwnedSession[];
  /** Sessions of owners that were killed, whose directories are removed now. */
  readonly stale: readonly OwnedSession[];
  /** Names without a record: the session is starting, or its owner is removing its directory. */
  readonly unnoted: readonly string[];
}

/** The sessions of the command line, whatever state directory they are in. */
export function listSessions(store: Store): Sessions {
  const sessions = openOwn(store, 'sessions', false);
  if (sessions === undefined) return { live: [], stale: [], unnoted: [] };
  let names: string[];
  try {
    names = readdirSync(`/proc/self/fd/${sessions}/`).filter((name) => namePattern.test(name));
  } finally {
    closeDescriptor(sessions);
  }
  const live: OwnedSession[] = [];
  const stale: OwnedSession[] = [];
  const unnoted: string[] = [];
  for (const name of names) {
    const directory = openIn(store, name, false);
    if (directory === undefined) continue;
    const record = readRecord(directory, name);
    const lock = ifThere(() => loadNative().native.lockRun(directory));
    if (lock === undefined) {
      if (record === undefined) unnoted.push(name);
      else live.push(record);
      closeDescriptor(directory);
    } else {
      if (record !== undefined) stale.push(record);
      new OwnedPlace(store, name, directory, lock).release();
    }
  }
  return { live: live.sort((a, b) => (a.started < b.started ? -1 : 1)), stale, unnoted };
}

/** The session of a name, or of the beginning of a run's ID. */
export function findSession(
  sessions: readonly OwnedSession[],
  text: string,
): OwnedSession | undefined {
  const named = sessions.find(({ name }) => name === text);
  if (named !== undefined || text.length < 3) return named;
  const found = sessions.filter(({ id }) => id?.startsWith(text));
  return found.length === 1 ? found[0] : undefined;
}

/** @returns a descriptor of its directory, to be closed */
export function openPlace(store: Store, { name }: OwnedSession): number | undefined {
  return openIn(store, name, false);
}
