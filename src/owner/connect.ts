/** Connects to the owner of a session: for a command, or for a request about its files. */
import { readSync, writeSync } from 'node:fs';
import { type OpenedView, type Run, type Store, viewOfOther } from '../changes/index.js';
import { LaunchError, type WasboxError } from '../errors/index.js';
import { closeDescriptor, loadNative } from '../native/index.js';
import type { SandboxSpec } from '../resolve/index.js';
import { type ExecRequest, FrameReader, frame, type StateRequest } from './frames.js';
import { type OwnedSession, openPlace, socketName } from './place.js';
import { endedHint, fromRemote, type RemoteError } from './remote-error.js';

/** Requests under the type of its frame. */
type Request =
  | readonly [type: 'H', request: ExecRequest]
  | readonly [type: 'C', request: StateRequest];

export const goneError = ({ name }: OwnedSession, cause?: unknown): WasboxError =>
  new LaunchError('ERR_SESSION_CLOSED', `session ${name} has ended`, {
    cause,
    hint: endedHint,
  });

/**
 * Connects, and asks.
 * @returns a descriptor, which blocks
 * @throws LaunchError ERR_SESSION_CLOSED, ERR_SESSION_UNKNOWN
 */
export function connect(store: Store, session: OwnedSession, [type, request]: Request): number {
  const { native } = loadNative();
  const directory = openPlace(store, session);
  if (directory === undefined) throw goneError(session);
  let socket: number;
  try {
    socket = native.connectUnix(`/proc/self/fd/${directory}/${socketName}`);
  } catch (error) {
    throw goneError(session, error);
  } finally {
    closeDescriptor(directory);
  }
  // The session's directory is the user's own, which root can give to others.
  if (native.peerOf(socket)[1] !== process.geteuid?.()) {
    closeDescriptor(socket);
    throw new LaunchError('ERR_SESSION_UNKNOWN', `session ${session.name} is another user's`);
  }
  const bytes = frame(type, JSON.stringify(request));
  try {
    for (let done = 0; done < bytes.length; ) done += writeSync(socket, bytes, done);
  } catch (error) {
    closeDescriptor(socket);
    throw goneError(session, error);
  }
  return socket;
}

/**
 * Waits for the one frame that comes.
 * @param begin what was read of it before
 * @throws the owner's error; LaunchError ERR_SESSION_CLOSED
 */
export function readAnswer(
  socket: number,
  session: OwnedSession,
  begin: Uint8Array = new Uint8Array(),
): Buffer {
  const reader = new FrameReader();
  const piece = new Uint8Array(65_536);
  let frames = reader.push(begin);
  while (frames.length === 0) {
    const size = readSync(socket, piece);
    if (size === 0) throw goneError(session);
    frames = reader.push(piece.subarray(0, size));
  }
  const [one] = frames;
  const bytes = one?.bytes ?? Buffer.alloc(0);
  if (one?.type === 'F') throw fromRemote(JSON.parse(String(bytes)) as RemoteError);
  return bytes;
}

/**
 * Runs `use` with what the files of a session are now, while the owner holds them in a view.
 * @throws as {@link readAnswer}
 */
export async function withViewOf<T>(
  store: Store,
  session: OwnedSession,
  use: (view: Run) => Promise<T>,
): Promise<T> {
  const socket = connect(store, session, ['C', { call: 'view' }]);
  try {
    const view = JSON.parse(String(readAnswer(socket, session))) as Omit<OpenedView, 'close'>;
    return await use(viewOfOther(view));
  } finally {
    closeDescriptor(socket);
  }
}

/** Returns the sandbox of a session. @throws as {@link readAnswer} */
export function specOf(store: Store, session: OwnedSession): SandboxSpec {
  const socket = connect(store, session, ['C', { call: 'spec' }]);
  try {
    const { deserialize } = process.getBuiltinModule('node:v8');
    return deserialize(readAnswer(socket, session)) as SandboxSpec;
  } finally {
    closeDescriptor(socket);
  }
}

/** Asks the owner of a session about its files, and waits for the answer. @throws as {@link readAnswer} */
export function askOwner(store: Store, session: OwnedSession, request: StateRequest): unknown {
  const socket = connect(store, session, ['C', request]);
  try {
    return JSON.parse(String(readAnswer(socket, session)));
  } finally {
    closeDescriptor(socket);
  }
}
