// Tests of the policy core in C, built with the host's compiler and sanitizers: unit tests, random
// policies, mutants and the corpus of the fuzzers. `--random [SEED]` runs the random ones alone, in
// the numbers that a release is to be held against: optimised, and without sanitizers.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { targets } from '../test/fuzz/targets.mjs';
import { missing, tellMissing } from '../test/support/packages.mjs';
import { buildNative, root, run, sanitize } from './native.mjs';

const folder = 'test/unit/core';
const withPolicies = (name) => [`${folder}/${name}.c`, `${folder}/random_policy.c`];

/** How many of each: policies in the interpreters, in the kernel, beside libseccomp; programs. */
const few = { random: 150, kernel: 100, libseccomp: 150, overlaps: 300, mutants: 40, part: 40 };
const many = {
  random: 100_000,
  kernel: 2000,
  libseccomp: 20_000,
  overlaps: 20_000,
  mutants: 200,
  part: 1,
};

function random(options, size, seed) {
  const test = buildNative('random_test', withPolicies('random_test'), options);
  run(test, [`${size.random}`, seed]);
  run(test, ['--kernel', `${size.kernel}`, seed]);
  const linking = ['-lseccomp'];
  if (missing(['libseccomp-dev']).length > 0) {
    tellMissing('libseccomp-dev');
  } else {
    const beside = withPolicies('libseccomp_test');
    run(buildNative('libseccomp_test', beside, options, { linking }), [`${size.libseccomp}`, seed]);
    const overlaps = buildNative('overlap_test', withPolicies('overlap_test'), options, {
      linking,
    });
    run(overlaps, [`${size.overlaps}`, seed]);
  }
  const mutants = buildNative('mutation_test', withPolicies('mutation_test'), options);
  run(mutants, [`${size.mutants}`, seed, `${size.part}`]);
}

/** Runs a fuzz target on its corpus. */
function replay(target) {
  const corpus = join('test', 'fuzz', 'corpus', target);
  const mains = ['test/fuzz/replay.c', `test/fuzz/${target}_fuzz.c`];
  const inputs = readdirSync(join(root, corpus)).map((file) => join(corpus, file));
  run(buildNative(`${target}_replay`, mains, sanitize), inputs);
}

const at = process.argv.indexOf('--random');
if (at >= 0) {
  random(['-O2'], many, process.argv[at + 1] ?? '1');
} else {
  for (const name of ['pitfalls_test', 'diagnostics_test'])
    run(buildNative(name, [`${folder}/${name}.c`], sanitize), []);
  run(buildNative('widths_test', [`${folder}/widths_test.c`], ['-O2']), []);
  run(buildNative('kernel_test', [`${folder}/kernel_test.c`], ['-O2']), []);
  random(sanitize, few, '1');
  for (const target of targets) replay(target);
}
