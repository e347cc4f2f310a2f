/**
 * Where the layers of a run are while it writes to them: in its directory. If overlayfs cannot write to that file
 * system (a container's root is an overlay itself), they are in the sandbox's memory until it ends.
 */

import { SupportError } from '../errors/index.js';
import { type Host, isBefore } from '../host/index.js';
import { spoken } from '../options/index.js';
import { isWeakerNote, ownOf } from './isolation.js';
import type { SandboxSpec } from './spec.js';
import { isCopied } from './views.js';

type Asked = Pick<SandboxSpec, 'isolation' | 'identity' | 'views' | 'state'> & {
  readonly continues: string | undefined;
};

const memoryText = 'changes are in memory until the run ends, and lost if wasbox is killed';

/** Returns whether a note says how the sandbox is made. Such a note is shown at the start. */
export const isStartNote = (note: string): boolean =>
  isWeakerNote(note) || note.startsWith(memoryText);

/**
 * The note for the user if the layers must be in memory. Undefined if they need not be, and if they cannot: init then
 * says what is wrong with the state directory.
 * @throws SupportError if the run would have to write to an earlier layer
 */
export function memoryNote(asked: Asked, host: Host): string | undefined {
  const { identity, views, state, continues } = asked;
  if (!ownOf(asked).tree || !views.some(isCopied)) return undefined;
  // Root's payload has ids of its own, and a tmpfs of the sandbox has no id map to root's.
  if (identity.privileged) return undefined;
  const obstacle = host.layerObstacle(state.directory);
  // Before Linux 6.6, tmpfs has no user extended attributes, which an upper layer needs.
  if (obstacle === undefined || isBefore(host.kernelRelease(), 6, 6)) return undefined;
  const where = `${state.directory} is on ${obstacle}`;
  if (continues !== undefined) {
    throw new SupportError(
      'ERR_OVERLAY',
      spoken`--continue is not available here: ${where}, where wasbox cannot add to saved changes`,
      {
        hint: 'Apply or discard that run first. Or save runs on another file system: XDG_STATE_HOME=DIR',
      },
    );
  }
  return `${memoryText}: ${where}`;
}
