/** Plans for a program that makes many runs of the same spec: encoded once, because a plan does not name its run. */
import { loweredOf } from '../backend/index.js';
import type { SandboxSpec } from '../resolve/index.js';
import { buildPlan, type PlanInputs } from './plan.js';

interface Made {
  readonly inputs: PlanInputs;
  readonly plan: Uint8Array;
}

/**
 * The latest plan of each spec, which is the same object for equal options (src/resolve/spec-cache.ts); `once` after
 * the first plan. As root each run has a spec of its own, so a session would keep a plan that is never used again.
 */
const made = new WeakMap<SandboxSpec, Made | 'once'>();

function sameInputs(a: PlanInputs, b: PlanInputs): boolean {
  const names = Object.keys({ ...a, ...b }) as (keyof PlanInputs)[];
  return names.every((name) => a[name] === b[name]);
}

/** Does what `buildPlan` does, with what the backend makes of the spec. The bytes must not be changed. */
export function cachedPlan(spec: SandboxSpec, inputs: PlanInputs): Uint8Array {
  const before = made.get(spec);
  if (before !== undefined && before !== 'once' && sameInputs(before.inputs, inputs)) {
    return before.plan;
  }
  const plan = buildPlan(loweredOf(spec, inputs.privateRoot), inputs);
  made.set(spec, before === undefined ? 'once' : { inputs, plan });
  return plan;
}
