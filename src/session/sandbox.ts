/** One sandbox of a session. After a snapshot or a rollback another one takes its place. */
import { constants } from 'node:os';
import type { LaunchResult } from '../launch/index.js';
import { after } from '../time/index.js';
import type { Begun } from './begin.js';

/** Streams that processes hold which outlive their program: the oldest are closed beyond it. */
const maxLeftStreams = 128;

interface Stream {
  readonly destroyed: boolean;
  destroy(): unknown;
  once(event: 'close', listener: () => void): unknown;
  unref(): unknown;
  resume(): unknown;
}

export class LiveSandbox {
  readonly begun: Begun;
  /** Rejected when it has ended, with what its programs are told. */
  readonly gone: Promise<never>;
  readonly #left = new Set<Stream>();
  #ending = false;

  /** @param gone what the programs are told at its end */
  constructor(begun: Begun, gone: () => Promise<unknown>) {
    this.begun = begun;
    // This comes before anything else: commands that wait to be sent name descriptors that programs close at their end.
    const close = (): void => begun.connection.close();
    begun.launched.done.then(close, close);
    this.gone = begun.launched.done.then(async () => {
      throw await gone();
    });
    this.gone.catch(() => {
      for (const stream of this.#left) stream.destroy();
    });
  }

  get pid(): number {
    return this.begun.launched.pid;
  }

  get done(): Promise<LaunchResult> {
    return this.begun.launched.done;
  }

  /** Sets whether this process stays for it. */
  hold(connection: boolean, sandbox: boolean): void {
    if (this.#ending) return;
    this.begun.connection.hold(connection);
    this.begun.launched.hold(sandbox);
  }

  kill(): void {
    this.begun.launched.hold(true);
    this.begun.launched.signal(constants.signals.SIGKILL);
  }

  /** Ends it with all that runs in it. @param graceMs until it is killed */
  end(graceMs: number): Promise<LaunchResult> {
    const { launched, connection } = this.begun;
    if (!this.#ending) {
      launched.hold(true);
      this.#ending = true;
      connection.close();
      // Init answers at once, unless a program keeps it from starting another.
      const { clear: done } = after(graceMs, () => launched.signal(constants.signals.SIGKILL));
      launched.done.then(done, done);
    }
    return launched.done;
  }

  /**
   * Reads and drops what a program's processes go on writing.
   * @param drained fulfilled when what the program itself wrote has been read: until then, this process stays for it
   */
  leave(stream: Stream, drained: Promise<void>): void {
    if (stream.destroyed) return;
    this.#left.add(stream);
    stream.once('close', () => this.#left.delete(stream));
    drained.then(() => stream.unref());
    stream.resume();
    const [oldest] = this.#left;
    if (this.#left.size > maxLeftStreams) oldest?.destroy();
  }
}
