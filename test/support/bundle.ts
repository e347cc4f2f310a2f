/** Programs of the tests beside an identity's build, where they find the native part; never inside of what is packed. */
import { chmodSync, existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { buildSync } from 'esbuild';
import type { Identity } from './identity.js';

const built = new Set<string>();

/** The bundle of a file of TypeScript, made once by each test process; its path. */
export function bundleBeside(as: Identity, source: string, name: string): string {
  const outfile = join(dirname(as.cli), '..', 'test', '.build', `${name}-${process.pid}.mjs`);
  if (built.has(outfile) && existsSync(outfile)) return outfile;
  const format = { bundle: true, platform: 'node', format: 'esm', target: 'node20' } as const;
  buildSync({ entryPoints: [source], outfile, logLevel: 'error', ...format });
  chmodSync(outfile, 0o644);
  built.add(outfile);
  return outfile;
}
