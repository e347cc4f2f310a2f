/** Starts the sandbox of a session: one in which nothing is executed until the session says so. */
import { LaunchError } from '../errors/index.js';
import { realHost } from '../host/index.js';
import {
  closeGiven,
  descriptorsError,
  type Launched,
  launch,
  openChannels,
  sandboxOptions,
} from '../launch/index.js';
import { closeDescriptor, loadNative } from '../native/index.js';
import { resolveWithCache, type SandboxSpec } from '../resolve/index.js';
import { Connection } from './connection.js';
import type { SessionOptions } from './options.js';

/** How a session was started. */
export interface Begun {
  readonly spec: SandboxSpec;
  readonly launched: Launched;
  readonly connection: Connection;
}

/**
 * Of a launch, for the tests: protections to leave out.
 * @internal
 */
export type Weaker = Pick<Parameters<typeof launch>[1], 'without'>;

export async function begin(
  options: SessionOptions,
  isAborted: () => boolean,
  weaker: Weaker,
): Promise<Begun> {
  const { native } = loadNative();
  const { idleMs: _, signal: __, lang = 'sh', changes = 'keep', ...rest } = options;
  // Nothing of it is executed: it says which installation is shown.
  const resolved = sandboxOptions({ ...rest, lang, code: '', changes });
  const channels = openChannels(['ignore', 'ignore', 'ignore']);
  let [own, theirs] = native.socketPair();
  try {
    const fds = [channels[0].fd, channels[1].fd, channels[2].fd] as const;
    const found = resolveWithCache(resolved, realHost({ native, stdio: fds }));
    const spec = { ...found, command: { ...found.command, argv: ['session'], display: 'session' } };
    const how = { stdio: fds, session: theirs, reuse: true, isAborted };
    const launched = await launch(spec, { ...how, ...weaker });
    closeDescriptor(theirs);
    theirs = -1;
    const connection = new Connection(native, own);
    connection.hold(true);
    // A step of the set-up that failed is the error of this call; without one it has ended by itself.
    const ended = launched.done.then(() => {
      throw new LaunchError('ERR_SESSION_CLOSED', 'the session ended before it could be used');
    });
    await Promise.race([connection.ready, ended]).catch((error: unknown) => {
      connection.close();
      own = -1;
      throw error;
    });
    ended.catch(() => {}); // the session tells it
    return { spec, launched, connection };
  } catch (error) {
    if (own >= 0) closeDescriptor(own);
    throw descriptorsError(error);
  } finally {
    if (theirs >= 0) closeDescriptor(theirs);
    closeGiven(channels);
  }
}
