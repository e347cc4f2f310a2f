/** The process that holds a session of the command line, until that ends. Node runs it. */
import { createServer, type Socket } from 'node:net';
import { openStore } from '../changes/index.js';
import { loadNative } from '../native/index.js';
import { openSession, type SessionOptions } from '../session/index.js';
import { ClientCall, fdOf } from './client-call.js';
import { claimPlace, type OwnedPlace, type OwnedSession } from './place.js';

/** Commands at a time that run or wait; a client beyond them is refused by the kernel or closed. */
const maxClients = 512;

export interface Owning {
  readonly options: SessionOptions;
  /** @default the run's ID */
  readonly name?: string | undefined;
  /** Called when commands are taken. */
  readonly onReady: (session: OwnedSession) => void;
}

/**
 * Holds a session until it has ended: by its idle time or a limit, by `wasbox stop`, or by a signal to this process.
 * @throws as `createSession`; LaunchError ERR_SESSION_EXISTS
 */
export async function ownSession({ options, name, onReady }: Owning): Promise<void> {
  const { native } = loadNative();
  const store = openStore(native);
  let place: OwnedPlace | undefined = name === undefined ? undefined : claimPlace(store, name);
  try {
    const session = await openSession({ ...options, changes: 'keep' });
    const end = (): void => void session.close().catch(() => {});
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
    for (const signal of signals) process.on(signal, end);
    try {
      const own = name ?? session.id ?? `pid${process.pid}`;
      place ??= claimPlace(store, own);
      const uid = process.geteuid?.();
      const calls = new Set<ClientCall>();
      const server = createServer({ allowHalfOpen: true }, (socket: Socket) => {
        // The directory keeps others out already; root may pass it.
        if (native.peerOf(fdOf(socket))[1] !== uid) {
          socket.destroy();
          return;
        }
        const call = new ClientCall(session, socket);
        calls.add(call);
        call.done.then(() => calls.delete(call));
      });
      server.maxConnections = maxClients;
      await listen(server, place.socket);
      try {
        const record: OwnedSession = {
          name: own,
          id: session.id,
          pid: process.pid,
          init: session.pid ?? 0,
          workdir: session.workdir,
          started: new Date().toISOString(),
          idleMs: options.idleMs,
        };
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
