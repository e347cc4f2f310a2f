/**
 * The run in the journal whose layers a sandbox's copy-on-write directories and its home write to:
 * begun before the sandbox is, and dropped or kept where it never came to its end.
 */
import { chownSync } from 'node:fs';
import { join } from 'node:path';
import {
  continueRunSoon,
  createRun,
  createRunSoon,
  finishRunSoon,
  type Run,
  type RunRequest,
  removeRun,
  type Store,
  stackPathsSoon,
  unmadeLayers,
} from '../changes/index.js';
import {
  isKept,
  keptTrees,
  layersInOrder,
  type SandboxSpec,
  stackedViews,
} from '../resolve/index.js';

export async function beginRun(store: Store, spec: SandboxSpec, reuse: boolean): Promise<Run> {
  const { continues } = spec;
  const request = newRunRequest(spec, reuse);
  if (continues !== undefined) return continueRunSoon(store, continues, request);
  return reuse ? await createRunSoon(store, request) : createRun(store, request);
}

export const newRunRequest = (
  { command, changes, changesOnFailure, views }: SandboxSpec,
  reuse: boolean,
): RunRequest => ({
  command: command.display,
  argv: command.argv,
  trees: keptTrees(views),
  discard: changes === 'discard' || changesOnFailure === 'discard',
  reuse,
});

export const isContinued = ({ record }: Run): boolean => record.earlier !== undefined;

/** The layer of each view that has one, in the spec's order. */
export function layersOf({ trees }: Run, { views }: SandboxSpec): string[] {
  return layersInOrder(views, ({ path }) => {
    const tree = trees.find(({ identity }) => identity.path === path);
    if (tree === undefined) throw new TypeError(`no layer for ${path}`);
    return tree.layer;
  });
}

/** The spec with the frozen layers of a run below what is written to. */
export async function stackedSpec(store: Store, run: Run, spec: SandboxSpec): Promise<SandboxSpec> {
  if (run.record.stack === undefined) return spec;
  return { ...spec, views: stackedViews(spec.views, await stackPathsSoon(store, run)) };
}

/** The same of a run that is not made. */
export function layersUnmade({ views, state }: SandboxSpec): string[] {
  const layers = unmadeLayers(state, views.filter(isKept).length);
  return layersInOrder(views, (_tree, index) => layers[index] ?? '');
}

/**
 * What never ran has changed nothing; of what was cut off, and of what an earlier run had changed,
 * the changes are kept.
 */
export async function dropOrKeep(store: Store, run: Run, keep: boolean): Promise<void> {
  if (keep) await finishRunSoon(store, run, { succeeded: false }, 'keep', undefined);
  else removeRun(store, run);
}

/** Under sudo the payload is the user who called it: the layer must be that user's to write to. */
export function giveLayer(run: Run, { identity }: SandboxSpec, isNew: boolean): void {
  for (const { layer } of run.trees) {
    // The root of a tree that goes on has the owner that it had.
    const roots = isNew ? [join(layer, 'upper')] : [];
    for (const directory of [layer, ...roots, join(layer, 'work')]) {
      chownSync(directory, identity.hostUid, identity.hostGid);
    }
  }
}
