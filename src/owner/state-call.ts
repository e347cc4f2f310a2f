/** The questions of a client about a session's files: a snapshot, a rollback, a fork; about its ports, or its sandbox. */
import { serialize } from 'node:v8';
import { isWasboxError, LaunchError } from '../errors/index.js';
import { loadNative } from '../native/index.js';
import type { OwnSession } from '../session/index.js';
import type { StateRequest } from './frames.js';
import { answerPorts } from './port-call.js';
import type { Snapshots } from './snapshots.js';

/** The connection to a client, as far as an answer needs it. */
export interface Answering {
  /** Number of its descriptor. @throws where it is closed */
  fd(): number;
  /** Sends the answer, and nothing after it. */
  end(content: Uint8Array | string): void;
  /** Sends the answer. Fulfilled with whether the client took it. */
  taken(content: Uint8Array): Promise<boolean>;
}

/** @throws WasboxError that says what to do at the command line */
export async function answerState(
  session: OwnSession,
  snapshots: Snapshots,
  { call, label }: StateRequest,
  answering: Answering,
): Promise<void> {
  if (call === 'publish' || call === 'unpublish') {
    answering.end(JSON.stringify(await answerPorts(session, call, label)));
    return;
  }
  // Its variables are in it: a client is the session's user.
  if (call === 'spec') {
    answering.end(serialize(session.spec));
    return;
  }
  if (session.id === undefined) {
    throw new LaunchError('ERR_SNAPSHOT', 'the session cannot change any files', {
      hint: 'It has no copy-on-write directory: start it with --workdir DIR.',
    });
  }
  try {
    if (call === 'fork') await fork(session, snapshots, label, answering);
    else if (call === 'view') await view(session, answering);
    else {
      const done =
        call === 'snapshot'
          ? await snapshots.take(label)
          : call === 'rollback'
            ? await snapshots.rollback(label)
            : snapshots.release(label ?? '');
      answering.end(JSON.stringify({ label: done }));
    }
  } catch (error) {
    if (!isWasboxError(error) || error.code !== 'ERR_SESSION_BUSY') throw error;
    throw new LaunchError('ERR_SESSION_BUSY', 'commands of the session are running', {
      hint:
        call === 'fork'
          ? 'Wait for them or end them, or fork from a snapshot: --snapshot SNAPSHOT'
          : 'Wait for them or end them: a snapshot holds files, not processes.',
    });
  }
}

/** The client looks at the files of the view, until it says that it is done, or is gone. */
async function view(session: OwnSession, { taken }: Answering): Promise<void> {
  const { directory, record, close } = session.view();
  try {
    await taken(Buffer.from(JSON.stringify({ directory, record })));
  } finally {
    close();
  }
}

/** The client gets what the fork is made of, and the lock of its run, which it goes on holding. */
async function fork(
  session: OwnSession,
  snapshots: Snapshots,
  label: string | undefined,
  { fd, taken }: Answering,
): Promise<void> {
  const from = label === undefined ? undefined : snapshots.find(label);
  const { files, lock, release, drop } = await session.forkAway(from);
  let isTaken = false;
  try {
    loadNative().native.sendDescriptor(fd(), 'L'.charCodeAt(0), lock);
    isTaken = await taken(serialize(files));
  } finally {
    if (isTaken) release();
    else drop();
  }
}
