// The playground's page for the site: its HTML, its bundles and the policy core. Each worker is a
// bundle of its own; wasbox-core.wasm is the package's file, byte for byte.
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleForSite } from '../site/bundle.mjs';

const here = dirname(fileURLToPath(import.meta.url));

/** Bundles script, workers and style into the folder, beside the core. */
async function bundle(root, folder) {
  mkdirSync(folder, { recursive: true });
  await bundleForSite({
    entryPoints: {
      playground: join(here, 'main.ts'),
      worker: join(here, 'core/worker.ts'),
      convert: join(here, 'core/convert.ts'),
      style: join(here, 'style.css'),
    },
    outdir: folder,
    format: 'esm',
    target: 'es2023',
    charset: 'utf8',
    legalComments: 'none',
    loader: { '.policy': 'text', '.strace': 'text' },
  });
  copyFileSync(join(root, 'dist/wasbox-core.wasm'), join(folder, 'wasbox-core.wasm'));
}

export async function render({ root, outdir }) {
  await bundle(root, join(outdir, 'playground'));
  return {
    body: readFileSync(join(here, 'body.html'), 'utf8'),
    styles: ['playground/style.css'],
    scripts: ['playground/playground.js'],
  };
}
