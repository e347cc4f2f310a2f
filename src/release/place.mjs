// Puts a finished release in the place of an earlier one. main.mjs makes its files in a directory beside that place, so
// that a failure leaves the earlier release whole, and nothing of the new one.
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

/** A link without a target is there, too. */
const statOf = (path) => lstatSync(path, { throwIfNoEntry: false });

/** Why a release cannot be put there; one line a reason. Another directory than a release's is never removed. */
export function placeFaults(out) {
  const stat = statOf(out);
  if (stat === undefined) return [];
  const what = stat.isDirectory() ? 'has no SHA256SUMS' : 'is not a directory';
  const names = stat.isDirectory() ? readdirSync(out) : ['a file'];
  if (names.length === 0 || names.includes('SHA256SUMS')) return [];
  return [`${out} is no earlier release: it ${what}. Remove it, or name another --out`];
}

/** Moves an earlier release away and the new one in; if that fails, the earlier one comes back. */
function exchange(made, out, before) {
  const isThere = statOf(out) !== undefined;
  if (isThere) renameSync(out, before);
  try {
    renameSync(made, out);
  } catch (error) {
    if (isThere) renameSync(before, out);
    throw error;
  }
}

/**
 * Makes a directory, which appears under its name when it is complete.
 * @param {string} out where it goes; what is there is replaced
 * @param {(directory: string) => void} make fills it; what it throws is passed on, and `out` is as it was
 */
export function makeInPlace(out, make) {
  mkdirSync(dirname(out), { recursive: true });
  // rename(2) needs one file system.
  const stage = mkdtempSync(join(dirname(out), '.wasbox-release-'));
  try {
    const made = join(stage, 'made');
    mkdirSync(made);
    chmodSync(made, 0o755); // whatever the umask is
    make(made);
    exchange(made, out, join(stage, 'before'));
  } finally {
    rmSync(stage, { recursive: true, force: true });
  }
}
