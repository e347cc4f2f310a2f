/** The weakened sandbox as a command, for tests that need a control. */
import { chmodSync, existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import type { NamespaceName } from '../../src/backend/index.js';
import type { LayerName } from '../../src/plan/index.js';
import type { Identity } from './identity.js';

/** A protection that can be left out. */
export type Layer = LayerName | NamespaceName | 'watch';

const source = join(dirname(fileURLToPath(import.meta.url)), 'weakened-run.ts');
const built = new Set<string>();

/** Beside the identity's build, where it finds the native part; never inside of what is packed. */
function build(as: Identity): string {
  const outfile = join(dirname(as.cli), '..', 'test', '.build', `weakened-run-${process.pid}.mjs`);
  if (!built.has(outfile) || !existsSync(outfile)) {
    buildSync({
      entryPoints: [source],
      outfile,
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: 'node20',
      logLevel: 'error',
    });
    chmodSync(outfile, 0o644);
    built.add(outfile);
  }
  return outfile;
}

/** argv of `wasbox run` with these arguments, the sandbox without the protections named. */
export function weakenedArgv(
  as: Identity,
  without: readonly Layer[],
  args: readonly string[],
): string[] {
  return [process.execPath, build(as), without.join(','), ...args];
}
