import { landlockMinimumAbi } from '../host/index.js';
import { keptTrees, ownOf, type SandboxSpec } from '../resolve/index.js';
import { fitsPrivateRoot } from './private-root.js';

/** Returns whether an entry can hold a start of this spec: the native command makes no other. */
export function fitsEntry(spec: SandboxSpec): boolean {
  // It has no part that serves a network, and says nothing of a missing wall.
  if (spec.net === 'rules' || spec.landlockAbi < landlockMinimumAbi) return false;
  if (spec.continues !== undefined || spec.layersInMemory === true) return false;
  const fits = ownOf(spec).tree ? spec.notes.length === 0 : fitsPrivateRoot(spec);
  if (!fits) return false;
  // A working directory, and an empty home behind it: what addon/rundir makes and ends by itself.
  const [workdir, home, ...others] = keptTrees(spec.views);
  if (workdir === undefined || workdir.home !== undefined || others.length > 0) return false;
  return home === undefined || home.home === 'empty';
}
