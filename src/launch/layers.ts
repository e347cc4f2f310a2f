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
} from '../changes/index.js';
import { keptTrees, type SandboxSpec, viewsOfRun } from '../resolve/index.js';

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

/** The spec with the layers of a run that was made for another one: for an earlier start, or a fork. */
export async function specOfRun(store: Store, run: Run, spec: SandboxSpec): Promise<SandboxSpec> {
  const { stack, earlier } = run.record;
  if (stack === undefined && earlier === undefined) return spec;
  const stacks = stack === undefined ? [] : await stackPathsSoon(store, run);
  const trees = run.trees.map(({ identity: { path } }, i) => ({ path, stack: stacks[i] ?? [] }));
  return { ...spec, views: viewsOfRun(spec.views, trees) };
}

/**
 * Drops a run that never began, which has changed nothing; of what was cut off, and of what an earlier run had changed,
 * the changes are kept.
 */
export async function dropOrKeep(store: Store, run: Run, keep: boolean): Promise<void> {
  if (keep) await finishRunSoon(store, run, { succeeded: false }, 'keep', undefined);
  else removeRun(store, run);
}

/** Under sudo, the payload is the user who called it: the layer must be that user's to write to. */
export function giveLayer(run: Run, { identity }: SandboxSpec, isNew: boolean): void {
  for (const { layer } of run.trees) {
    // The root of a tree that goes on has the owner that it had.
    const roots = isNew ? [join(layer, 'upper')] : [];
    for (const directory of [layer, ...roots, join(layer, 'work')]) {
      chownSync(directory, identity.hostUid, identity.hostGid);
    }
  }
}
