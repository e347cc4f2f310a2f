/** The process that holds a session of the command line, until that ends. Node runs it. */
import { writeSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { noteSessionName, openStore, type Store } from '../changes/index.js';
import { closeDescriptor, loadNative } from '../native/index.js';
import { type OwnSession, openHanded, openSession, type SessionOptions } from '../session/index.js';
import { ClientCall, fdOf } from './client-call.js';
import { connect, goneError, readAnswer } from './connect.js';
import { frame } from './frames.js';
import { claimPlace, type OwnedPlace, type OwnedSession } from './place.js';
import { insidePortText } from './port-call.js';
import { Snapshots } from './snapshots.js';

/** Commands at a time that run or wait; a client beyond them is refused by the kernel or closed. */
const maxClients = 512;

/** The arguments of both ways to own a session. */
interface Holding {
  /** @default the run's ID */
  readonly name?: string | undefined;
  /** Called when commands are taken. */
  readonly onReady: (session: OwnedSession) => void;
}

export interface Owning extends Holding {
  readonly options: SessionOptions;
}

export interface OwningFork extends Holding {
  readonly source: OwnedSession;
  /** Label of a snapshot of that. @default its state of now */
  readonly snapshot?: string | undefined;
}

/**
 * Holds a session until it has ended: by its idle time or a limit, by `wasbox stop`, or by a signal to this process.
 * @throws as `createSession`; LaunchError ERR_SESSION_EXISTS
 */
export function ownSession({ options, name, onReady }: Owning): Promise<void> {
  const begin = async (onPort: OnPort) => ({
    session: await openSession({ ...options, onPort, changes: 'keep' }),
    idleMs: options.idleMs,
  });
  return hold(openStore(loadNative().native), { name, onReady }, begin);
}

/**
 * Holds a fork of another owner's session.
 * @throws LaunchError ERR_SESSION_EXISTS, ERR_SESSION_BUSY, ERR_SNAPSHOT, ERR_SESSION_CLOSED
 */
export function ownFork({ source, snapshot, name, onReady }: OwningFork): Promise<void> {
  const store = openStore(loadNative().native);
  const begin = async (onPort: OnPort) => ({
    ...(await takeFork(store, source, snapshot, onPort)),
    forkedFrom: source.name,
  });
  return hold(store, { name, onReady }, begin);
}

/** Milliseconds for a session to become a fork: its sandbox ends meanwhile. */
const forkMs = 600_000;

async function takeFork(
  store: Store,
  source: OwnedSession,
  label: string | undefined,
  onPort: OnPort,
) {
  const { native } = loadNative();
  const socket = connect(store, source, ['C', { call: 'fork', label }]);
  let lock: number | undefined;
  try {
    const first = native.receiveDescriptor(socket, forkMs);
    if (first === undefined) throw goneError(source);
    lock = first[1];
    const begin = lock === undefined ? Uint8Array.of(first[0]) : undefined;
    const bytes = readAnswer(socket, source, begin);
    if (lock === undefined) throw goneError(source);
    writeSync(socket, frame('K'));
    const opened = openHanded(bytes, lock, { onPort });
    lock = undefined; // it is the session's
    return await opened;
  } finally {
    if (lock !== undefined) closeDescriptor(lock);
    closeDescriptor(socket);
  }
}

type OnPort = (port: number) => void;

interface Begun {
  readonly session: OwnSession;
  readonly idleMs: number | undefined;
  readonly forkedFrom?: string | undefined;
}

async function hold(
  store: Store,
  { name, onReady }: Holding,
  begin: (onPort: OnPort) => Promise<Begun>,
): Promise<void> {
  const { native } = loadNative();
  let place: OwnedPlace | undefined = name === undefined ? undefined : claimPlace(store, name);
  try {
    let shown = '';
    const calls = new Set<ClientCall>();
    const onPort = (port: number): void => {
      const line = `wasbox: ${insidePortText(shown, port)}`;
      for (const call of calls) call.note(line);
    };
    const { session, idleMs, forkedFrom } = await begin(onPort);
    shown = name ?? session.id ?? '';
    const end = (): void => void session.close().catch(() => {});
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
    for (const signal of signals) process.on(signal, end);
    try {
      const own = name ?? session.id ?? `pid${process.pid}`;
      place ??= claimPlace(store, own);
      const held = place;
      // It is asked for by this name when it has ended, too.
      if (session.id !== undefined && own !== session.id) noteSessionName(store, session.id, own);
      const record: OwnedSession = {
        name: own,
        id: session.id,
        pid: process.pid,
        init: session.pid ?? 0,
        workdir: session.workdir,
        started: new Date().toISOString(),
        idleMs,
        forkedFrom,
        snapshots: [],
      };
      const snapshots = new Snapshots(session, own, (all) =>
        held.note({ ...record, snapshots: all }),
      );
      const uid = process.geteuid?.();
      const server = createServer({ allowHalfOpen: true }, (socket: Socket) => {
        // The directory keeps others out already; root may pass it.
        if (native.peerOf(fdOf(socket))[1] !== uid) {
          socket.destroy();
          return;
        }
        const call = new ClientCall(session, snapshots, socket);
        calls.add(call);
        call.done.then(() => calls.delete(call));
      });
      server.maxConnections = maxClients;
      await listen(server, place.socket);
      try {
        place.note(record);
        onReady(record);
        await session.ended;
        await Promise.all([...calls].map(({ done }) => done));
      } finally {
        server.close();
      }
    } catch (error) {
      await session.close().catch(() => {});
      throw error;
    }
  } finally {
    place?.release();
  }
}

function listen(server: ReturnType<typeof createServer>, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    const umask = process.umask(0o177);
    server.listen(path, () => {
      server.off('error', reject);
      server.on('error', () => {}); // a client that cannot be accepted tries again
      resolve();
    });
    process.umask(umask); // libuv has bound it already
  });
}
