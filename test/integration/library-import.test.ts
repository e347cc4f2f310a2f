/** Tests what a program loads that imports the library: not what only few of its functions need. */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Metafile } from 'esbuild';
import { beforeAll, describe, expect, test } from 'vitest';
import { bundleLibrary } from '../../src/library.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));

let outputs: Metafile['outputs'] = {};
beforeAll(async () => {
  const options = {
    absWorkingDir: root,
    outdir: join(root, 'dist'),
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20.18',
  } as const;
  ({ outputs } = (await bundleLibrary(join(root, 'src'), options)).metafile);
});

/** Files that are loaded with `index.js`, by imports of these kinds. */
function loaded(...kinds: string[]): string[] {
  const files = new Set(['dist/index.js']);
  for (const file of files) {
    for (const { path, kind, external } of outputs[file]?.imports ?? []) {
      if (external !== true && kinds.includes(kind)) files.add(path);
    }
  }
  return [...files];
}

const sourcesIn = (files: readonly string[]): string[] =>
  files.flatMap((file) =>
    Object.entries(outputs[file]?.inputs ?? {})
      .filter(([, { bytesInOutput }]) => bytesInOutput > 0)
      .map(([source]) => source),
  );

/** Code that an import must not load, each with a source that has it. */
const later = {
  'what runs programs': /^src\/(launch\/(whole-run|start|launch)|resolve|plan|options|native)[./]/,
  'the policy core': /^src\/core\/load|^src\/policy\/(compile|messages|listing)\.|wasi_shim/,
  'to review and apply changes':
    /^src\/changes\/(show\/diff|apply|scan|auto-executed)|^node_modules\/diff\//,
  sessions: /^src\/session\/session\./,
  pools: /^src\/pool\//,
  doctor: /^src\/doctor\/(doctor|run)\./,
  'reports for people': /^src\/report\/(summary\.|html\/)/,
  learning: /^src\/learn\/learn\./,
};

describe('the import', () => {
  test.each(Object.entries(later))('does not load %s', (_, pattern) => {
    const sources = sourcesIn(loaded('import-statement'));
    expect(sources).toContain('src/launch/run.ts');
    expect(sources.filter((source) => pattern.test(source))).toEqual([]);
  });

  test.each(Object.entries(later))('control: functions that need it load it: %s', (_, pattern) => {
    const sources = sourcesIn(loaded('import-statement', 'dynamic-import'));
    expect(sources.filter((source) => pattern.test(source))).not.toEqual([]);
  });

  test('reads three files: the names, the errors, and what loads the rest when it is called', () => {
    expect(loaded('import-statement').map(dirname)).toEqual(['dist', 'dist', 'dist']);
    const [, ...parts] = loaded('import-statement').map((file) => outputs[file]?.bytes ?? 0);
    expect(Math.max(...parts)).toBeLessThan(40_000);
    expect(Math.min(...parts)).toBeLessThan(10_000);
  });
});
