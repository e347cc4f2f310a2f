/** Finds for `wasbox doctor` whether a sandbox reaches what rules allow (`--net example.org`). */
import { WasboxError } from '../errors/index.js';
import { udpObstacle } from '../leads/index.js';
import type { Native } from '../native/index.js';
import { type Finding, findingOf, tryRun } from './run.js';

/** The errno that a sandbox with rules met on its way out; nothing is sent. */
export async function networkFinding(native: Native): Promise<Finding> {
  const name = 'network rules (--net example.org)';
  try {
    const errno = (await tryRun(native, 'internet')).outcome.udpErrno ?? 0;
    if (errno === 0) return { name, verdict: 'good', detail: 'TCP, UDP and names' };
    const { code, message } = native.errnoName(errno);
    const { why, fix } = udpObstacle(code, message);
    return { name, verdict: 'degraded', detail: `TCP and names, but no UDP: ${why}`, fix };
  } catch (error) {
    if (!(error instanceof WasboxError)) throw error;
    return findingOf(name, 'degraded', error);
  }
}
