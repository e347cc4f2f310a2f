/** `wasbox exec` without a terminal: relays stdin, stdout, stderr and signals. */
import type { Socket } from 'node:net';
import { constants } from 'node:os';
import type { Store } from '../changes/index.js';
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
import { write } from './terminal.js';

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

/** @throws the owner's error where it was not executed; LaunchError ERR_SESSION_CLOSED */
export async function execRelayed(
  store: Store,
  session: OwnedSession,
  request: ExecRequest,
): Promise<ExecEnded> {
  const { Socket: Stream } = process.getBuiltinModule('node:net');
  const fd = connect(store, session, ['H', request]);
  const socket = giveDescriptor(fd, () => new Stream({ fd, readable: true, writable: true }));
  const handlers = forwarded.map((name) => {
    const handler = () => socket.write(frame('S', Uint8Array.of(constants.signals[name])));
    process.on(name, handler);
    return () => process.off(name, handler);
  });
  const input = feed(socket);
  const reader = new FrameReader();
  try {
    return await new Promise<ExecEnded>((resolve, reject) => {
      const obey = ({ type, bytes }: Frame): void => {
        // Written at once: a reader that is slow holds up the socket, and so the program.
        if (type === 'O') write(1, bytes);
        else if (type === 'R') write(2, bytes);
        else if (type === 'N') write(2, `${bytes}\n`);
        else if (type === 'A') input.taken();
        else if (type === 'X') resolve(JSON.parse(String(bytes)) as ExecEnded);
        else if (type === 'F') reject(fromRemote(JSON.parse(String(bytes)) as RemoteError));
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
  } finally {
    for (const off of handlers) off();
    input.stop();
    socket.destroy();
  }
}
