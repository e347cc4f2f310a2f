// Compiled parts of the engine, each in a directory that is kept until what it is made of changes.
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const builds = join(dirname(fileURLToPath(import.meta.url)), 'build');

/** Fills a directory and gives it its name in one step, so that no other build finds half of it. */
function fill(place, make) {
  mkdirSync(dirname(place), { recursive: true });
  const directory = mkdtempSync(`${place}.`);
  try {
    make(directory);
    renameSync(directory, place);
  } catch (error) {
    rmSync(directory, { recursive: true, force: true });
    if (!existsSync(place)) throw error; // else another build was first
  }
}

/** The name of a part that is made of these. */
const placeOf = (name, inputs) => {
  const hash = createHash('sha256');
  for (const input of inputs) hash.update(input).update('\0');
  return `${name}-${hash.digest('hex').slice(0, 16)}`;
};

/** Returns whether a part is there already. */
export const isKept = (name, inputs) => existsSync(join(builds, placeOf(name, inputs)));

/**
 * A directory of addon/engine/build that `make` fills.
 * @param {string} [shared] directory in which checkouts share such parts
 */
export function keptDirectory(name, inputs, make, shared) {
  const place = join(builds, placeOf(name, inputs));
  if (existsSync(place)) return place;
  if (shared === undefined) {
    fill(place, make);
    return place;
  }
  const common = join(shared, placeOf(name, inputs));
  if (!existsSync(common)) fill(common, make);
  fill(place, (directory) => cpSync(common, directory, { recursive: true }));
  return place;
}

/** The files of such a directory. */
export function kept(name, inputs, make) {
  const place = keptDirectory(name, inputs, make);
  return readdirSync(place)
    .sort()
    .map((file) => join(place, file));
}
