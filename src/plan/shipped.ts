/**
 * Built-in policies as filters, which src/build.mjs has compiled. The engine has its own in its image: its build
 * (addon/engine/build.mjs) puts a module with the same filters in the place of this one.
 */
import { readFileSync } from 'node:fs';
import { installedFile } from '../host/index.js';

/** The filters that an earlier run of this process has read; never changed. */
const read = new Map<string, Uint8Array>();

/**
 * A filter that came with the package: beside the bundle, or in dist/ when the sources run.
 * @param file `POLICY.ARCH`
 */
export function shippedFilter(file: string): Uint8Array | undefined {
  const known = read.get(file);
  if (known !== undefined) return known;
  const path = installedFile(`filters/${file}.bpf`);
  if (path === undefined) return undefined;
  const bpf = readFileSync(path);
  read.set(file, bpf);
  return bpf;
}
