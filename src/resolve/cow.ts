/**
 * `--cow`: more directories that are shown copy-on-write. Each has a layer of its own
 * in the run's entry, so no two may lie in each other: a change would have two places to go to.
 */

import { isWithin } from '../host/index.js';
import { spoken } from '../options/index.js';
import type { Draft } from './draft.js';
import { isHome } from './home.js';
import { isRootMapping } from './image.js';
import { findShown, pathError } from './mounts.js';
import { copiedView, isCopied } from './views.js';

export function addCopyOnWrite(draft: Draft): void {
  for (const [i, mapping] of (draft.options.cow ?? []).entries()) {
    if (isHome(mapping, draft.host)) continue; // addHome has
    if (draft.image !== undefined && isRootMapping(mapping)) continue; // rootView has
    const option = draft.named('--cow', 'cow', i);
    const { path, source, info, target } = findShown(draft, option, mapping);
    if (info.kind !== 'directory') {
      throw pathError(
        `${option} ${path}: not a directory`,
        'Only directories can be mounted copy-on-write. Use the directory that contains it.',
      );
    }
    refuseOverlap(draft, path, source);
    const identity = { dev: info.dev, ino: info.ino };
    draft.tree.add(copiedView({ source, target, origin: 'user', identity }));
  }
}

function refuseOverlap(draft: Draft, path: string, source: string): void {
  for (const mount of draft.tree.list()) {
    if (!isCopied(mount)) continue;
    if (!isWithin(source, mount.source) && !isWithin(mount.source, source)) continue;
    // A directory that is shown in the home has its own layer, and covers the home's there.
    if (mount.origin === 'home' && source !== mount.source && isWithin(source, mount.source))
      continue;
    const other =
      mount.origin === 'workdir'
        ? `the working directory ${mount.source}`
        : spoken`--cow ${mount.source}`;
    throw pathError(
      spoken`--cow ${path} overlaps with ${other}`,
      isWithin(source, mount.source)
        ? 'It is copy-on-write already. Remove this option.'
        : spoken`Give only the outer one, as --workdir or --cow.`,
    );
  }
}
