/** A run that the supervising thread creates, just before it starts the sandbox: no other thread takes part. */
import { type Run, runToMake, type Store } from '../changes/index.js';
import type { NativeNewRun, NativeRun } from '../native/index.js';
import { type PlanInputs, planOfUnmade } from '../plan/index.js';
import { ownOf, type SandboxSpec } from '../resolve/index.js';
import { layersUnmade, newRunRequest } from './layers.js';

export interface NewRun {
  readonly create: NativeNewRun;
  /** With zeros in place of the run's ID. */
  readonly plan: Uint8Array;
  /** To be called when the run has been created. */
  begun(made: NativeRun): Run;
}

/**
 * @param inputs of the plan, without the layers
 * @returns undefined if the run must exist before its plan is made
 */
export function newRun(
  store: Store,
  spec: SandboxSpec,
  inputs: Omit<PlanInputs, 'layers'>,
): NewRun | undefined {
  const { privileged, idmap } = spec.identity;
  const givesLayer = privileged && !idmap;
  if (spec.continues !== undefined || !ownOf(spec).tree || givesLayer) return undefined;
  const layers = layersUnmade(spec);
  const planned = planOfUnmade(spec, { ...inputs, layers }, `${store.directory}/runs/`);
  if (planned === undefined) return undefined;
  const { plan, idPlaces } = planned;
  const { request, end, begun } = runToMake(store, newRunRequest(spec, true));
  return { create: { request, idPlaces, end }, plan, begun };
}
