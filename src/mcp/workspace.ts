/**
 * The files that a client works in: one session after the other over the same changes. A session ends when changes
 * are applied, which must not go on meanwhile, and by its limits; the next one goes on with what is saved.
 */
import {
  createSession,
  type JsonDiff,
  type KeptRun,
  openRun,
  type RunApplied,
  type Session,
  type SessionOptions,
} from '../index.js';

export interface Chosen {
  readonly changes: readonly JsonDiff[];
  /** Never applied for a client: what must be named by the user, such as a git hook, and the home. */
  readonly heldBack: readonly JsonDiff[];
}

export class Workspace {
  readonly #options: SessionOptions;
  #session: Promise<Session> | undefined;
  /** Of the last session that ended, where it left changes. */
  #saved: string | undefined;
  #closed = false;
  #applying: Promise<unknown> = Promise.resolve();

  constructor(options: SessionOptions) {
    this.#options = { ...options, changes: 'keep' };
  }

  /** The session that is open, or the next one. */
  async session(): Promise<Session> {
    await this.#applying.catch(() => {});
    if (this.#closed) throw new Error('the server ends');
    this.#session ??= this.#begin();
    return this.#session;
  }

  async #begin(): Promise<Session> {
    const from = this.#saved === undefined ? {} : { continue: this.#saved };
    try {
      const session = await createSession({ ...this.#options, ...from });
      this.#saved = undefined;
      // By a limit, or killed: the next call goes on with its changes.
      const ended = session.ended.then(
        ({ kept }) => this.#note(session, kept),
        () => this.#note(session, undefined),
      );
      ended.catch(() => {});
      this.#open = session;
      return session;
    } catch (error) {
      this.#session = undefined;
      throw error;
    }
  }

  #open: Session | undefined;

  #note(session: Session, kept: KeptRun | undefined): void {
    if (this.#open !== session) return;
    this.#open = undefined;
    this.#session = undefined;
    this.#saved = kept?.id;
  }

  /** Ends the open session. @returns its changes, if there are any */
  async #end(): Promise<KeptRun | undefined> {
    const session = await this.#session?.catch(() => undefined);
    if (session !== undefined) {
      const { kept } = await session.close();
      this.#note(session, kept);
    }
    return this.#saved === undefined ? undefined : openRun(this.#saved);
  }

  /**
   * Ends the session, so that nothing changes any more, asks and applies.
   * @param ask whether these changes are to be applied
   * @returns undefined where they are not
   */
  apply(
    paths: readonly string[] | undefined,
    ask: (chosen: Chosen) => Promise<boolean>,
  ): Promise<{ readonly chosen: Chosen; readonly applied: RunApplied | undefined }> {
    const before = this.#applying;
    const applying = before
      .catch(() => {})
      .then(async () => {
        const kept = await this.#end();
        const all = kept === undefined ? [] : await kept.diff(paths);
        const plain = ({ flags, path }: JsonDiff): boolean =>
          !flags.includes('held') && !flags.includes('leads-out') && !path.startsWith('~');
        const chosen = { changes: all.filter(plain), heldBack: all.filter((one) => !plain(one)) };
        if (kept === undefined || chosen.changes.length === 0 || !(await ask(chosen))) {
          return { chosen, applied: undefined };
        }
        // By name, each of them: nothing that came in between, and nothing below a directory.
        const names = chosen.changes.map(({ path }) => path);
        const applied = await kept.apply({ paths: names });
        const rest = await openRun(kept.id).catch(() => undefined);
        this.#saved = rest?.id;
        return { chosen, applied };
      });
    this.#applying = applying;
    return applying;
  }

  /** @returns ID of the run that has the changes, if there are any */
  async close(): Promise<string | undefined> {
    this.#closed = true;
    await this.#applying.catch(() => {});
    return (await this.#end())?.id;
  }
}
