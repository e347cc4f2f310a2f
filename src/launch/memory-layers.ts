/**
 * Layers that are in the sandbox's private tmpfs while it runs, because overlayfs cannot write to the state directory.
 * They are copied there when the payload has ended. If this process is killed before that, they are lost.
 */
import { dirname, join } from 'node:path';
import { loweredOf } from '../backend/index.js';
import {
  hasLayerAttributes,
  openDirectory,
  openRoot,
  type Run,
  saveLayers,
  withFd,
} from '../changes/index.js';
import { ChangesError, SupportError } from '../errors/index.js';
import {
  closeDescriptor,
  type Native,
  type NativeOutcome,
  type NativeSandbox,
} from '../native/index.js';
import { memoryLayers } from '../plan/index.js';
import { isCopied, isKept, type SandboxSpec } from '../resolve/index.js';
import { displayPath } from '../text/index.js';

/** Names the layers as they are while the run goes on, and as they belong. */
const layersOf = (spec: SandboxSpec, { directory }: Run) =>
  memoryLayers(loweredOf(spec).operations).map(({ name, layer }) => ({
    name: Buffer.from(name),
    layer: join(directory, layer),
  }));

/**
 * Checks, before anything starts, that the layers can be saved at the end.
 * @throws SupportError if they cannot
 */
export function checkMemoryLayers(native: Native, spec: SandboxSpec, run: Run): void {
  for (const { layer } of layersOf(spec, run)) {
    if (withFd(openRoot(native, layer), (fd) => hasLayerAttributes(native, fd))) continue;
    throw new SupportError(
      'ERR_OVERLAY',
      `cannot save changes in ${spec.state.directory}: its file system has no user extended attributes`,
      {
        hint: 'Save them on another file system, such as a volume of the container:\n  export XDG_STATE_HOME=DIR',
      },
    );
  }
}

/** The end of a run whose layers are in memory. */
export interface MemoryEnd {
  readonly sandbox: NativeSandbox;
  readonly spec: SandboxSpec;
  readonly run: Run;
  readonly outcome: NativeOutcome;
  /** True if the changes are only counted and then discarded. */
  readonly discarded: boolean;
}

/**
 * Saves what the payload has changed.
 * @returns notes on what could not be saved
 * @throws ChangesError if there is no room for it, or it is lost
 */
export function saveMemoryLayers(
  native: Native,
  { sandbox, spec, run, outcome, discarded }: MemoryEnd,
): readonly string[] {
  const memory = sandbox.takeMemory();
  // A sandbox that ended by itself had one. A sandbox that failed during the set-up had none, and reports that.
  if (memory === undefined && outcome.kind === 'ended') throw unsaved(spec, filesOpen);
  if (memory === undefined) return [];
  const opened = [memory];
  const open = (fd: number): number => {
    opened.push(fd);
    return fd;
  };
  try {
    const moved = layersOf(spec, run).map(({ name, layer }) => ({
      from: open(openDirectory(native, memory, name)),
      to: open(openRoot(native, layer)),
    }));
    return leftOutNotes(saveLayers(native, moved, { dropped: discarded }));
  } catch (error) {
    throw unsaved(spec, whyLost(spec, error), error);
  } finally {
    for (const fd of opened) closeDescriptor(fd);
  }
}

function leftOutNotes(paths: readonly Buffer[]): string[] {
  const [first] = paths;
  if (first === undefined) return [];
  const more = paths.length === 1 ? '' : ` and ${paths.length - 1} more`;
  return [
    `not saved: ${displayPath(first)}${more}, which the file system of the state directory cannot hold`,
  ];
}

interface Lost {
  readonly why: string;
  readonly hint: string;
}

const filesOpen: Lost = {
  why: 'too many files are open',
  hint: 'Raise the limit (ulimit -n), or close files, and run it again.',
};

function whyLost({ state }: SandboxSpec, error: unknown): Lost {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'EMFILE' || code === 'ENFILE') return filesOpen;
  const full = code === 'ENOSPC' || code === 'EDQUOT';
  if (!full) return { why: message, hint: 'Save runs on another file system: XDG_STATE_HOME=DIR' };
  const hint = `Make room in ${dirname(state.directory)} and run it again.`;
  return { why: 'the disk is full', hint };
}

function unsaved({ views }: SandboxSpec, { why, hint }: Lost, cause?: unknown): ChangesError {
  // The layer of a home that is not shown is on disk all the time.
  const hasHome = views.some((view) => isKept(view) && !isCopied(view));
  const except = hasHome ? ', except those to its home' : '';
  const message = `the changes of the run are lost${except}: ${why}`;
  return new ChangesError('ERR_STATE_DIR', message, { hint, cause });
}
