/**
 * Plans for a program that makes many runs of the same spec: encoded once, and from then
 * on copied with the run's own layers put in.
 */
import { loweredOf } from '../backend/index.js';
import type { SandboxSpec } from '../resolve/index.js';
import { buildPlan, type PlanInputs } from './plan.js';
import { idPlaces, type PlanTemplate, planTemplate, planWithLayers } from './template.js';

interface Made {
  readonly inputs: PlanInputs;
  readonly plan: Uint8Array;
  /** Made for the second plan; `none` where there can be none. */
  template?: PlanTemplate | 'none';
}

/**
 * The latest plan of each spec, which is the same object for equal options (src/resolve/spec-cache.ts); `once` after
 * the first plan. As root each run has a spec of its own, so a session would keep a plan that is never used again.
 */
const made = new WeakMap<SandboxSpec, Made | 'once'>();

/** Whether all inputs but the layers are the same. */
function sameInputs(a: PlanInputs, b: PlanInputs): boolean {
  const names = Object.keys({ ...a, ...b }) as (keyof PlanInputs)[];
  return names.every((name) => name === 'layers' || a[name] === b[name]);
}

const isSameList = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((item, i) => item === b[i]);

/** As `buildPlan`, of what the backend makes of the spec. The bytes must not be changed. */
export function cachedPlan(spec: SandboxSpec, inputs: PlanInputs): Uint8Array {
  const { layers } = inputs;
  const build = () => buildPlan(loweredOf(spec, inputs.privateRoot), inputs);
  if (layers.length === 0) return build();
  const before = made.get(spec);
  if (before !== undefined && before !== 'once' && sameInputs(before.inputs, inputs)) {
    if (isSameList(before.inputs.layers, layers)) return before.plan;
    before.template ??= planTemplate(before.plan, before.inputs.layers) ?? 'none';
    const plan = before.template === 'none' ? undefined : planWithLayers(before.template, layers);
    if (plan !== undefined) return plan;
  }
  const plan = build();
  made.set(spec, before === undefined ? 'once' : { inputs, plan });
  return plan;
}

/** A plan for a run that does not exist yet, and where to write the run's ID in it. */
export interface PlanOfUnmade {
  readonly plan: Uint8Array;
  readonly idPlaces: readonly number[];
}

const places = new WeakMap<Uint8Array, readonly number[] | 'none'>();

/**
 * @param inputs with the layers of a run whose ID is all zeros
 * @param runs the path before the ID in each layer
 * @returns undefined if the places of the ID cannot be found
 */
export function planOfUnmade(
  spec: SandboxSpec,
  inputs: PlanInputs,
  runs: string,
): PlanOfUnmade | undefined {
  const plan = cachedPlan(spec, inputs);
  const found = places.get(plan) ?? idPlaces(plan, inputs.layers, runs) ?? 'none';
  places.set(plan, found);
  return found === 'none' ? undefined : { plan, idPlaces: found };
}
