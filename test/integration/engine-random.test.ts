/**
 * Random starts, in the engine and in Node: what both make of one is the same to the byte, and what both
 * refuse they refuse in the same words. WASBOX_ENGINE_INPUTS says how many, WASBOX_ENGINE_SEED repeats some.
 */
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildEngine } from '../support/engine/build.js';
import type { Found } from '../support/engine/peer.js';
import { ordinaryUser } from '../support/identity.js';
import { makeProject } from '../support/project.js';
import { firstSeed, randomRuns } from '../support/seeds.js';
import { nativeOf } from '../support/two-ways.js';
import { runProgram } from '../support/wasbox.js';

const as = ordinaryUser();
const engine = join(dirname(nativeOf(as)), 'wasbox-engine');
const peer = join(dirname(as.cli), `engine-peer-${process.pid}.mjs`);
const starter = join(dirname(as.cli), `engine-starter-${process.pid}`);
const wrong = `${engine}-${process.pid}`;
const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const count = process.env.WASBOX_ENGINE_INPUTS ?? randomRuns(100, 2000);
const seed = process.env.WASBOX_ENGINE_SEED ?? String(firstSeed);

beforeAll(() => {
  execFileSync('cc', ['-O1', '-static', '-o', starter, here('../support/engine/starter.c')]);
  buildSync({
    entryPoints: [here('../support/engine/peer.ts')],
    outfile: peer,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'error',
  });
});

afterAll(() => {
  for (const path of [peer, starter, wrong]) fs.rmSync(path, { force: true });
});

async function compare(command: string, inputs: number | string): Promise<Found> {
  const place = makeProject(as, {}, 'engine-random');
  const argv = [process.execPath, peer, starter, command, place, seed, String(inputs)];
  const run = await runProgram(argv, { as, cwd: place, timeoutMs: 3_600_000 });
  expect(run.status, `seed ${seed}: ${run.err}`).toBe(0);
  return JSON.parse(run.out) as Found;
}

test('random starts are what they are in Node', { timeout: 3_600_000 }, async () => {
  const { differences, ...found } = await compare(engine, count);
  const needless = Object.entries(found.needless).sort(([, a], [, b]) => b - a);
  console.log(`seed ${seed}, ${count} inputs:`, { ...found, needless });
  expect(differences, `seed ${seed}`).toEqual([]);
  expect(found.equal).toBeGreaterThan(Number(count) / 5);
});

test('the control: an engine that starts other things, and refuses in other words, is found', async () => {
  buildEngine(wrong, { more: ['wrong-encoder.ts'] });
  const { differences } = await compare(wrong, 100);
  const isRefusal = ({ what }: (typeof differences)[number]) => what.startsWith('refused: ');
  expect(differences.some(isRefusal)).toBe(true);
  expect(differences.every(isRefusal)).toBe(false);
});
