/** `createSession`. What it does is loaded when it is first called: few programs do. */
import { calledFrom, callSite, copyOf } from '../launch/index.js';
import type { Session } from './api.js';
import type { SessionOptions } from './options.js';
import type { OpenSession as OwnSession } from './session.js';

/**
 * Starts a sandbox that programs are given to: several, one after the other or at a time, in the same
 * files and processes. When it is closed, its changes are saved for review, as those of a run.
 *
 * @example
 * await using session = await createSession({ workdir: '.', net: ['registry.example.org'] });
 * await session.exec(['npm', 'install']);
 * const { exitCode, stdout } = await session.exec(['npm', 'test']);
 *
 * @throws UsageError for options that are invalid or contradict each other
 * @throws PolicyError where the policy does not compile
 * @throws LaunchError or SupportError where the sandbox could not be started
 * @throws AbortError where the signal is aborted before the start
 */
export function createSession(options: SessionOptions = {}): Promise<Session> {
  const site = callSite(createSession);
  return open(options).catch((error: unknown) => {
    throw calledFrom(site, error);
  });
}

/** Opens a session for the owner of a session of the command line, with what only that needs. */
export async function open(options: SessionOptions): Promise<OwnSession> {
  const own = copyOf(options);
  const { openSession } = await import('./open.js');
  return openSession(own);
}

/** A fork for the owner of one: see `openHandedFork`. */
export async function openHanded(
  bytes: Uint8Array,
  lock: number,
  options?: Pick<SessionOptions, 'onPort'>,
) {
  const { openHandedFork } = await import('./open.js');
  return openHandedFork(bytes, lock, options);
}
