/**
 * Layers that are in the sandbox's private tmpfs while it runs, because overlayfs cannot write to the state directory.
 * They are copied there when the payload has ended. If this process is killed before that, they are lost.
 */
import { dirname } from 'node:path';
import { loweredOf } from '../backend/index.js';
import {
  hasLayerAttributes,
  openDirectory,
  openRoot,
  saveLayer,
  withFd,
} from '../changes/index.js';
import { ChangesError, SupportError } from '../errors/index.js';
import type { Native, NativeOutcome, NativeSandbox } from '../native/index.js';
import { memoryLayers } from '../plan/index.js';
import type { SandboxSpec } from '../resolve/index.js';

/**
 * Checks, before anything starts, that the layers can be saved at the end.
 * @param layers of the spec's views, in their order
 * @throws SupportError if they cannot
 */
export function checkMemoryLayers(
  native: Native,
  spec: SandboxSpec,
  layers: readonly string[],
): void {
  for (const { layer } of memoryLayers(loweredOf(spec).operations, layers)) {
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

/**
 * Saves what the payload has changed.
 * @throws ChangesError if there is no room for it, or it is lost
 */
export function saveMemoryLayers(
  native: Native,
  sandbox: NativeSandbox,
  spec: SandboxSpec,
  layers: readonly string[],
  { kind }: NativeOutcome,
): void {
  const memory = sandbox.takeMemory();
  // A sandbox that ended by itself had one. A sandbox that failed during the set-up had none, and reports that.
  if (memory === undefined && kind === 'ended') throw unsaved(filesOpen);
  if (memory === undefined) return;
  withFd(memory, (root) => {
    for (const { name, layer } of memoryLayers(loweredOf(spec).operations, layers)) {
      try {
        withFd(openDirectory(native, root, Buffer.from(name)), (from) =>
          withFd(openRoot(native, layer), (to) => saveLayer(native, from, to)),
        );
      } catch (error) {
        throw unsaved(whyLost(spec, error), error);
      }
    }
  });
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

const unsaved = ({ why, hint }: Lost, cause?: unknown): ChangesError =>
  new ChangesError('ERR_STATE_DIR', `the changes of the run are lost: ${why}`, { hint, cause });
