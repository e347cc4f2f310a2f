/** What the shared code uses of node:fs: files of the installation. */
import { engineFiles } from './host.js';

const whole = 1 << 24;

export const existsSync = (path: string): boolean => engineFiles.stat(path) !== undefined;

export function readFileSync(path: string): Uint8Array {
  const bytes = engineFiles.read(path, whole);
  if (bytes === undefined) throw new Error(`cannot read ${path}`);
  return bytes;
}
