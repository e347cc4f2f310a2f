/** A run that the supervising thread makes, just before it starts the sandbox: Node's threads need not meet for it. */
import { type Run, runToMake, type Store } from '../changes/index.js';
import type { NativeNewRun, NativeRun } from '../native/index.js';
import { type PlanInputs, planOfUnmade } from '../plan/index.js';
import type { SandboxSpec } from '../resolve/index.js';
import { layersUnmade, newRunRequest } from './layers.js';

export interface NewRun {
  readonly create: NativeNewRun;
  /** For the run without its id. */
  readonly plan: Uint8Array;
  /** It has been made. */
  begun(made: NativeRun): Run;
}

/**
 * @param inputs of the plan, without the layers
 * @returns undefined where the run has to be there before the plan is
 */
export function newRun(
  store: Store,
  spec: SandboxSpec,
  inputs: Omit<PlanInputs, 'layers'>,
): NewRun | undefined {
  const { privileged, idmap } = spec.identity;
  const givesLayer = privileged && !idmap;
  if (spec.continues !== undefined || spec.isolation !== 'namespaces' || givesLayer)
    return undefined;
  const layers = layersUnmade(spec);
  const planned = planOfUnmade(spec, { ...inputs, layers }, `${store.directory}/runs/`);
  if (planned === undefined) return undefined;
  const { plan, idPlaces } = planned;
  const { request, end, begun } = runToMake(store, newRunRequest(spec, true));
  return { create: { request, idPlaces, end }, plan, begun };
}
