/** The weakened sandbox as a command, for tests that need a control. */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import type { LayerName, NamespaceName } from '../../src/plan/index.js';

const here = dirname(fileURLToPath(import.meta.url));
const script = join(here, '..', '.build', 'weakened-run.mjs');
let built = false;

/**
 * A command to put before the arguments of `wasbox run`: the same sandbox without the protections
 * that are named.
 */
export function weakenedCommand(...without: (LayerName | NamespaceName)[]): string[] {
  if (!built) {
    buildSync({
      entryPoints: [join(here, 'weakened-run.ts')],
      outfile: script,
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: 'node20',
      logLevel: 'error',
    });
    built = true;
  }
  return [process.execPath, script, without.join(',')];
}
