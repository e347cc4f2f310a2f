/** Which JavaScript runtimes can hold the native part. */
import { SupportError } from '../errors/index.js';

/** Others than Node that load addons, with what each lacks. */
const others = {
  bun: ['Bun', 'its node:net does not read the pipes that wasbox opens'],
  deno: ['Deno', 'its node:fs does not close the files that wasbox opens'],
} as const;

/**
 * Refuses a runtime in which a run would hang or leave descriptors open.
 * @throws SupportError `ERR_RUNTIME`
 */
export function refuseOtherRuntimes(
  versions: Readonly<Record<string, string | undefined>> = process.versions,
): void {
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
}
