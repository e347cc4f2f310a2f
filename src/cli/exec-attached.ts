/** `wasbox exec` at a terminal: the session's owner hands over the program's, which the addon relays to this one. */
import { readSync } from 'node:fs';
import type { Store } from '../changes/index.js';
import { closeDescriptor, loadNative } from '../native/index.js';
import {
  type ExecEnded,
  type ExecRequest,
  FrameReader,
  fromRemote,
  type OwnedSession,
  type RemoteError,
} from '../owner/index.js';
import { connect, goneError } from './exec-connect.js';

/** For the program to start, behind those that run already. */
const startMs = 24 * 3_600_000;

export async function execAttached(
  store: Store,
  session: OwnedSession,
  request: ExecRequest,
): Promise<{ readonly ended: ExecEnded; readonly typedInterrupt: boolean }> {
  const { native } = loadNative();
  const socket = connect(store, session, request);
  try {
    const first = native.receiveDescriptor(socket, startMs);
    if (first === undefined) throw goneError(session);
    const [byte, master] = first;
    if (master === undefined) {
      const failed = lastFrame(socket, session, Uint8Array.of(byte));
      throw fromRemote(failed as RemoteError);
    }
    const typedInterrupt = native.attachTerminal(socket, master);
    return { ended: lastFrame(socket, session) as ExecEnded, typedInterrupt };
  } finally {
    closeDescriptor(socket);
  }
}

/** Reads the one frame that comes, and what it says. */
function lastFrame(socket: number, session: OwnedSession, begin = new Uint8Array()): unknown {
  const reader = new FrameReader();
  const piece = new Uint8Array(4096);
  let frames = reader.push(begin);
  while (frames.length === 0) {
    const size = readSync(socket, piece);
    if (size === 0) throw goneError(session);
    frames = reader.push(piece.subarray(0, size));
  }
  const [one] = frames;
  const value: unknown = JSON.parse(String(one?.bytes ?? ''));
  if (one?.type === 'F') throw fromRemote(value as RemoteError);
  return value;
}
