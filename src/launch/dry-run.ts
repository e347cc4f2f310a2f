/** What a run would start, without starting it. */
import { cachedPlan, compileFilters } from '../plan/index.js';
import type { SandboxSpec } from '../resolve/index.js';
import { layersUnmade } from './layers.js';

/**
 * The plan that {@link launch} would make of the spec, with zeros where the run's id would stand.
 * @throws PolicyError where the policy does not compile
 */
export async function planOnly(spec: SandboxSpec): Promise<Uint8Array> {
  return cachedPlan(spec, { ...(await compileFilters(spec)), layers: layersUnmade(spec) });
}
