/**
 * The policy core that is linked with the engine against the WASM module: the same programs, byte for byte,
 * the same diagnostics and tables, for all built-in policies, the profiles of other tests and random policies
 * (`WASBOX_CORE_POLICIES`, `WASBOX_CORE_SEED`).
 */
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  type Architecture,
  builtinNames,
  compilePolicy,
  init,
  listArchitectures,
} from '../../src/policy/index.js';
import { answersOf, buildEngine } from '../support/engine/build.js';
import { type PolicyCase, textOf } from '../support/engine/policy-case.js';
import { PolicyInputs } from '../support/engine/policy-inputs.js';
import { Random } from '../support/engine/random.js';
import { firstSeed, randomRuns } from '../support/seeds.js';
import {
  furtherProfiles,
  REAL_PROFILES,
  realProfile,
  SMALL_PROFILES,
} from '../unit/convert/profiles.js';

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const count = Number(process.env.WASBOX_CORE_POLICIES ?? randomRuns(10, 500));
const seed = Number(process.env.WASBOX_CORE_SEED ?? firstSeed);
const folder = fs.mkdtempSync(join(tmpdir(), 'wasbox-engine-policies-'));
const engine = join(folder, 'wasbox-engine');

beforeAll(async () => {
  await init();
  buildEngine(engine, { program: 'policy-main.ts' });
});

afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

const inEngine = (cases: readonly PolicyCase[], command = engine): string[] =>
  answersOf(command, cases, join(folder, 'cases.json'));

/** Compares, and says how many were answered rather than refused. */
function expectSame(cases: readonly PolicyCase[]): number {
  const size = 200;
  let answered = 0;
  for (let at = 0; at < cases.length; at += size) {
    const part = cases.slice(at, at + size);
    const native = inEngine(part);
    expect(native.length).toBe(part.length);
    for (const [i, one] of part.entries()) {
      const wasm = textOf(one);
      if (native[i] !== wasm) {
        expect({ seed, one, text: native[i] }).toEqual({ seed, one, text: wasm });
      }
      answered += wasm.startsWith('{"made"') ? 1 : 0;
    }
  }
  return answered;
}

const architectures = () => listArchitectures().map(({ name }) => name as Architecture);

test('built-in policies, for each architecture', () => {
  const cases = builtinNames().flatMap((builtin): PolicyCase[] => [
    ...architectures().map(
      (arch): PolicyCase => ({ use: 'compile', source: { builtin }, options: { arch } }),
    ),
    { use: 'explain', source: { builtin }, calls: ['socket', 'clone', 'read'] },
    { use: 'export', source: { builtin } },
    {
      use: 'diff',
      first: { builtin },
      second: { builtin: 'default' },
      options: { arch: 'x86_64' },
    },
  ]);
  expect(expectSame(cases)).toBeGreaterThan(builtinNames().length * 10);
});

test('the tables', () => {
  const cases = architectures().map((arch): PolicyCase => ({ use: 'tables', arch }));
  expect(expectSame(cases)).toBe(cases.length);
});

test('profiles of other tools, and what fuzzing found', () => {
  const oci = [
    ...Object.values(SMALL_PROFILES),
    ...Object.values(REAL_PROFILES)
      .filter((path) => fs.existsSync(path))
      .map(realProfile),
    ...furtherProfiles().values(),
  ].map((profile) => JSON.stringify(profile));
  const corpus = (name: string): string[] => {
    const place = here(`../fuzz/corpus/${name}`);
    return fs.readdirSync(place).map((file) => fs.readFileSync(join(place, file), 'utf8'));
  };
  const policies = here('../../docs/playground/examples');
  const texts = fs
    .readdirSync(policies)
    .map((file) => fs.readFileSync(join(policies, file), 'utf8'));
  const cases: PolicyCase[] = [
    ...[...oci, ...corpus('import')].flatMap((text): PolicyCase[] => [
      { use: 'import', text, options: { from: 'oci' } },
      { use: 'import', text, options: { from: 'oci', capabilities: ['CAP_SYS_ADMIN'] } },
      { use: 'import', text, options: { from: 'minijail' } },
    ]),
    ...[...texts, ...corpus('policy')].map(
      (text): PolicyCase => ({ use: 'compile', source: { text }, options: {} }),
    ),
  ];
  expect(expectSame(cases)).toBeGreaterThan(oci.length);
});

test('random policies', { timeout: 3_600_000 }, () => {
  const inputs = new PolicyInputs(new Random(seed));
  const cases = Array.from({ length: count }, () => inputs.cases()).flat();
  const answered = expectSame(cases);
  console.log(
    `seed ${seed}: ${count} policies, ${cases.length} uses, ${answered} of them answered`,
  );
  expect(answered).toBeGreaterThan(cases.length / 4);
});

test('hostile policies end in the same diagnostics', () => {
  const texts = [
    '#'.repeat(10_000_000),
    ...['(', '-', '1|'].map((piece) => `allow kill where pid == ${piece.repeat(300_000)}1`),
    `allow ${'@known '.repeat(5000)}`,
    'allow ioctl where arg == 1\n'.repeat(20_000),
    Array.from(
      { length: 3000 },
      (_, i) =>
        `errno(${(i % 4000) + 1}) prctl where arg${(i % 4) + 1} & ${i + 1} == ${i & (i + 1)}`,
    ).join('\n'),
  ];
  const includes = Object.fromEntries(
    Array.from({ length: 40 }, (_, i) => [`f${i}`, `include "f${i + 1}"\n`]),
  );
  const cases = texts.map(
    (text): PolicyCase => ({ use: 'compile', source: { text }, options: {} }),
  );
  const chain: PolicyCase = {
    use: 'compile',
    source: { text: 'include "f0"\n', includes },
    options: {},
  };
  expectSame([...cases, chain]);
  // The instance is as good as new after whatever came before.
  const fine: PolicyCase = { use: 'compile', source: { builtin: 'default' }, options: {} };
  expect(inEngine([...cases, fine]).at(-1)).toBe(textOf(fine));
});

test('the control: a core whose program differs by a bit is found', () => {
  const wrong = join(folder, 'wrong-engine');
  buildEngine(wrong, { program: 'policy-main.ts', more: ['wrong-core.ts'] });
  const one: PolicyCase = { use: 'compile', source: { builtin: 'default' }, options: {} };
  expect(inEngine([one], wrong)).not.toEqual([textOf(one)]);
  expect(compilePolicy({ builtin: 'default' }).instructions).toBeGreaterThan(50);
});
