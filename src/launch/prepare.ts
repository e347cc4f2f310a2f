/** Prepares what a launch needs before anything is made or started; refused here is what cannot be. */
import { join, relative } from 'node:path';
import { loweredOf } from '../backend/index.js';
import { makeCache, makeStateDirectory, type Store } from '../changes/index.js';
import { SupportError } from '../errors/index.js';
import { loadNative, type Native } from '../native/index.js';
import { compileFilters } from '../plan/index.js';
import {
  cachesName,
  isKept,
  notAvailable,
  ownOf,
  reachesHost,
  type SandboxSpec,
} from '../resolve/index.js';
import { requireOwnIds } from './own-ids.js';
import type { LaunchOptions } from './types.js';

export interface Prepared {
  readonly native: Native;
  /** The executable of init. */
  readonly init: string;
  readonly spec: SandboxSpec;
  readonly options: LaunchOptions;
  readonly filters: Awaited<ReturnType<typeof compileFilters>>;
  readonly directory: Store;
  /** The state directory where the run keeps anything there. */
  readonly store: Store | undefined;
  /** True if the program will start more: layers are used again. */
  readonly reuse: boolean;
  /** True if its run is of this start alone, and may be ended as soon as the payload has. */
  readonly isAlone: boolean;
}

/** @throws SupportError, PolicyError or LaunchError for what cannot be started */
export async function prepare(spec: SandboxSpec, options: LaunchOptions): Promise<Prepared> {
  const { native, init } = loadNative();
  const filters = await compileFilters(spec);
  const { directory: path, named } = spec.state;
  const directory = { native, directory: path, named };
  makeSeen(directory, spec);
  const inMemory = spec.layersInMemory === true;
  const session = options.session !== undefined;
  const own = ownOf(spec);
  if (session && !own.processes) {
    const hint = 'Use a run for each program. Where namespaces work, leave out isolation.';
    throw notAvailable('sessions are', hint);
  }
  if (session && inMemory) throw sessionInMemory(spec);
  loweredOf(spec);
  if (!own.ids) requireOwnIds(spec.identity);
  // A layer that is to be used again is emptied while the next run is made: not with copies to compare.
  const reuse = options.reuse === true && own.tree && !inMemory;
  // A session keeps using its run. The run of a sandbox that still waits for a task is removed when this process ends.
  const isAlone = reuse && !session && options.run === undefined && options.task === undefined;
  const store = spec.views.some(isKept) ? directory : undefined;
  return { native, init, spec, options, filters, directory, store, reuse, isAlone };
}

/** Makes what the sandbox's views show or hide of the state directory. */
function makeSeen(directory: Store, { views }: SandboxSpec): void {
  // A missing file cannot be hidden, but the payload could create it.
  if (views.some((view) => view.type === 'hidden' && view.origin === 'state')) {
    makeStateDirectory(directory);
  }
  const caches = join(directory.directory, cachesName);
  for (const view of views) {
    if (!reachesHost(view) || view.origin !== 'cache') continue;
    makeCache(directory, relative(caches, view.source).split('/'));
  }
}

/** A snapshot would freeze a layer that an overlay goes on writing to. */
const sessionInMemory = ({ state }: SandboxSpec): SupportError =>
  new SupportError(
    'ERR_OVERLAY',
    `cannot keep a session in ${state.directory}: its file system cannot hold the upper layer of an overlay`,
    {
      hint: 'Use another file system, such as a volume of the container:\n  export XDG_STATE_HOME=DIR',
    },
  );
