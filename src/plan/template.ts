/**
 * A plan once more, for another run of the same: only its layer differs, whose path is as
 * long as the one before.
 */

import { indexOfBytes } from '../text/index.js';

const encoder = new TextEncoder();

/** The only place of `part` in `whole`; undefined where it has none, or more than one. */
export function onlyPlace(whole: Uint8Array, part: string): number | undefined {
  const bytes = encoder.encode(part);
  const at = indexOfBytes(whole, bytes);
  return at < 0 || indexOfBytes(whole, bytes, at + 1) >= 0 ? undefined : at;
}

/** A plan, and where in it the layer's path stands. */
export interface PlanTemplate {
  readonly plan: Uint8Array;
  readonly at: number;
  /** Bytes of the path. */
  readonly length: number;
}

/** Makes a plan with one layer the template for others; undefined where the layer is not found once. */
export function planTemplate(plan: Uint8Array, layer: string): PlanTemplate | undefined {
  const at = onlyPlace(plan, `${layer}\0`);
  return at === undefined ? undefined : { plan, at, length: encoder.encode(layer).length };
}

/** A copy of the plan with this layer; undefined where its path has another length. */
export function planWithLayer(
  { plan, at, length }: PlanTemplate,
  layer: string,
): Uint8Array | undefined {
  const path = encoder.encode(layer);
  if (path.length !== length || path.includes(0)) return undefined;
  const copy = Uint8Array.from(plan);
  copy.set(path, at);
  return copy;
}
