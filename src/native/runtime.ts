/** Which JavaScript runtimes can hold the native part. */
import { SupportError } from '../errors/index.js';

/** Others than Node that load addons, with what each lacks. */
const others = {
  bun: ['Bun', 'its node:net does not read the pipes that wasbox opens'],
  deno: ['Deno', 'its node:fs does not close the files that wasbox opens'],
} as const;

/** src/cli/boot.cjs says the same of the command's Node. */
const oldest = [20, 18] as const;

/**
 * Refuses a runtime in which a run would hang, leave descriptors open or miss a function.
 * @throws SupportError `ERR_RUNTIME`
 */
export function refuseOtherRuntimes(
  versions: Readonly<Record<string, string | undefined>> = process.versions,
): void {
  if (versions.quickjs !== undefined) return; // the engine of the native command, which has all of it
  const hint =
    'Start it with Node.js 20.18 or newer, or use the wasbox command. wasbox/policy works here.';
  for (const [key, [name, lack]] of Object.entries(others)) {
    const version = versions[key];
    if (version === undefined) continue;
    throw new SupportError(
      'ERR_RUNTIME',
      `wasbox cannot start sandboxes in ${name} ${version}: ${lack}`,
      { hint },
    );
  }
  const [major = 0, minor = 0] = (versions.node ?? '').split('.').map(Number);
  if (major > oldest[0] || (major === oldest[0] && minor >= oldest[1])) return;
  throw new SupportError(
    'ERR_RUNTIME',
    `wasbox needs Node.js ${oldest.join('.')} or later; this is ${versions.node}`,
  );
}
