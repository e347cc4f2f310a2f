/** `wasbox exec` without a terminal: relays stdin, stdout, stderr and signals. */
import type { Socket } from 'node:net';
import { constants } from 'node:os';
import type { Store } from '../changes/index.js';
import { joinTails, Tail } from '../launch/index.js';
import { giveDescriptor } from '../native/index.js';
import {
  connect,
  type ExecEnded,
  type ExecRequest,
  type Frame,
  FrameReader,
  frame,
  fromRemote,
  goneError,
  type OwnedSession,
  type RemoteError,
} from '../owner/index.js';
import { after } from '../time/index.js';
import { isToBeRepeated, repeatMs } from './terminal.js';

const forwarded = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const;

/** Bytes of stdin that one frame has; the next one waits until they were taken. */
const pieceBytes = 65_536;

/** Reads stdin piece by piece, as the program takes it. */
function feed(socket: Socket): { taken(): void; stop(): void } {
  const { fstatSync, createReadStream } = process.getBuiltinModule('node:fs');
  let stream: ReturnType<typeof createReadStream>;
  try {
    fstatSync(0);
    // The descriptor must not become non-blocking: processes that share it would see that.
    stream = createReadStream('', { fd: 0, autoClose: false, highWaterMark: pieceBytes });
  } catch {
    socket.write(frame('E'));
    return { taken: () => {}, stop: () => {} };
  }
  stream.on('data', (chunk) => {
    stream.pause();
    socket.write(frame('I', Buffer.from(chunk)));
  });
  const end = (): void => void socket.write(frame('E'));
  stream.once('end', end).once('error', end);
  return {
    taken: () => void stream.resume(),
    stop: () => void stream.removeAllListeners().pause(),
  };
}

/** Writes as `write` does, while signals are heard: a reader may take nothing. */
async function writeSoon(fd: number, text: Uint8Array): Promise<void> {
  const { write } = process.getBuiltinModule('node:fs');
  const writeOnce = (bytes: Uint8Array): Promise<number> =>
    new Promise((resolve, reject) => {
      write(fd, bytes, (error, count) => (error === null ? resolve(count) : reject(error)));
    });
  for (let bytes = text; bytes.length > 0; ) {
    try {
      bytes = bytes.subarray(await writeOnce(bytes));
    } catch (error) {
      if (!isToBeRepeated(fd, error)) return;
      await new Promise((resolve) => setTimeout(resolve, repeatMs));
    }
  }
}

/** Bytes that wait for a reader: usually, and when the program was told to end, whose end comes behind them. */
const heldBytes = 65_536;
const lastBytes = 4 * 1024 * 1024;
/** Milliseconds that the end of a program, once it was told to end, waits for a reader that takes nothing. */
const readerMs = 1000;

/** Writes what comes, in its order, and holds up the socket for a reader that is slow. */
class Shown {
  readonly #socket: Socket;
  readonly #failed: (error: unknown) => void;
  #waiting = 0;
  #most = heldBytes;
  #last: Promise<void> = Promise.resolve();
  #tell: () => void = () => {};
  readonly #told = new Promise<void>((resolve) => {
    this.#tell = resolve;
  });

  constructor(socket: Socket, failed: (error: unknown) => void) {
    this.#socket = socket;
    this.#failed = failed;
  }

  show(fd: number, bytes: Uint8Array): void {
    this.#waiting += bytes.length;
    if (this.#waiting > this.#most) this.#socket.pause();
    const write = async (): Promise<void> => {
      await writeSoon(fd, bytes);
      this.#waiting -= bytes.length;
      if (this.#waiting <= this.#most) this.#socket.resume();
    };
    this.#last = this.#last.then(write);
    this.#last.catch(this.#failed);
  }

  /** The program was told to end. */
  toldToEnd(): void {
    this.#most = lastBytes;
    this.#socket.resume();
    this.#tell();
  }

  /** Fulfilled when all of it is written, or a reader is given up. */
  async done(): Promise<void> {
    const patience = (): Promise<void> => new Promise((resolve) => void after(readerMs, resolve));
    await Promise.race([this.#last, this.#told.then(patience)]);
  }
}

interface RelayedEnd {
  readonly ended: ExecEnded;
  /** The end of what the program wrote. */
  readonly tail: Uint8Array;
}

/** @throws the owner's error where it was not executed; LaunchError ERR_SESSION_CLOSED */
export async function execRelayed(
  store: Store,
  session: OwnedSession,
  request: ExecRequest,
): Promise<RelayedEnd> {
  const fd = connect(store, session, ['H', request]);
  const socket = giveDescriptor(fd, { readable: true, writable: true });
  let fail: (error: unknown) => void = () => {};
  const tails = { O: new Tail(), R: new Tail() };
  const shown = new Shown(socket, (error) => fail(error));
  const handlers = forwarded.map((name) => {
    const handler = () => {
      socket.write(frame('S', Uint8Array.of(constants.signals[name])));
      if (!name.startsWith('SIGUSR')) shown.toldToEnd();
    };
    process.on(name, handler);
    return () => process.off(name, handler);
  });
  const input = feed(socket);
  const reader = new FrameReader();
  try {
    const last = await new Promise<Frame>((resolve, reject) => {
      fail = reject;
      const obey = (one: Frame): void => {
        const { type, bytes } = one;
        if (type === 'O' || type === 'R') {
          tails[type].add(bytes);
          shown.show(type === 'O' ? 1 : 2, bytes);
        } else if (type === 'N') shown.show(2, Buffer.from(`${bytes}\n`));
        else if (type === 'A') input.taken();
        else if (type === 'X' || type === 'F') resolve(one);
      };
      socket.on('data', (chunk: Buffer) => {
        try {
          for (const one of reader.push(chunk)) obey(one);
        } catch (error) {
          reject(error);
        }
      });
      socket.on('error', () => {}); // its close says the same
      socket.once('close', () => reject(goneError(session)));
    });
    await Promise.race([
      shown.done(),
      new Promise((_, reject) => {
        fail = reject;
      }),
    ]);
    const said: unknown = JSON.parse(String(last.bytes));
    if (last.type === 'F') throw fromRemote(said as RemoteError);
    return { ended: said as ExecEnded, tail: joinTails([tails.R, tails.O]) };
  } finally {
    for (const off of handlers) off();
    input.stop();
    socket.destroy();
  }
}
