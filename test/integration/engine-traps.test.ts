/** A policy core that traps: the error is the same in the engine as in Node, and no run starts without its filter. */
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { init } from '../../src/policy/index.js';
import { answersOf, buildEngine } from '../support/engine/build.js';
import { type PolicyCase, textOf } from '../support/engine/policy-case.js';
import { trappingCore, traps } from '../support/engine/trapping-core.js';
import { makeFastpath } from '../support/fastpath.js';
import { ordinaryUser } from '../support/identity.js';
import { installOwn } from '../support/installation.js';
import { makeProject } from '../support/project.js';
import { runProgram } from '../support/wasbox.js';

const as = ordinaryUser();
const core = fileURLToPath(new URL('../../dist/wasbox-core.wasm', import.meta.url));
const folder = fs.mkdtempSync(join(tmpdir(), 'wasbox-engine-traps-'));
const [wasm, engine] = [join(folder, 'trapping.wasm'), join(folder, 'wasbox-engine')];
let wasbox: string;

beforeAll(async () => {
  fs.writeFileSync(wasm, await trappingCore(core));
  await init(fs.readFileSync(wasm));
  buildEngine(engine, { program: 'policy-main.ts', wasm });
  const own = installOwn(as, 'traps');
  buildEngine(own.engine, { wasm });
  wasbox = own.wasbox;
});

afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

const kinds = Object.entries(traps).map(([letter, trap]) => ({ letter, ...trap }));
const policyOf = (letter: string): string => `#${letter}\ninclude "default"\n`;
const caseOf = (letter: string): PolicyCase => ({
  use: 'compile',
  source: { text: policyOf(letter) },
  options: {},
});

/** Node's words for a trap are its own. */
const withoutCause = (text = ''): unknown => ({ ...JSON.parse(text), cause: undefined });

test.each(kinds)('$made is an error, and the next call finds the core as new', (kind) => {
  const cases = [caseOf(kind.letter), caseOf('-')];
  const [trap, next] = answersOf(engine, cases, join(folder, 'cases.json'));
  expect(JSON.parse(trap ?? '')).toMatchObject({ code: 'ERR_POLICY_INTERNAL', cause: kind.cause });
  const inNode = cases.map(textOf);
  expect([withoutCause(trap), next]).toEqual([withoutCause(inNode[0]), inNode[1]]);
  // The control: this module compiles where it does not trap.
  expect(next).toMatch(/^\{"made"/);
});

describe('a run', () => {
  /** Makes a file under a policy and a limit for the stack; there is no Node to leave it to. */
  async function runWith(letter: string, stack = '8192') {
    const cwd = makeProject(as, { 'own.policy': policyOf(letter) });
    const { env } = makeFastpath(as, wasbox);
    const argv = ['/bin/sh', '-c', `ulimit -s ${stack}; exec "$0" "$@"`, wasbox, 'run', '-q'];
    const words = ['--rw', '.', '--policy', 'own.policy', '--', '/bin/touch', 'made'];
    const run = await runProgram([...argv, ...words], {
      as,
      cwd,
      env: { ...env, PWD: cwd, PATH: '/nosuch' },
    });
    const { status, out, err } = run;
    return { said: { status, out, made: fs.existsSync(join(cwd, 'made')) }, err };
  }

  test.each(kinds)('does not start where its policy makes $made', async ({ letter }) => {
    const { said, err } = await runWith(letter);
    expect(said).toEqual({ status: 125, out: '', made: false });
    expect(err).toContain('the policy core broke off');
  });

  test('does not start where calls without an end meet a small stack', async () => {
    const { said, err } = await runWith('s', '256');
    expect(said).toEqual({ status: 125, out: '', made: false });
    expect(err).toContain('the policy core broke off');
  });

  test.each(['8192', '256'])(
    'starts in the control: no trap, and a stack of %s KiB',
    async (stack) => {
      expect((await runWith('-', stack)).said).toEqual({ status: 0, out: '', made: true });
    },
  );
});
