/**
 * Where a program of an image starts, as Docker has it: in the WorkingDir of the image, unless an option says
 * otherwise. A script or code of the user's starts in the working directory, as without an image.
 */

import { UsageError } from '../errors/index.js';
import { isWithin } from '../host/index.js';
import { spoken } from '../options/index.js';
import type { Draft } from './draft.js';
import { privateView } from './views.js';

interface Start {
  /** Canonical path inside. */
  readonly path: string;
  readonly name: string;
}

/** Returns where the program starts. The command is known by then. */
export function startDirectory(draft: Draft): Start {
  const { image, workdir, tree } = draft;
  const own = { path: workdir.start.path, name: workdir.start.name };
  if (image === undefined) return own;
  // The host's links are not in the image.
  if (!startsInImage(draft)) return { path: own.path, name: own.path };
  const name = image.config.workingDir;
  const place = tree.locate(name);
  if (place.kind === 'directory' && place.mount?.type !== 'proc') {
    return { path: place.path, name };
  }
  const kernel = ['/proc', '/sys', '/dev'].some((top) => isWithin(place.path, top));
  if (place.kind !== undefined || kernel) {
    throw new UsageError('ERR_WORKDIR', `the image starts in ${name}, which is not a directory`, {
      hint: spoken`To start elsewhere: --chdir .`,
    });
  }
  // Docker makes it, too.
  tree.add(privateView({ target: place.path, mode: 0o755, origin: 'image' }));
  return { path: place.path, name: place.path };
}

/** Returns whether the program starts where the image says, as far as the options decide. */
export function startsInImage({ image, options, ofUser }: Draft): boolean {
  const { workdir, chdir } = options;
  const given = workdir !== undefined || chdir !== undefined;
  return !given && !ofUser && image !== undefined && image.config.workingDir !== '/';
}
