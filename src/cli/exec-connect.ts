/** The way from `wasbox exec` to the owner of a session. */
import type { Store } from '../changes/index.js';
import { LaunchError, type WasboxError } from '../errors/index.js';
import { closeDescriptor, loadNative } from '../native/index.js';
import {
  type ExecRequest,
  frame,
  type OwnedSession,
  openPlace,
  socketName,
} from '../owner/index.js';

export const goneError = ({ name }: OwnedSession, cause?: unknown): WasboxError =>
  new LaunchError('ERR_SESSION_CLOSED', `session ${name} has ended`, {
    cause,
    hint: 'To list what it changed: wasbox runs',
  });

/**
 * Connects, and asks for the command.
 * @returns a descriptor, which blocks
 */
export function connect(store: Store, session: OwnedSession, request: ExecRequest): number {
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
  // Its directory is the user's own, which root can give to others.
  if (native.peerOf(socket)[1] !== process.geteuid?.()) {
    closeDescriptor(socket);
    throw new LaunchError('ERR_SESSION_UNKNOWN', `session ${session.name} is another user's`);
  }
  const bytes = frame('H', JSON.stringify(request));
  const { writeSync } = process.getBuiltinModule('node:fs');
  try {
    for (let done = 0; done < bytes.length; ) done += writeSync(socket, bytes, done);
  } catch (error) {
    closeDescriptor(socket);
    throw goneError(session, error);
  }
  return socket;
}
