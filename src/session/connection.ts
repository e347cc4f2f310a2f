/** The socket between a session and its init: programs to execute, and what becomes of them. */
import type { Socket } from 'node:net';
import { giveDescriptor, type Native, readStruct } from '../native/index.js';
import {
  sessionEventLayout,
  sessionEventSize,
  WB_SESSION_ENDED,
  WB_SESSION_FAILED,
  WB_SESSION_READY,
  WB_SESSION_STARTED,
} from '../plan/index.js';

/** How a program ended: the wait status, and what it used. */
export interface ProgramEnd {
  readonly status: number;
  readonly timeNs: number;
  readonly userUs: number;
  readonly systemUs: number;
  readonly maxRssKib: number;
  /** WB_LIMIT_* of its own that it was ended for, or 0. */
  readonly limit: number;
}

/** Why a program was not executed. */
export interface ProgramFailure {
  readonly step: number;
  readonly errno: number;
}

export interface ProgramEvents {
  started(timeNs: number): void;
  failed(failure: ProgramFailure): void;
  ended(end: ProgramEnd): void;
}

/** Milliseconds until init is tried again that has not read what it was sent. */
const retryMs = 2;

export class Connection {
  readonly #native: Native;
  readonly #socket: number;
  readonly #stream: Socket;
  readonly #programs = new Map<number, ProgramEvents>();
  readonly #queue: (() => boolean)[] = [];
  #retry: NodeJS.Timeout | undefined;
  #rest = Buffer.alloc(0);
  #nextId = 1;
  #isReady: () => void = () => {};
  /** Fulfilled when programs can be started. */
  readonly ready = new Promise<void>((resolve) => {
    this.#isReady = resolve;
  });

  constructor(native: Native, socket: number) {
    this.#native = native;
    this.#socket = socket;
    this.#stream = giveDescriptor(socket, { readable: true, writable: false });
    this.#stream.on('data', (bytes: Buffer) => this.#take(bytes));
    this.#stream.on('error', () => {}); // its end says the same
    this.#stream.unref();
  }

  /** Sets whether this process stays for it. */
  hold(hold: boolean): void {
    if (hold) this.#stream.ref();
    else this.#stream.unref();
  }

  /**
   * @param stdio pipes, or the socket for a terminal's master; may be closed once it has started or failed
   * @returns its id
   */
  execute(
    exec: Uint8Array,
    stdio: readonly [number, number, number] | readonly [number],
    events: ProgramEvents,
  ): number {
    const id = this.#nextId;
    this.#nextId = (id % 0xffff_ffff) + 1;
    this.#programs.set(id, events);
    this.#send(() => this.#native.sendExec(this.#socket, id, exec, stdio));
    return id;
  }

  /** Signals the process group of a program that has started. */
  signal(id: number, signal: number): void {
    this.#send(
      () => !this.#programs.has(id) || this.#native.sendExecSignal(this.#socket, id, signal),
    );
  }

  /** Has init end the session. */
  close(): void {
    clearTimeout(this.#retry);
    this.#queue.length = 0;
    this.#stream.destroy();
  }

  /** Sends commands in the order of the calls, as fast as init reads. */
  #send(command: () => boolean): void {
    this.#queue.push(command);
    this.#flush();
  }

  #flush(): void {
    this.#retry = undefined;
    while (this.#queue[0] !== undefined) {
      if (!this.#try(this.#queue[0])) {
        this.#retry ??= setTimeout(() => this.#flush(), retryMs);
        return;
      }
      this.#queue.shift();
    }
  }

  #try(command: () => boolean): boolean {
    // Init is gone, and the number may be another descriptor's by now.
    if (this.#stream.destroyed) return true;
    try {
      return command();
    } catch (error) {
      // Init is gone, which the end of the sandbox says with its reason.
      if ((error as NodeJS.ErrnoException).code === 'EPIPE') return true;
      if ((error as NodeJS.ErrnoException).code === 'ECONNRESET') return true;
      throw error;
    }
  }

  #take(bytes: Buffer): void {
    const all = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    let at = 0;
    for (; all.length - at >= sessionEventSize; at += sessionEventSize) {
      this.#tell(all.subarray(at, at + sessionEventSize));
    }
    this.#rest = Buffer.from(all.subarray(at));
  }

  #tell(bytes: Buffer): void {
    const event = readStruct(bytes, sessionEventLayout);
    const { id } = event;
    if (event.kind === WB_SESSION_READY) this.#isReady();
    const program = this.#programs.get(id);
    if (program === undefined) return;
    const timeNs = Number(event.timeNs);
    if (event.kind === WB_SESSION_STARTED) {
      program.started(timeNs);
      return;
    }
    if (event.kind !== WB_SESSION_FAILED && event.kind !== WB_SESSION_ENDED) return;
    this.#programs.delete(id);
    if (event.kind === WB_SESSION_FAILED) {
      program.failed({ step: event.step, errno: event.error });
      return;
    }
    program.ended({
      status: event.status,
      timeNs,
      userUs: Number(event.userUs),
      systemUs: Number(event.systemUs),
      maxRssKib: Number(event.maxRssKib),
      limit: event.limit,
    });
  }
}
