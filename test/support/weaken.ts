/** The weakened sandbox as a command, for tests that need a control. */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { NamespaceName } from '../../src/backend/index.js';
import type { LayerName } from '../../src/plan/index.js';
import { bundleBeside } from './bundle.js';
import type { Identity } from './identity.js';

/** A protection that can be left out. */
export type Layer = LayerName | NamespaceName | 'watch';

const source = join(dirname(fileURLToPath(import.meta.url)), 'weakened-run.ts');
/** argv of `wasbox run` with these arguments, the sandbox without the protections named. */
export function weakenedArgv(
  as: Identity,
  without: readonly Layer[],
  args: readonly string[],
): string[] {
  return [process.execPath, bundleBeside(as, source, 'weakened-run'), without.join(','), ...args];
}
