/** Starts sandboxes for a session: nothing is executed in one until the session says so. */
import type { Run } from '../changes/index.js';
import { LaunchError } from '../errors/index.js';
import {
  type Asking,
  type Channels,
  type Launched,
  launch,
  type PinnedImage,
  resolveFor,
  sandboxOptions,
  tellingPorts,
  withChannels,
} from '../launch/index.js';
import { closeDescriptor, loadNative } from '../native/index.js';
import type { SandboxSpec } from '../resolve/index.js';
import { Connection } from './connection.js';
import type { SessionOptions } from './options.js';

/** A sandbox that waits for programs. */
export interface Begun {
  readonly launched: Launched;
  readonly connection: Connection;
}

/** The protections that a launch leaves out for the tests. No option leads here. */
export interface Weaker {
  /** @internal */
  readonly without?: Parameters<typeof launch>[1]['without'];
}

/** How a sandbox of a session is started. */
export interface Beginning extends Weaker {
  readonly isAborted: () => boolean;
  /** Returns whether its session goes on without it: it was ended for another one, or has not begun yet. */
  readonly isSuspended: () => boolean;
  /** Says who decides about what the sandbox refuses, where its options have it asked about. */
  readonly asking?: Asking | undefined;
  /** Called with each port that a program inside begins to listen on. */
  readonly onPort?: ((port: number) => void) | undefined;
  /** The session's run, where it has one by now. */
  readonly run?: Run | undefined;
}

/** A sandbox whose own streams lead nowhere. */
const nowhere = ['ignore', 'ignore', 'ignore'] as const;

/**
 * Specs by what the options resolved to, which is the same object for equal ones: such sessions share it, and the plan.
 */
const specs = new WeakMap<SandboxSpec, SandboxSpec>();

function specOfSession(found: SandboxSpec): SandboxSpec {
  const known = specs.get(found);
  if (known !== undefined) return known;
  const command = { ...found.command, argv: ['session'], display: 'session' };
  const spec = tellingPorts({ ...found, command });
  specs.set(found, spec);
  return spec;
}

/**
 * Resolves a session's options and starts its first sandbox.
 * @param image that of the pool which it is for
 */
export function begin(
  options: SessionOptions,
  how: Beginning,
  image?: PinnedImage,
): Promise<Begun & { readonly spec: SandboxSpec }> {
  const { idleMs: _, preload: _preload, signal, lang = 'sh', changes = 'keep', ...rest } = options;
  // Nothing of it is executed: it says which installation is shown.
  const asked = sandboxOptions({ ...rest, lang, code: '', changes });
  return withChannels(nowhere, async (channels) => {
    const spec = specOfSession(await resolveFor(asked, channels, { image, signal }));
    return { spec, ...(await start(spec, channels, how)) };
  });
}

/** Starts a further sandbox of a session. */
export const beginAgain = (spec: SandboxSpec, how: Beginning): Promise<Begun> =>
  withChannels(nowhere, (channels) => start(spec, channels, how));

async function start(spec: SandboxSpec, streams: Channels, how: Beginning): Promise<Begun> {
  const { native } = loadNative();
  const stdio = [streams[0].fd, streams[1].fd, streams[2].fd] as const;
  let [own, theirs] = native.socketPair();
  try {
    const launched = await launch(spec, { ...how, stdio, session: theirs, reuse: true });
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
    return { launched, connection };
  } catch (error) {
    if (own >= 0) closeDescriptor(own);
    throw error;
  } finally {
    if (theirs >= 0) closeDescriptor(theirs);
  }
}
