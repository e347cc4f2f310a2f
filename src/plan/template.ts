/**
 * A plan once more, for another run of the same: only its layers differ, whose paths are as
 * long as those before.
 */

import { planLayout } from './wire.generated.js';

const encoder = new TextEncoder();

/** The only place of `part` in `whole`; undefined where it has none, or more than one. */
export function onlyPlace(whole: Uint8Array, part: string): number | undefined {
  const bytes = Buffer.from(whole.buffer, whole.byteOffset, whole.length);
  const at = bytes.indexOf(part);
  return at < 0 || bytes.indexOf(part, at + 1) >= 0 ? undefined : at;
}

/** A plan, and where in it the layers' paths stand. */
export interface PlanTemplate {
  readonly plan: Uint8Array;
  readonly layers: readonly { readonly at: number; readonly length: number }[];
}

/** Makes a plan the template for others with as many layers; undefined where one is not found once. */
export function planTemplate(
  plan: Uint8Array,
  layers: readonly string[],
): PlanTemplate | undefined {
  const found = layers.map((layer) => {
    const at = onlyPlace(plan, `${layer}\0`);
    return at === undefined ? undefined : { at, length: encoder.encode(layer).length };
  });
  const known = found.filter((place) => place !== undefined);
  return known.length < layers.length ? undefined : { plan, layers: known };
}

/**
 * Where to write the ID of a run that does not exist yet in a plan: its place in the path of each layer.
 * @param runs the path before the ID
 * @returns undefined if a layer is not found exactly once, or is not below `runs`
 */
export function idPlaces(
  plan: Uint8Array,
  layers: readonly string[],
  runs: string,
): number[] | undefined {
  const template = planTemplate(plan, layers);
  if (template === undefined || !layers.every((layer) => layer.startsWith(runs))) return undefined;
  const behind = encoder.encode(runs).length;
  return template.layers.map(({ at }) => at + behind);
}

/** A copy of the plan with these layers; undefined where a path has another length. */
export function planWithLayers(
  { plan, layers: places }: PlanTemplate,
  layers: readonly string[],
): Uint8Array | undefined {
  if (layers.length !== places.length) return undefined;
  const copy = new Uint8Array(plan);
  for (const [i, { at, length }] of places.entries()) {
    const path = encoder.encode(layers[i]);
    if (path.length !== length || path.includes(0)) return undefined;
    copy.set(path, at);
  }
  return copy;
}

/** A copy of the plan without the last `count` words of what it executes; no byte of them is left. */
export function withoutArguments(plan: Uint8Array, count: number): Uint8Array {
  if (count === 0) return plan;
  const copy = new Uint8Array(plan);
  const view = new DataView(copy.buffer);
  const argv = view.getUint32(planLayout.argv.offset, true);
  const kept = view.getUint32(planLayout.argc.offset, true) - count;
  for (let i = kept; i < kept + count; i++) {
    const at = argv + 8 * i;
    const text = Number(view.getBigUint64(at, true));
    copy.fill(0, text, copy.indexOf(0, text));
    view.setBigUint64(at, 0n, true);
  }
  view.setUint32(planLayout.argc.offset, kept, true);
  return copy;
}
