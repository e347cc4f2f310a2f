/**
 * Stage: front. `wasbox` as npm installs it is a script for Node: install scripts do not run, and one
 * package serves every platform. The first run of whoever owns the installation puts the native front
 * end in the script's place; where that cannot be, everything works through Node as before.
 */
import {
  constants,
  copyFileSync,
  existsSync,
  lstatSync,
  realpathSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { randomBelow } from '../spec/index.js';

/**
 * Replaces `dist/wasbox.cjs`, if that is what this process was started as; says whether it did.
 *
 * @param script what Node was started with
 * @param init path of `wasbox-init`, beside which the front end lies
 */
export function installFront(script: string | undefined, init: string): boolean {
  try {
    if (script === undefined) return false;
    const path = realpathSync(script);
    const directory = dirname(path);
    const native = join(dirname(init), 'wasbox');
    if (path !== join(directory, 'wasbox.cjs') || dirname(dirname(dirname(native))) !== directory) {
      return false;
    }
    // Only what belongs to the caller alone: nobody else's installation is changed, nor through it.
    const { uid, mode } = lstatSync(directory);
    if (uid !== process.geteuid?.() || (mode & 0o022) !== 0 || !existsSync(native)) return false;
    const fresh = join(directory, `.wasbox.${process.pid}-${randomBelow(2 ** 32)}`);
    try {
      copyFileSync(native, fresh, constants.COPYFILE_EXCL);
      renameSync(fresh, path);
    } catch (error) {
      rmSync(fresh, { force: true });
      throw error;
    }
    return true;
  } catch {
    return false; // read-only, full, or the like: it costs time, nothing else
  }
}
