/**
 * The agent loops of docs/examples/programs, as someone starts them who has copied them: with the library, and as a
 * client of `wasbox mcp`. Needs: user namespaces, overlayfs in them, python3.
 */
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import { describe, expect, test } from 'vitest';
import { ordinaryUser } from '../support/identity.js';
import { left } from '../support/pool.js';
import { makeProject } from '../support/project.js';
import { ended, startProgram } from '../support/wasbox.js';

const as = ordinaryUser();
const root = fileURLToPath(new URL('../../', import.meta.url));
const programs = join(root, 'docs/examples/programs');

/** A project with the steps of a model, and beside it the loop in a package where wasbox is installed. */
function placeOf(name: string, steps: readonly object[]) {
  const source = fs.readFileSync(join(programs, `${name}.ts`), 'utf8');
  // The bundle has all that it imports but wasbox: the user may have no way into the checkout.
  const { outputFiles } = buildSync({
    ...{ entryPoints: [join(programs, `${name}.ts`)], external: ['wasbox'], write: false },
    ...{ bundle: true, format: 'esm', platform: 'node', target: 'node20' },
    banner: {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
    },
  });
  const code = outputFiles[0]?.text ?? '';
  const at = makeProject(as, { 'loop.mjs': code, [`${name}.ts`]: source }, 'loop');
  const modules = join(at, 'node_modules');
  fs.mkdirSync(modules);
  fs.symlinkSync(join(dirname(as.cli), '..'), join(modules, 'wasbox'));
  for (const one of ['@modelcontextprotocol', '@types', 'undici-types', 'zod']) {
    fs.symlinkSync(join(root, 'node_modules', one), join(modules, one));
  }
  const lines = steps.map((step) => JSON.stringify(step)).join('\n\n');
  return { at, cwd: makeProject(as, { 'steps.jsonl': `${lines}\n` }) };
}

async function work(name: string, steps: readonly object[], env: Record<string, string> = {}) {
  const { at, cwd } = placeOf(name, steps);
  const state = `${cwd}.state`;
  const options = { as, cwd, env: { XDG_STATE_HOME: state, ...env } };
  const argv = [process.execPath, join(at, 'loop.mjs'), 'steps.jsonl'];
  const { out, err, status } = await ended(startProgram(argv, options), options);
  const lines = out.split('\n').filter((line) => line !== '');
  // biome-ignore lint/suspicious/noExplicitAny: what each step came to
  const seen: any[] = lines.map((line) => JSON.parse(line));
  return { seen, err, status, cwd, state };
}

test.each(['agent', 'agent-mcp'])('%s.ts has the types that are installed', (name) => {
  const { at } = placeOf(name, []);
  const compilerOptions = {
    ...{ strict: true, exactOptionalPropertyTypes: true, noEmit: true, skipLibCheck: true },
    ...{ module: 'nodenext', target: 'es2022', types: ['node'], erasableSyntaxOnly: true },
  };
  fs.writeFileSync(join(at, 'package.json'), '{"type":"module"}');
  fs.writeFileSync(
    join(at, 'tsconfig.json'),
    JSON.stringify({ compilerOptions, files: [`${name}.ts`] }),
  );
  const compiler = join(root, 'node_modules/typescript/bin/tsc');
  execFileSync(process.execPath, [compiler, '-p', at], { stdio: 'pipe' });
});

const wrong = 'def add(a, b): return a - b\n';
const right = 'def add(a, b):\n    return a + b\n';
const check = ['python3', '-c', 'import calc; assert calc.add(1, 2) == 3; print("ok")'];
const breaks = ['sh', '-c', 'rm calc.py; echo > new; exit 3'];

describe('with the library', () => {
  test('undoes what fails, tells what is denied, and applies what is named', async () => {
    const secret = join(makeProject(as, { secret: 'of the host\n' }, 'hidden'), 'secret');
    const { seen, err, status, cwd, state } = await work('agent', [
      { tool: 'write', path: 'calc.py', content: wrong },
      { tool: 'run', argv: check },
      { tool: 'run', argv: breaks, risky: true },
      { tool: 'read', path: 'calc.py' },
      { tool: 'read', path: 'new' },
      { tool: 'run', argv: ['nosuchcommand'] },
      { tool: 'jump' },
      { tool: 'run', argv: ['cat', secret] },
      { tool: 'write', path: 'calc.py', content: right },
      { tool: 'run', argv: check, risky: true },
      { tool: 'done', paths: ['calc.py'] },
      { tool: 'write', path: 'late', content: '' },
    ]);
    expect([err, status]).toEqual(['', 0]);
    expect(seen).toMatchObject([
      { written: 'calc.py' },
      { exitCode: 1, undone: false, stderr: expect.stringContaining('AssertionError') },
      { exitCode: 3, undone: true },
      { content: wrong },
      { error: expect.stringContaining('No such file') },
      { error: expect.stringContaining('not found') },
      { error: 'unknown tool' },
      { exitCode: 1, stdout: '', denied: [{ what: `read ${secret}`, option: `--ro ${secret}` }] },
      { written: 'calc.py' },
      { exitCode: 0, stdout: 'ok\n', undone: false },
      { applied: ['calc.py'], refused: [] },
    ]);
    expect(fs.readFileSync(join(cwd, 'calc.py'), 'utf8')).toBe(right);
    expect(fs.readdirSync(cwd).sort()).toEqual(['calc.py', 'steps.jsonl']);
    expect(left(state)).toEqual([]);
  });

  test('ends a step that takes too long, and without a result leaves your files', async () => {
    const steps = [
      { tool: 'run', argv: ['sh', '-c', 'echo > made; sleep 1000'] },
      { tool: 'run', argv: ['head', '-c', '100000', '/dev/zero'] },
    ];
    const { seen, err, status, cwd, state } = await work('agent', steps, { STEP_SECONDS: '1' });
    expect(seen).toMatchObject([{ outcome: 'timeout' }, { exitCode: 0, truncated: true }]);
    expect([err, status]).toEqual([expect.stringContaining('untouched'), 1]);
    expect([fs.readdirSync(cwd), left(state)]).toEqual([['steps.jsonl'], []]);
  });
});

describe('a client of wasbox mcp', () => {
  const command = (argv: readonly string[], more: object = {}) => ({
    tool: 'run_command',
    arguments: { argv, ...more },
  });

  test('asks you, tries in a fork, and applies what you grant', async () => {
    const hidden = makeProject(as, { given: 'given\n', kept: 'kept\n' }, 'hidden');
    const [given, kept] = [join(hidden, 'given'), join(hidden, 'kept')];
    const steps = [
      { tool: 'write_file', arguments: { path: 'calc.py', content: wrong } },
      command(check),
      { ...command(breaks), risky: true },
      { tool: 'read_file', arguments: { path: 'calc.py' } },
      command(['cat', given]),
      command(['cat', kept]),
      { tool: 'fork', arguments: {} },
      { tool: 'write_file', arguments: { path: 'calc.py', content: right, sandbox: 'fork-1' } },
      command(check, { sandbox: 'fork-1' }),
      { tool: 'apply', arguments: { sandbox: 'fork-1', paths: ['calc.py'] } },
      { tool: 'rollback', arguments: { snapshot: 's9' } },
    ];
    const { seen, err, status, cwd } = await work('agent-mcp', steps, {
      WASBOX: JSON.stringify([process.execPath, as.cli]),
      ALLOW: JSON.stringify([`read ${given}`]),
      APPLY: 'yes',
    });
    expect(seen).toMatchObject([
      { failed: false },
      { failed: true, undone: false, exit_code: 1 },
      { failed: true, undone: true, exit_code: 3 },
      { content: wrong },
      { failed: false, stdout: 'given\n', denied: [] },
      { failed: true, stdout: '', denied: [{ what: `read ${kept}`, decided_by: 'user' }] },
      { sandbox: 'fork-1' },
      { failed: false },
      { failed: false, stdout: 'ok\n' },
      { outcome: 'applied', applied: ['calc.py'] },
      { failed: true, text: expect.stringContaining('UNKNOWN_SNAPSHOT') },
    ]);
    expect([status, err]).toEqual([0, expect.stringContaining('Apply 1 change to your files?')]);
    expect(fs.readFileSync(join(cwd, 'calc.py'), 'utf8')).toBe(right);
  });

  test('keeps your files as they are without your grant', async () => {
    const steps = [
      { tool: 'write_file', arguments: { path: 'calc.py', content: right } },
      { tool: 'apply', arguments: {} },
    ];
    const env = { WASBOX: JSON.stringify([process.execPath, as.cli]) };
    const { seen, status, cwd, state } = await work('agent-mcp', steps, env);
    expect([seen[1].outcome, status]).toEqual(['declined', 0]);
    expect(fs.readdirSync(cwd)).toEqual(['steps.jsonl']);
    expect(left(state)).toHaveLength(1);
  });
});
