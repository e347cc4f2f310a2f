/** Finds for `wasbox doctor` whether runs can mount overlays, and where their layers are. */
import { type Host, type HostFacts, isBefore } from '../host/index.js';
import type { Finding } from './run.js';

/**
 * A run whose layer cannot be in the state directory keeps it in memory.
 * @param found what trying it gave
 * @param errno symbolic, of that
 */
export function overlayFinding(
  found: Finding,
  host: Pick<Host, 'layerObstacle' | 'nested'>,
  { state, kernel, root }: Pick<HostFacts, 'state' | 'kernel' | 'root'>,
  errno: string,
): Finding {
  // mount(2): the upper layer was refused. Anything else would keep an overlay in memory from being mounted, too.
  if (errno !== 'EINVAL' || state === undefined) return found;
  const obstacle = host.layerObstacle(state);
  const privileged = root && !host.nested;
  if (obstacle === undefined || privileged || isBefore(kernel, 6, 6)) return found;
  return {
    name: found.name,
    verdict: 'degraded',
    detail: `${state} is on ${obstacle}, so a run's changes are in memory until it ends; sessions (so wasbox mcp, too) and --continue do not work`,
    ...(found.fix === undefined ? {} : { fix: found.fix }),
  };
}
