/** Tells which JavaScript runtimes can hold the native part. */
import { SupportError } from '../errors/index.js';

/** Others than Node that load addons, with what each lacks. */
const others = {
  bun: ['Bun', 'its node:net does not read the pipes that wasbox opens'],
  deno: ['Deno', 'its node:fs does not close the files that wasbox opens'],
} as const;

/**
 * Returns whether it is older than 20.18, or is 21 or 22.0 to 22.2, which have no process.getBuiltinModule().
 * src/cli/boot.cjs checks the same for the command, and package.json tells package managers.
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
    'Start it with Node.js 20.18 or newer (not 21, nor 22.0 to 22.2), or use the wasbox command. wasbox/policy works here.';
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
    `wasbox needs Node.js 20.18 or later (not 21, nor 22.0 to 22.2); this is ${versions.node}`,
  );
}
