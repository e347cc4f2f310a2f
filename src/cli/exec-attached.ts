/** `wasbox exec` at a terminal: the session's owner hands over the program's, which the addon relays to this one. */
import type { Store } from '../changes/index.js';
import { closeDescriptor, loadNative } from '../native/index.js';
import {
  connect,
  type ExecEnded,
  type ExecRequest,
  goneError,
  type OwnedSession,
  readAnswer,
} from '../owner/index.js';

/** The time for the program to start, behind those that run already. */
const startMs = 24 * 3_600_000;

interface AttachedEnd {
  readonly ended: ExecEnded;
  readonly typedInterrupt: boolean;
  /** The end of what the program wrote. */
  readonly tail: Uint8Array;
}

export async function execAttached(
  store: Store,
  session: OwnedSession,
  request: ExecRequest,
): Promise<AttachedEnd> {
  const { native } = loadNative();
  const socket = connect(store, session, ['H', request]);
  try {
    const first = native.receiveDescriptor(socket, startMs);
    if (first === undefined) throw goneError(session);
    const [byte, master] = first;
    if (master === undefined) {
      readAnswer(socket, session, Uint8Array.of(byte)); // throws what it says
      throw goneError(session);
    }
    const [typedInterrupt, tail] = native.attachTerminal(socket, master);
    const ended = JSON.parse(String(readAnswer(socket, session))) as ExecEnded;
    return { ended, typedInterrupt, tail };
  } finally {
    closeDescriptor(socket);
  }
}
