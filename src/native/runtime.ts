/** Which JavaScript runtimes can hold the native part. */
import { SupportError } from '../errors/index.js';

/** Others than Node that load addons, with what each lacks. */
const others = {
  bun: ['Bun', 'its node:net does not read the pipes that wasbox opens'],
  deno: ['Deno', 'its node:fs does not close the files that wasbox opens'],
} as const;

/**
 * From 20.18 on, and from 22.3 on: 21 and the first ones of 22 have no process.getBuiltinModule(). src/cli/boot.cjs says
 * the same of the command's Node, package.json to package managers.
 */
function isOldNode(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major < 22 ? major !== 20 || minor < 18 : major === 22 && minor < 3;
}

/**
 * Refuses a runtime in which a run would hang, leave descriptors open or miss a function.
 * @throws SupportError `ERR_RUNTIME`
 */
export function refuseOtherRuntimes(
  versions: Readonly<Record<string, string | undefined>> = process.versions,
): void {
  if (versions.quickjs !== undefined) return; // the engine of the native command, which has all of it
  const hint =
    'Start it with Node.js 20.18, 22.3 or newer, or use the wasbox command. wasbox/policy works here.';
  for (const [key, [name, lack]] of Object.entries(others)) {
    const version = versions[key];
    if (version === undefined) continue;
    throw new SupportError(
      'ERR_RUNTIME',
      `wasbox cannot start sandboxes in ${name} ${version}: ${lack}`,
      { hint },
    );
  }
  if (!isOldNode(versions.node ?? '')) return;
  throw new SupportError(
    'ERR_RUNTIME',
    `wasbox needs Node.js 20.18, 22.3 or later; this is ${versions.node}`,
  );
}
