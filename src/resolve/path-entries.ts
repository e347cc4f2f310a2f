/** PATH, as the payload has it. */
import { posix } from 'node:path';
import type { Draft } from './draft.js';
import { fallbackPath } from './system.js';

/** Entries of the user's PATH that mean something anywhere: absolute ones. */
export function pathEntries(draft: Draft): string[] {
  const path =
    (draft.image === undefined ? draft.host.env.PATH : pathInImage(draft)) || fallbackPath;
  const entries = path.split(':').filter((entry) => entry.startsWith('/'));
  return [...new Set(entries.map((entry) => posix.resolve(entry)))];
}

/** PATH as programs of the image have it: an option's, else the image's. */
function pathInImage({ image, options, host }: Draft): string | undefined {
  const asked = options.env?.PATH;
  if (asked !== undefined) return asked === true ? host.env.PATH : asked;
  return image?.config.env.find((one) => one.startsWith('PATH='))?.slice('PATH='.length);
}
