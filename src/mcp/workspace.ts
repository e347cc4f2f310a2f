/**
 * The files that a client works in: one session after the other over the same changes. A session ends by its limits;
 * the next one goes on with what is saved.
 */
import {
  type ApplyChoice,
  createSession,
  type JsonDiff,
  type KeptRun,
  openRun,
  type RunApplied,
  type Session,
  type SessionOptions,
  type ShownChange,
  type Snapshot,
} from '../index.js';
import { ToolError } from './answers.js';

export interface Chosen {
  readonly changes: readonly JsonDiff[];
  /** Changes that are never applied for a client: what must be named by the user, such as a git hook, and the home. */
  readonly heldBack: readonly JsonDiff[];
  /** The changes as text. */
  readonly shown: () => Promise<readonly ShownChange[]>;
}

/** Says what was granted: which paths, all where none are named, and whether large deletions, too. */
export type Grant = Required<Pick<ApplyChoice, 'delete'>> & Pick<ApplyChoice, 'paths'>;

/** Says what came of a wish to apply. */
export interface AskedToApply {
  readonly outcome: 'applied' | 'declined' | 'nothing_to_apply';
  readonly chosen: Chosen;
  readonly applied: RunApplied | undefined;
}

/** Snapshots that a client has at a time: the oldest is released for one more. */
const maxSnapshots = 32;

/** How the next session begins. */
export type Begin = (options: SessionOptions) => Promise<Session>;

export class Workspace {
  readonly #options: SessionOptions;
  readonly #start: Begin;
  #session: Promise<Session> | undefined;
  #open: Session | undefined;
  /** The ID of the last session that ended, where it left changes. */
  #saved: string | undefined;
  #closed = false;
  /** Calls that use the session. */
  #using = 0;
  /** The call that has the session to itself. */
  #alone: Promise<unknown> | undefined;
  /** The snapshots in the order in which they were taken. */
  readonly #snapshots = new Map<string, Snapshot>();
  #taken = 0;

  /** @param session that it begins with; @default one that starts with the first call */
  constructor(options: SessionOptions, start: Begin = createSession, session?: Session) {
    this.#options = { ...options, changes: 'keep' };
    this.#start = start;
    if (session !== undefined) this.#session = Promise.resolve(this.#follow(session));
  }

  /** Works with the session that is open, or with the next one. */
  async use<T>(work: (session: Session) => Promise<T>): Promise<T> {
    while (this.#alone !== undefined) await this.#alone;
    this.#using++;
    try {
      return await work(await this.#current());
    } finally {
      this.#using--;
    }
  }

  #current(): Promise<Session> {
    if (this.#closed) throw new ToolError('CLOSED', 'the sandbox has ended');
    this.#session ??= this.#begin();
    return this.#session;
  }

  async #begin(): Promise<Session> {
    const from = this.#saved === undefined ? {} : { continue: this.#saved };
    try {
      const session = await this.#start({ ...this.#options, ...from });
      this.#saved = undefined;
      return this.#follow(session);
    } catch (error) {
      this.#session = undefined;
      throw error;
    }
  }

  #follow(session: Session): Session {
    this.#open = session;
    // The session may end by a limit, or killed: the next call goes on with its changes.
    const ended = session.ended.then(
      ({ kept }) => this.#note(session, kept),
      () => this.#note(session, undefined),
    );
    ended.catch(() => {});
    return session;
  }

  #note(session: Session, kept: KeptRun | undefined): void {
    if (this.#open !== session) return;
    this.#open = undefined;
    this.#session = undefined;
    this.#saved = kept?.id;
    this.#snapshots.clear(); // they went with it
  }

  /**
   * Takes a snapshot.
   * @returns its name, and that of one that was released for it
   */
  snapshot(signal: AbortSignal): Promise<{ snapshot: string; released?: string }> {
    return this.use(async (session) => {
      const taken = await session.snapshot();
      if (signal.aborted || this.#open !== session) {
        taken.release();
        throw new ToolError('CANCELLED', 'no snapshot was taken');
      }
      const snapshot = `s${++this.#taken}`;
      this.#snapshots.set(snapshot, taken);
      const [oldest] = this.#snapshots;
      if (oldest === undefined || this.#snapshots.size <= maxSnapshots) return { snapshot };
      const [released, old] = oldest;
      old.release();
      this.#snapshots.delete(released);
      return { snapshot, released };
    });
  }

  /** @param name @default that of the last one */
  rollback(name: string | undefined): Promise<{ snapshot: string }> {
    return this.use(async (session) => {
      const snapshot = name ?? [...this.#snapshots.keys()].at(-1);
      await session.rollback(this.#find(snapshot));
      return { snapshot: snapshot ?? '' };
    });
  }

  /** @param name of the snapshot that it goes on from; @default the state of now */
  fork(name: string | undefined, signal: AbortSignal): Promise<Session> {
    return this.use(async (session) => {
      const fork = await session.fork(name === undefined ? undefined : this.#find(name));
      if (!signal.aborted) return fork;
      await fork.close();
      throw new ToolError('CANCELLED', 'no fork was made');
    });
  }

  #find(name: string | undefined): Snapshot {
    const found = name === undefined ? undefined : this.#snapshots.get(name);
    if (found !== undefined) return found;
    const all = [...this.#snapshots.keys()].join(', ');
    const what = name === undefined ? 'no snapshot' : `no snapshot ${JSON.stringify(name)}`;
    const hint = all === '' ? 'Take one with the snapshot tool.' : `Snapshots: ${all}`;
    throw new ToolError('UNKNOWN_SNAPSHOT', `the sandbox has ${what}`, hint);
  }

  /**
   * Ends what programs have left running, so that nothing changes any more, asks and applies.
   * @param ask whether these changes are to be applied, with large deletions or without
   */
  async apply(
    paths: readonly string[] | undefined,
    ask: (chosen: Chosen) => Promise<Grant | undefined>,
  ): Promise<AskedToApply> {
    while (this.#alone !== undefined) await this.#alone;
    if (this.#using > 0) {
      const calls = this.#using === 1 ? '1 call is' : `${this.#using} calls are`;
      const hint = 'Wait for them or cancel them: files must not change while they are applied.';
      throw new ToolError('BUSY', `${calls} running in the sandbox`, hint);
    }
    const applying = this.#apply(paths, ask);
    this.#alone = applying.then(
      () => {},
      () => {},
    );
    try {
      return await applying;
    } finally {
      this.#alone = undefined;
    }
  }

  async #apply(
    paths: readonly string[] | undefined,
    ask: (chosen: Chosen) => Promise<Grant | undefined>,
  ): Promise<AskedToApply> {
    const session = await this.#current();
    const canChange = session.id !== undefined;
    if (canChange) (await session.snapshot()).release();
    const all = canChange ? await session.diff(paths) : [];
    const plain = ({ flags, inHome = false }: JsonDiff): boolean =>
      !flags.includes('held') && !flags.includes('leads-out') && !inHome;
    const changes = all.filter(plain);
    const heldBack = all.filter((one) => !plain(one));
    const names = changes.map(({ path }) => path);
    const chosen = { changes, heldBack, shown: () => session.show(names) };
    if (chosen.changes.length === 0) {
      return { outcome: 'nothing_to_apply', chosen, applied: undefined };
    }
    const grant = await ask(chosen);
    if (grant === undefined) return { outcome: 'declined', chosen, applied: undefined };
    // Each is given by its name: nothing that came in between, and nothing below a directory.
    const applied = await session.apply({ paths: names, ...grant });
    return { outcome: 'applied', chosen, applied };
  }

  /** @returns ID of the run that has the changes, if there are any */
  async close(): Promise<string | undefined> {
    this.#closed = true;
    await this.#alone;
    const session = await this.#session?.catch(() => undefined);
    if (session !== undefined) {
      const { kept } = await session.close();
      this.#note(session, kept);
    }
    return this.#saved;
  }

  /** Ends it; its changes are dropped. */
  async discard(): Promise<void> {
    const saved = await this.close();
    if (saved !== undefined) await (await openRun(saved)).discard();
  }
}
