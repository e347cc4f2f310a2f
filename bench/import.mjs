// How long the import of the library takes, each in a fresh process, beside an empty module.
//   node bench/import.mjs [--rounds 20] [--dist DIR]
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { median } from './measure.mjs';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '20' },
    dist: { type: 'string', default: fileURLToPath(new URL('../dist', import.meta.url)) },
  },
});

function once(specifier) {
  const source = `const start = performance.now();
    await import(${JSON.stringify(specifier)});
    console.log(performance.now() - start);`;
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', source], {
    encoding: 'utf8',
  });
  return Number(stdout);
}

const index = pathToFileURL(join(values.dist, 'index.js')).href;
const specifiers = {
  'an empty module': 'data:text/javascript,',
  'node:child_process': 'node:child_process',
  wasbox: index,
};
const samples = new Map(Object.keys(specifiers).map((name) => [name, []]));
for (let round = 0; round < Number(values.rounds); round++) {
  for (const [name, specifier] of Object.entries(specifiers))
    samples.get(name).push(once(specifier));
}
for (const [name, all] of samples) console.log(`${name}: ${median(all).toFixed(1)} ms`);
