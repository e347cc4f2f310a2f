/** A fork that another process holds. */
import { deserialize } from 'node:v8';
import { type FrozenLayer, lockOfMade, makeRun, type RunRecord } from '../changes/index.js';
import { loadNative } from '../native/index.js';
import type { SandboxSpec } from '../resolve/index.js';
import { SessionLayers } from './layers.js';

/** The parts that a fork is made of, without the lock of its run. */
interface HandedFiles {
  readonly spec: SandboxSpec;
  readonly idleMs: number | undefined;
  readonly record: RunRecord;
  readonly top: FrozenLayer;
}

/** The fork in the process that made it. */
export interface HandedFork {
  readonly files: HandedFiles;
  /** Descriptor of the lock of its run, until one of these is called. */
  readonly lock: number;
  /** Releases what is held here, once the other process has it. */
  release(): void;
  /** Removes the fork's run, if no other process took it. */
  drop(): void;
}

export function handedFork(
  layers: SessionLayers,
  top: FrozenLayer,
  spec: SandboxSpec,
  idleMs: number | undefined,
): HandedFork {
  const { run } = layers;
  const lock = lockOfMade(run);
  if (lock === undefined) throw new TypeError('a fork is a run that was just made');
  return {
    files: { spec, idleMs, record: run.record, top },
    lock,
    release: () => run.close(),
    drop: () => layers.drop(),
  };
}

/** Takes over what another process of this user has sent, and its files. @param lock descriptor, which they take */
export function takeHanded(
  bytes: Uint8Array,
  lock: number,
): HandedFiles & { readonly layers: SessionLayers } {
  const files = deserialize(bytes) as HandedFiles;
  const { spec, record, top } = files;
  const { directory, named } = spec.state;
  const store = { native: loadNative().native, directory, named };
  const run = makeRun(store, record, lock);
  return { ...files, layers: new SessionLayers(store, run, spec, { top, family: {} }) };
}
