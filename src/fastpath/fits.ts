import { landlockMinimumAbi } from '../host/index.js';
import { isCopied, type SandboxSpec } from '../resolve/index.js';

/** Whether an entry can hold a start of this spec: the native command makes no other. */
export function fitsEntry(spec: SandboxSpec): boolean {
  // It has no part that serves a network, and says nothing of a missing wall.
  if (spec.net === 'rules' || spec.landlockAbi < landlockMinimumAbi) return false;
  // One tree, a layer of its own.
  if (spec.views.filter(isCopied).length !== 1 || spec.continues !== undefined) return false;
  return spec.notes.length === 0;
}
