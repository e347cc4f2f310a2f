/** Decides whether a profile lies where the payload may write, and so may have come with it. */
import { posix } from 'node:path';
import type { Host } from '../host/index.js';
import { isWithin } from '../host/index.js';
import type { RunOptions } from '../options/index.js';
import { splitMapping } from '../options/index.js';

/** Returns whether the payload may write to a place, by its name or where that leads. */
export function isExposed(options: RunOptions, host: Host, workdir: string, path: string): boolean {
  const here = host.cwd() ?? '/';
  const written = [...(options.rw ?? []), ...(options.cow ?? [])].map((mapping) =>
    posix.resolve(here, typeof mapping === 'string' ? splitMapping(mapping).path : mapping.path),
  );
  const real = (name: string) => host.files.realpath(name) ?? name;
  const places = [workdir, ...written].flatMap((place) => [place, real(place)]);
  // Where the name lies, where its directory really is, and where it leads: a link may be planted.
  const names = [path, posix.join(real(posix.dirname(path)), posix.basename(path)), real(path)];
  return names.some((name) => places.some((place) => isWithin(name, place)));
}
