/** Says what a command of a session may have lacked, by the end of its output, which passes through `wasbox exec`. */
import type { Store } from '../changes/index.js';
import { isWasboxError } from '../errors/index.js';
import { realHost } from '../host/index.js';
import { leadsOfOutput } from '../leads/index.js';
import { loadNative } from '../native/index.js';
import { type ExecEnded, type ExecRequest, type OwnedSession, specOf } from '../owner/index.js';
import type { SandboxSpec } from '../resolve/index.js';
import { displayText } from '../text/index.js';
import { err, style } from './terminal.js';

/** A command that has ended. */
interface Ended {
  readonly request: ExecRequest;
  readonly ended: ExecEnded;
  /** The end of what it wrote. */
  readonly tail: Uint8Array;
}

/** Returns undefined where the session is over, or its owner is of another version. */
function sandboxOf(store: Store, session: OwnedSession): SandboxSpec | undefined {
  try {
    return specOf(store, session);
  } catch (error) {
    if (isWasboxError(error)) return undefined;
    throw error;
  }
}

export function tellLeads(
  store: Store,
  session: OwnedSession,
  { request: { argv, env = {}, quiet }, ended: { exitCode, limit }, tail }: Ended,
): void {
  const failed = exitCode !== null && exitCode !== 0 && limit === undefined;
  const spec = failed && quiet !== true && tail.length > 0 ? sandboxOf(store, session) : undefined;
  if (spec === undefined) return;
  const passed = new Set([...Object.keys(spec.env), ...Object.keys(env)]);
  const host = realHost({ native: loadNative().native });
  const start = 'wasbox session start';
  for (const line of leadsOfOutput(spec, { argv, passed, start }, tail, host))
    err(`${style(2, 'dim', 'wasbox:')} ${displayText(line)}\n`);
}
