/**
 * Series of runs, by the library, a pool and the command line, some killed at random moments, leave
 * nothing: bench/soak.mjs makes them long. The control leaves something, and the same counters notice.
 */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { type Identity, identities, ordinaryUser } from '../support/identity.js';
import { makeProject } from '../support/project.js';
import { runProgram } from '../support/wasbox.js';

/** A copy: the ordinary user may not read where this lies. */
const sources = Object.fromEntries(
  ['soak.mjs', 'held.mjs'].map((name) => [
    name,
    readFileSync(new URL(`../support/${name}`, import.meta.url)),
  ]),
);

function soak(as: Identity, ...options: string[]) {
  const place = makeProject(as, sources);
  const argv = ['--expose-gc', join(place, 'soak.mjs'), '--dist', dirname(as.cli)];
  return runProgram([process.execPath, ...argv, '--place', place, ...options], { as });
}

const series = [
  '--run',
  '60',
  '--pool',
  '30',
  '--session',
  '10',
  '--node',
  '4',
  '--fastpath',
  '40',
  '--saved',
  '30',
];
const counts = [...series, '--kill', '10'];

test.concurrent.each(identities())(
  '170 runs leave nothing and lose nothing, as $label',
  async (as) => {
    const fastpath = as.label === 'root' ? ['--fastpath', '0'] : [];
    const { status, out } = await soak(as, ...counts, ...fastpath);
    expect(out).toContain('nothing is left');
    expect(Number(/"killed",(\d+)/.exec(out)?.[1])).toBeGreaterThan(10);
    expect(status).toBe(0);
  },
);

test.concurrent('runs without namespaces leave nothing either', async () => {
  const { status, out } = await soak(ordinaryUser(), ...counts, '--isolation', 'landlock');
  expect(out).toContain('nothing is left');
  expect(Number(/"killed",(\d+)/.exec(out)?.[1])).toBeGreaterThan(10);
  expect(status).toBe(0);
});

test.concurrent('a thing that is left is noticed', async () => {
  const files = ['runs', 'stale', 'shared', 'work', 'temporary'];
  const leaks = ['children', 'descriptors', ...files, 'memoryMB'];
  const few = [
    '--run',
    '4',
    '--pool',
    '0',
    '--session',
    '0',
    '--node',
    '0',
    '--fastpath',
    '0',
    '--saved',
    '0',
  ];
  const { status, out } = await soak(ordinaryUser(), ...few, '--leak', leaks.join());
  expect(out).toContain(`left behind: ${leaks.join(', ')}\n`);
  expect(status).toBe(1);
});
