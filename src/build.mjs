// Bundles the sources: dist/cli.js (the command, one file, so that it starts fast), dist/index.js
// (the library) and dist/policy.js (the policy core's face, which also runs in browsers).
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const src = dirname(fileURLToPath(import.meta.url));
const dist = join(src, '..', 'dist');

/** @type {import('esbuild').BuildOptions} */
const common = {
  absWorkingDir: join(src, '..'),
  outdir: dist,
  bundle: true,
  format: 'esm',
  target: 'es2023',
  charset: 'utf8',
  legalComments: 'none',
  logLevel: 'warning',
};

/** @type {import('esbuild').BuildOptions} */
const node = { ...common, platform: 'node', target: 'node20.18' };

await Promise.all([
  build({
    ...node,
    entryPoints: { cli: join(src, 'cli', 'main.ts') },
    banner: { js: '#!/usr/bin/env node' },
    minifySyntax: true,
    minifyWhitespace: true,
  }),
  build({ ...node, entryPoints: { index: join(src, 'index.ts') } }),
  // No platform: whatever needs node: must not creep in, and then fails here.
  build({
    ...common,
    platform: 'neutral',
    mainFields: ['module', 'main'],
    entryPoints: { policy: join(src, 'policy.ts') },
  }),
]);

chmodSync(join(dist, 'cli.js'), 0o755);

// Built-in policies as filters, so that an ordinary run need not compile one.
const { builtinNames, compilePolicy, init } = await import(join(dist, 'policy.js'));
await init();
rmSync(join(dist, 'filters'), { recursive: true, force: true });
mkdirSync(join(dist, 'filters'), { recursive: true });
for (const builtin of builtinNames()) {
  for (const arch of ['x86_64', 'aarch64']) {
    const { bpf } = compilePolicy({ builtin }, { arch });
    writeFileSync(join(dist, 'filters', `${builtin}.${arch}.bpf`), bpf);
  }
}
