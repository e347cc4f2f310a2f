// Bundles the command line, the library and the policy core's TypeScript face into dist/.
import { chmodSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const path = (relative) => fileURLToPath(new URL(relative, import.meta.url));

const common = {
  bundle: true,
  format: 'esm',
  target: 'es2023',
  legalComments: 'none',
  logLevel: 'warning',
  outdir: path('../dist'),
};
// What needs Node, and what must also run in a browser.
await build({
  ...common,
  entryPoints: [path('index.ts')],
  platform: 'node',
});
await build({
  ...common,
  entryPoints: { cli: path('cli/main.ts') },
  platform: 'node',
  minifySyntax: true,
  minifyWhitespace: true,
  banner: { js: '#!/usr/bin/env node' },
});
await build({ ...common, entryPoints: [path('policy.ts')], platform: 'neutral' });
chmodSync(path('../dist/cli.js'), 0o755);
