/** Opens sessions: new ones, and forks that another process has made. */

import { refusePlace } from '../host/index.js';
import { aborted, PinnedImage } from '../launch/index.js';
import { begin, type Weaker } from './begin.js';
import { checkSession } from './check.js';
import { takeHanded } from './handed.js';
import { SessionLayers } from './layers.js';
import type { SessionOptions } from './options.js';
import { SessionPorts } from './ports.js';
import { SessionQuestions } from './questions.js';
import { hooks, openState } from './sandboxes.js';
import { OpenSession } from './session.js';

/** Pins an image for the sessions of a pool, which are loaded later than the pool's interface. */
export const pinImage = (): PinnedImage => new PinnedImage();

/** Does what `createSession` does. */
export async function openSession(
  options: SessionOptions,
  { image, ...weaker }: Weaker & { readonly image?: PinnedImage } = {},
): Promise<OpenSession> {
  checkSession(options);
  const { signal } = options;
  if (signal?.aborted) throw aborted(signal);
  refusePlace();
  const state = openState();
  const questions = SessionQuestions.of(options);
  const ports = new SessionPorts(options.onPort);
  const how = { ...weaker, ...hooks(state), asking: questions?.asking, onPort: ports.opened };
  const { spec, ...begun } = await begin(options, how, image);
  questions?.resolved(spec);
  const { journal } = begun.launched;
  const layers = journal && new SessionLayers(journal.store, journal.run, spec);
  return new OpenSession({ spec, options, weaker, state, layers, questions, ports }, begun);
}

/** A fork of another process's session, as `forkAway` has made it. @param lock descriptor of the lock of its run */
export function openHandedFork(
  bytes: Uint8Array,
  lock: number,
  { onPort }: Pick<SessionOptions, 'onPort'> = {},
) {
  const { spec, idleMs, layers } = takeHanded(bytes, lock);
  const ports = new SessionPorts(onPort);
  const own = { state: openState(), layers, questions: undefined, ports };
  const from = { spec, options: { idleMs, onPort }, weaker: {}, ...own };
  return { session: new OpenSession(from, undefined), idleMs };
}
