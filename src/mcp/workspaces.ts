/** The sandbox that a client begins with, and forks of it. */
import { createSession, type Session, type SessionOptions } from '../index.js';
import { ToolError } from './answers.js';
import { type Begin, Workspace } from './workspace.js';

/** Name of the first one. */
export const mainName = 'main';
/** Forks at a time: each may hold processes. */
const maxForks = 16;

export class Workspaces {
  readonly #options: SessionOptions;
  readonly #start: Begin;
  readonly #all = new Map<string, Workspace>();
  #made = 0;
  #closed = false;
  /** Forks that are being made. */
  #making = 0;

  constructor(options: SessionOptions, start: Begin = createSession) {
    this.#options = options;
    this.#start = start;
    this.#all.set(mainName, new Workspace(options, start));
  }

  /** @throws ToolError */
  get(name = mainName): Workspace {
    const found = this.#all.get(name);
    if (found !== undefined) return found;
    throw new ToolError(
      'UNKNOWN_SANDBOX',
      `there is no sandbox ${JSON.stringify(name)}`,
      `There are: ${[...this.#all.keys()].join(', ')}`,
    );
  }

  /** @returns the name of the fork */
  async fork(
    from: string | undefined,
    snapshot: string | undefined,
    signal: AbortSignal,
  ): Promise<string> {
    const source = this.get(from);
    if (this.#all.size - 1 + this.#making >= maxForks) {
      const hint = 'End one with the discard_fork tool.';
      throw new ToolError('TOO_MANY_FORKS', `there are ${maxForks} forks`, hint);
    }
    this.#making++;
    let session: Session;
    try {
      session = await source.fork(snapshot, signal);
    } finally {
      this.#making--;
    }
    if (this.#closed) {
      await session.close();
      throw new ToolError('CLOSED', 'the sandbox has ended');
    }
    const name = `fork-${++this.#made}`;
    this.#all.set(name, new Workspace(this.#options, this.#start, session));
    return name;
  }

  /** Ends a fork; its changes are dropped. */
  async discard(name: string): Promise<void> {
    const fork = this.get(name);
    if (name === mainName) {
      throw new ToolError('NOT_A_FORK', `${mainName} is not a fork`, 'Go back with rollback.');
    }
    this.#all.delete(name);
    await fork.discard();
  }

  /** @returns IDs of the runs that have changes */
  async close(): Promise<string[]> {
    this.#closed = true;
    const ended = await Promise.allSettled([...this.#all.values()].map((one) => one.close()));
    const failed = ended.find((one) => one.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
    return ended.flatMap((one) =>
      one.status === 'fulfilled' && one.value !== undefined ? [one.value] : [],
    );
  }
}
