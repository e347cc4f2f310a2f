/**
 * The run in the journal whose layers a sandbox's copy-on-write directories write to:
 * begun before the sandbox is, and dropped or kept where it never came to its end.
 */
import { chownSync } from 'node:fs';
import { join } from 'node:path';
import {
  continueRun,
  createRun,
  finishRun,
  type Run,
  removeRun,
  type Store,
  unmadeLayers,
} from '../changes/index.js';
import { isCopied, type SandboxSpec } from '../resolve/index.js';

/** The directories that a spec shows copy-on-write, the working directory first. */
function copiedTrees({ views }: SandboxSpec): string[] {
  return views
    .filter(isCopied)
    .sort((a, b) => Number(b.origin === 'workdir') - Number(a.origin === 'workdir'))
    .map(({ source }) => source);
}

export function beginRun(store: Store, spec: SandboxSpec, reuse: boolean): Run {
  const [workdir = '/', ...trees] = copiedTrees(spec);
  const { command, changes, continues } = spec;
  const request = { command: command.display, argv: command.argv, workdir, trees };
  if (continues !== undefined) return continueRun(store, continues, request);
  return createRun(store, { ...request, discard: changes === 'discard', reuse });
}

export const isContinued = ({ record }: Run): boolean => record.earlier !== undefined;

/** The directory that a tree's overlay writes to. */
export function layerOf(run: Run, source: string): string {
  const tree = run.trees.find(({ identity }) => identity.path === source);
  if (tree === undefined) throw new TypeError(`no layer for ${source}`);
  return tree.layer;
}

/** The layers of a run that is not made, one for each overlay in the spec's order. */
export function layersUnmade(spec: SandboxSpec): string[] {
  const trees = copiedTrees(spec);
  const layers = unmadeLayers(spec.state, trees.length);
  return spec.views.filter(isCopied).map(({ source }) => layers[trees.indexOf(source)] ?? '');
}

/**
 * What never ran has changed nothing; of what was cut off, and of what an earlier run had changed,
 * the changes are kept.
 */
export function dropOrKeep(store: Store, run: Run, keep: boolean): void {
  if (keep) finishRun(store, run, { succeeded: false }, 'keep');
  else removeRun(store, run);
}

/** Under sudo the payload is the user who called it: the layer must be that user's to write to. */
export function giveLayer(run: Run, { identity }: SandboxSpec): void {
  for (const { layer } of run.trees) {
    for (const directory of [layer, join(layer, 'upper'), join(layer, 'work')]) {
      chownSync(directory, identity.hostUid, identity.hostGid);
    }
  }
}
