// Collects the program's own tables of options, errors and system calls for the references. It bundles
// and imports the TypeScript sources, so that the tables exist only once.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';

/** Imports a TypeScript module of the sources. */
export async function importSource(root, path) {
  const folder = mkdtempSync(join(tmpdir(), 'wasbox-docs-'));
  try {
    const outfile = join(folder, 'module.mjs');
    await build({
      entryPoints: [join(root, path)],
      outfile,
      bundle: true,
      format: 'esm',
      platform: 'node',
      target: 'node20.18',
      alias: { yaml: join(root, 'node_modules/yaml/browser/index.js') }, // as src/build.mjs
      logLevel: 'warning',
    });
    return await import(pathToFileURL(outfile).href);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export async function collectFacts(root) {
  const source = await importSource(root, 'docs/site/facts.ts');
  const core = readFileSync(join(root, 'dist/wasbox-core.wasm'));
  return source.facts(core);
}
