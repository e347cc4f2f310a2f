// Tests of the policy core in C, built with the host's compiler and sanitizers: unit tests, random
// policies (a few), and the corpus of the fuzzers. `--random N SEED` runs the random policies alone,
// N of them, optimised and without sanitizers; `--random --kernel N SEED` does so in the running
// kernel.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { targets } from '../test/fuzz/targets.mjs';
import { buildNative, root, run, sanitize } from './native.mjs';

const build = (name, options) => buildNative(name, [`test/unit/core/${name}.c`], options);

/** Runs a fuzz target on its corpus. */
function replay(target) {
  const folder = join('test', 'fuzz', 'corpus', target);
  const mains = ['test/fuzz/replay.c', `test/fuzz/${target}_fuzz.c`];
  const inputs = readdirSync(join(root, folder)).map((file) => join(folder, file));
  run(buildNative(`${target}_replay`, mains, sanitize), inputs);
}

const at = process.argv.indexOf('--random');
if (at >= 0) {
  run(build('random_test', ['-O2']), process.argv.slice(at + 1));
} else {
  run(build('core_test', sanitize), []);
  const random = build('random_test', sanitize);
  run(random, ['300']);
  run(random, ['--kernel', '100']);
  for (const target of targets) replay(target);
}
