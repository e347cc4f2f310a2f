/**
 * Carries out what a client asked the owner of a session, from its request to its end: a command, or about the files.
 */
import type { Socket } from 'node:net';
import { constants } from 'node:os';
import type { Writable } from 'node:stream';
import { isWasboxError, LaunchError, UsageError } from '../errors/index.js';
import { closeDescriptor, loadNative } from '../native/index.js';
import { type ExecEnd, execEnd, type OwnSession, type TerminalProgram } from '../session/index.js';
import {
  type ExecEnded,
  type ExecRequest,
  type Frame,
  FrameReader,
  type FrameType,
  frame,
  readRequest,
  readStateRequest,
} from './frames.js';
import { toRemote } from './remote-error.js';
import type { Snapshots } from './snapshots.js';
import { type Answering, answerState } from './state-call.js';

/** Milliseconds for a client's request to come in. */
const requestMs = 10_000;
/** Milliseconds between asking and killing a program whose client is gone. */
const graceMs = 2000;

/** Frames before the program has started: a piece of stdin, its end, signals. */
const maxEarly = 64;

/** The number of a connection's descriptor, which Node has no other name for. */
export function fdOf(socket: Socket): number {
  const { _handle: handle } = socket as Socket & { readonly _handle?: { readonly fd?: number } };
  const fd = handle?.fd;
  if (typeof fd !== 'number' || fd < 0) throw new Error('the connection is closed');
  return fd;
}

type Signals = (signal: number) => void;

export class ClientCall {
  /** Fulfilled when the program has ended and the client was told, or is gone. */
  readonly done: Promise<void>;
  readonly #session: OwnSession;
  readonly #socket: Socket;
  readonly #reader = new FrameReader();
  readonly #gone = new AbortController();
  readonly #snapshots: Snapshots;
  #request: ((request: Frame | undefined) => void) | undefined;
  /** Called when the client has what it was sent. */
  #taken: ((taken: boolean) => void) | undefined;
  #stdin: Writable | undefined;
  #signal: Signals | undefined;
  /** True if a program runs whose user is told of what happens in the session. */
  #isTold = false;
  /** Frames that came before the program has started. */
  #early: Frame[] | undefined = [];

  constructor(session: OwnSession, snapshots: Snapshots, socket: Socket) {
    this.#session = session;
    this.#snapshots = snapshots;
    this.#socket = socket;
    socket.on('error', () => {}); // its close says the same
    socket.on('data', (chunk) => this.#take(chunk));
    socket.once('close', () => this.#left());
    // A client does not shut down its end before it has the answer.
    socket.once('end', () => socket.destroy());
    this.done = this.#serve().catch((error: unknown) => {
      if (!socket.destroyed) this.#fail(error);
    });
  }

  async #serve(): Promise<void> {
    const first = await new Promise<Frame | undefined>((resolve) => {
      this.#request = resolve;
      setTimeout(() => resolve(undefined), requestMs).unref();
    });
    this.#request = undefined;
    const asked = first?.type === 'C' ? readStateRequest(first.bytes) : undefined;
    if (asked !== undefined) {
      await answerState(this.#session, this.#snapshots, asked, this.#answering());
      return;
    }
    const request = first?.type === 'H' ? readRequest(first.bytes) : undefined;
    if (request === undefined) {
      throw new UsageError('ERR_USAGE', 'the owner of the session was asked nothing that it knows');
    }
    const isQuiet = request.quiet === true;
    await (request.terminal === undefined
      ? this.#plain(request, isQuiet)
      : this.#atTerminal(request, isQuiet));
  }

  /** A line for the user of a program that runs. */
  note(line: string): void {
    if (this.#isTold) this.#send('N', line);
  }

  #answering(): Answering {
    const socket = this.#socket;
    const answer = (content: Uint8Array | string) => frame('X', content);
    return {
      fd: () => fdOf(socket),
      end: (content) => void socket.end(answer(content)),
      taken: (content) =>
        new Promise((resolve) => {
          this.#taken = resolve;
          if (socket.destroyed) resolve(false);
          else socket.write(answer(content));
        }),
    };
  }

  async #plain({ argv, cwd, env, limits }: ExecRequest, isQuiet: boolean): Promise<void> {
    const signal = this.#gone.signal;
    this.#isTold = !isQuiet;
    const own = this.#session.requireLimits(limits ?? {});
    const program = await this.#session.spawn(argv, { cwd, env, signal, ...own });
    this.#follow((number) => program.kill(number), program.stdin);
    const streams = [program.stdout, program.stderr];
    const onDrain = (): void => {
      for (const stream of streams) stream.resume();
    };
    const listeners = streams.map((stream, i) => {
      const listener = (chunk: Buffer): void => {
        if (this.#send(i === 0 ? 'O' : 'R', chunk)) return;
        for (const one of streams) one.pause();
      };
      stream.on('data', listener);
      return () => stream.off('data', listener);
    });
    this.#socket.on('drain', onDrain);
    try {
      const ended = await program.result;
      await Promise.race([program.drained(), this.#closed()]);
      this.#end(ended);
    } finally {
      this.#socket.off('drain', onDrain);
      for (const stop of listeners) stop();
      onDrain(); // what it left running goes on writing, and nothing reads it
    }
  }

  async #atTerminal(
    { argv, cwd, env, terminal, limits }: ExecRequest,
    isQuiet: boolean,
  ): Promise<void> {
    const program: TerminalProgram = await this.#session.spawnAtTerminal(argv, {
      cwd,
      env,
      terminal,
      limits,
    });
    this.#follow(program.signal);
    try {
      loadNative().native.sendDescriptor(fdOf(this.#socket), 'T'.charCodeAt(0), program.master);
    } catch (error) {
      program.signal(constants.signals.SIGKILL);
      throw error;
    } finally {
      closeDescriptor(program.master); // the client's is the only one: with it the terminal hangs up
    }
    this.#isTold = !isQuiet;
    this.#end(execEnd(await program.ended, program.startedNs, false));
  }

  /** Input and signals of the client go to the program, which does not outlive it. */
  #follow(signal: Signals, stdin?: Writable): void {
    this.#signal = signal;
    this.#stdin = stdin;
    const early = this.#early ?? [];
    this.#early = undefined;
    for (const one of early) this.#obey(one);
    if (this.#gone.signal.aborted) this.#stop();
  }

  #left(): void {
    this.#request?.(undefined);
    this.#taken?.(false);
    this.#gone.abort();
    this.#stop();
  }

  #stop(): void {
    const signal = this.#signal;
    if (signal === undefined) return;
    signal(constants.signals.SIGHUP);
    signal(constants.signals.SIGTERM);
    const timer = setTimeout(() => signal(constants.signals.SIGKILL), graceMs);
    this.done.then(() => clearTimeout(timer));
  }

  #take(chunk: Buffer): void {
    try {
      for (const one of this.#reader.push(chunk)) this.#obey(one);
    } catch {
      this.#socket.destroy();
    }
  }

  #obey(one: Frame): void {
    const { type, bytes } = one;
    if ((type === 'H' || type === 'C') && this.#request !== undefined) {
      this.#request(one);
    } else if (type === 'K') {
      this.#taken?.(true);
    } else if (!['I', 'E', 'S'].includes(type)) {
      throw new RangeError('an unknown frame');
    } else if (this.#early !== undefined) {
      this.#early.push({ type, bytes: Buffer.from(bytes) });
      if (this.#early.length > maxEarly) throw new RangeError('more than a client sends');
    } else if (type === 'I') {
      // A program need not read its input.
      this.#stdin?.write(Buffer.from(bytes), () => this.#send('A'));
    } else if (type === 'E') {
      this.#stdin?.end();
    } else {
      this.#signal?.(bytes[0] ?? 0);
    }
  }

  /** @returns whether the client is not behind */
  #send(type: FrameType, content?: Uint8Array | string): boolean {
    return this.#socket.destroyed || this.#socket.write(frame(type, content));
  }

  #end({ exitCode, signal, limit }: ExecEnd): void {
    this.#signal = undefined;
    this.#isTold = false;
    const ended: ExecEnded = { exitCode: exitCode ?? null, signal: signal ?? null, limit };
    this.#socket.end(frame('X', JSON.stringify(ended)));
  }

  #fail(error: unknown): void {
    this.#isTold = false;
    const known = isWasboxError(error) ? error : new LaunchError('ERR_EXEC', String(error));
    this.#socket.end(frame('F', JSON.stringify(toRemote(known))));
  }

  #closed(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#socket.destroyed) resolve();
      else this.#socket.once('close', () => resolve());
    });
  }
}
