/**
 * Other runtimes than the Node that the tests use: a newer Node does everything, Bun and Deno have the policy core and
 * say why they start no sandbox. `npm run nightly -- versions` tries every supported Node.
 */
import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Identity, identities, ordinaryUser } from '../support/identity.js';
import { makeProject } from '../support/project.js';
import { type Tools, toolsOf } from '../support/tools.js';
import { runProgram } from '../support/wasbox.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** An empty directory in which wasbox is installed. */
function makeProjectWithWasbox(as: Identity, files: Record<string, string> = {}): string {
  const manifest = '{"type":"module","dependencies":{"wasbox":"*"}}'; // Deno looks at it
  const project = makeProject(as, { 'package.json': manifest, 'node_modules/': '', ...files });
  fs.symlinkSync(dirname(dirname(as.cli)), join(project, 'node_modules/wasbox'));
  return project;
}

describe.each(identities())('Node 24, as $label', (as) => {
  test('does all that an installation is checked for, without a deprecation', async () => {
    const { node24 } = toolsOf(as);
    const cwd = makeProjectWithWasbox(as);
    fs.cpSync(join(root, 'docs/examples'), join(cwd, 'examples'), { recursive: true });
    fs.copyFileSync(join(root, 'test/versions/check.mjs'), join(cwd, 'check.mjs'));
    const run = await runProgram([node24, 'check.mjs', 'examples'], { as, cwd });
    const parts = ['hello', 'nasty', 'audit', 'limits', 'changes', 'library', 'pool', 'doctor'];
    if (as.uid !== 0) parts.push('native');
    const done = run.out.replaceAll(/: .*$/gm, ''); // without figures
    expect([done, run.err]).toEqual([parts.map((part) => `ok ${part}\n`).join(''), '']);
  });
});

describe('a Node that is too old', () => {
  const as = ordinaryUser();
  const command = { command: 'true' };
  const calls = {
    ...{ run: command, spawn: command, dryRun: command, why: command, learn: command },
    ...{ createPool: { lang: 'sh' }, createSession: {} },
    ...{ doctor: {}, listRuns: {}, openRun: '0dkz5emhx' },
  };
  const names = Object.keys(calls);
  // This Node has what old ones lack: take it away.
  const pretend = (version: string) => `process.getBuiltinModule = undefined;
    Object.defineProperty(process.versions, 'node', { value: '${version}' });`;
  const main = `import * as wasbox from 'wasbox';
    const calls = ${JSON.stringify(calls)};
    for (const name of process.argv.slice(2)) {
      try {
        await wasbox[name](calls[name]);
        console.log(name);
      } catch (error) {
        console.log(name, error.code, error.constructor.name, error.message);
      }
    }`;

  test.each(['18.20.8', '21.7.3', '22.2.0'])('%s: each function says so', async (version) => {
    const cwd = makeProjectWithWasbox(as, { 'main.mjs': main, 'old.cjs': pretend(version) });
    const argv = [process.execPath, '--require', './old.cjs', 'main.mjs', ...names];
    const run = await runProgram(argv, { as, cwd, timeoutMs: 60_000 });
    const said = `ERR_RUNTIME SupportError wasbox needs Node.js 20.18 or later (not 21, nor 22.0 to 22.2); this is ${version}`;
    const lines = names.map((name) => `${name} ${said}\n`);
    expect([run.out, run.err]).toEqual([lines.join(''), '']);
  });

  test('the control: this one runs the program', async () => {
    const cwd = makeProjectWithWasbox(as, { 'main.mjs': main });
    const run = await runProgram([process.execPath, 'main.mjs', 'run'], { as, cwd });
    expect([run.out, run.err]).toEqual(['run\n', '']);
  });
});

describe('Bun and Deno', () => {
  let tools: Tools;
  const as = ordinaryUser();
  beforeAll(() => {
    tools = toolsOf(as);
  });
  const argv = (name: 'bun' | 'deno', file: string): string[] =>
    name === 'bun' ? [tools.bun, file] : [tools.deno, 'run', '--allow-all', file];

  test.each([
    ['bun', 'Bun'],
    ['deno', 'Deno'],
  ] as const)('%s: the library says at once why it starts nothing', async (name, shown) => {
    const cwd = makeProjectWithWasbox(as, {
      'main.mjs': `import { createPool, run, spawn } from 'wasbox';
        for (const start of [() => run('true'), () => spawn({ command: 'true' }), () => createPool({ lang: 'sh' })])
          await start().then(
            () => console.log('started'),
            (error) => console.log(error.code, error.constructor.name, error.message),
          );`,
    });
    const run = await runProgram(argv(name, 'main.mjs'), { as, cwd, timeoutMs: 60_000 });
    expect([run.err, run.status]).toEqual(['', 0]);
    const lines = run.out.trim().split('\n');
    expect(lines).toHaveLength(3);
    for (const line of lines)
      expect(line).toMatch(
        new RegExp(`^ERR_RUNTIME SupportError wasbox cannot start sandboxes in ${shown} \\d+\\.`),
      );
  });

  test.each(['bun', 'deno'] as const)('%s: the command says so, too', async (name) => {
    const run = await runProgram([...argv(name, as.cli), 'run', '--', 'true'], {
      as,
      cwd: makeProject(as),
      timeoutMs: 60_000,
    });
    expect(run.err).toMatch(
      /^wasbox: wasbox cannot start sandboxes in \w+ \d.*\n.*Node\.js 20\.18/,
    );
    expect([run.out, run.status]).toEqual(['', 125]);
  });

  test('wasbox/policy compiles and decides as in Node', async () => {
    const cwd = makeProjectWithWasbox(as, {
      'policy.mjs': `import { compilePolicy, init, simulate } from 'wasbox/policy';
        await init();
        const { bpf } = compilePolicy({ builtin: 'default' }, { arch: 'x86_64' });
        let sum = 0;
        for (const byte of bpf) sum = (sum * 31 + byte) >>> 0;
        console.log(bpf.length, sum, typeof simulate);`,
    });
    const [node, bun, deno] = await Promise.all(
      [[process.execPath, 'policy.mjs'], argv('bun', 'policy.mjs'), argv('deno', 'policy.mjs')].map(
        (command) => runProgram(command, { as, cwd, timeoutMs: 60_000 }),
      ),
    );
    expect(node?.out).toMatch(/^[1-9]\d+ \d+ /);
    for (const run of [bun, deno]) expect([run?.out, run?.err]).toEqual([node?.out, '']);
  });
});
