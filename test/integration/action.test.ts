/**
 * The GitHub Action as the runner starts it: inputs in variables, a file for the job's summary. What it prints is held
 * back from the runner's own commands, and its summary from Markdown.
 */
import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { ordinaryUser } from '../support/identity.js';
import { makeProject } from '../support/project.js';
import { runProgram } from '../support/wasbox.js';

const as = ordinaryUser();
const action = fileURLToPath(new URL('../../.github/actions/wasbox/', import.meta.url));
const native = join(dirname(as.cli), 'native', `linux-${process.arch}`, 'wasbox');

interface Inputs {
  readonly [name: string]: string;
}

/** Runs a step; `workspace` is what the runner's checkout would be. */
async function step(inputs: Inputs, more: Inputs = {}) {
  const workspace = makeProject(as, { 'kept.txt': 'old\n' }, 'workspace');
  const own = makeProject(as, { 'summary.md': '' }, 'action');
  for (const name of fs.readdirSync(action)) {
    fs.copyFileSync(join(action, name), join(own, name));
    fs.chmodSync(join(own, name), 0o644);
  }
  const env = Object.fromEntries(
    Object.entries({ wasbox: native, ...inputs }).map(([name, value]) => [
      `INPUT_${name.toUpperCase()}`,
      value,
    ]),
  );
  const run = await runProgram([process.execPath, join(own, 'main.mjs')], {
    as,
    cwd: workspace,
    env: {
      ...env,
      GITHUB_STEP_SUMMARY: join(own, 'summary.md'),
      GITHUB_ENV: join(own, 'environment'),
      GITHUB_TOKEN: 'ghs_secret',
      RUNNER_TEMP: own,
      ...more,
    },
  });
  const summary = fs.readFileSync(join(own, 'summary.md'), 'utf8');
  return { ...run, summary, workspace, own };
}

test('a step ends as its program does, and the summary says what was blocked and changed', async () => {
  const python =
    'import socket\ntry: socket.create_connection(("192.0.2.1", 443), 2)\nexcept OSError: pass';
  const { status, out, summary, workspace } = await step({
    run: `echo new > kept.txt\n/usr/bin/python3 -c '${python}'\necho "token: \${GITHUB_TOKEN-none}"\nexit 7`,
    options: '--timeout 2m\n--net example.org',
  });
  expect(status).toBe(7);
  expect(out).toContain('token: none');
  expect(summary).toContain('<p>The step ended with 7, ');
  expect(summary).toMatch(/<code>192\.0\.2\.1:443<\/code>.*blocked/);
  expect(summary).toContain('<code>kept.txt</code>');
  expect(fs.readFileSync(join(workspace, 'kept.txt'), 'utf8')).toBe('old\n');
});

test('changes are applied where that is asked for, and what wants a look makes a warning', async () => {
  const plain = await step({ run: 'echo new > kept.txt', changes: 'apply' });
  expect(plain.status, plain.err).toBe(0);
  expect(fs.readFileSync(join(plain.workspace, 'kept.txt'), 'utf8')).toBe('new\n');
  const held = await step({ run: 'mkdir .git; echo x > .git/config', changes: 'apply' });
  expect([held.status, held.out]).toEqual([3, expect.stringContaining('::warning title=wasbox::')]);
});

test('a program can give the runner no command, and the summary no Markdown', async () => {
  const { status, out, summary } = await step({
    run: `echo '::add-mask::x'\ntouch '<img src=x>' 'a|b' $'c\\nd' '\`e\`'`,
  });
  expect(status).toBe(0);
  const [, word = '', between = '', end] =
    /^::stop-commands::(\S+)\n([\s\S]*?)\n::(\S+)::\n$/.exec(out) ?? [];
  expect([end, between.includes('::add-mask::x')]).toEqual([word, true]);
  expect(summary).not.toMatch(/<img|a\|b|\nd|`/);
  expect(summary).toContain('c&#92;nd');
});

test('a step runs where there are no namespaces, as in most containers', async () => {
  const run = await step({ run: 'echo inside', options: '--isolation landlock' });
  expect([run.status, run.out], run.err).toEqual([0, expect.stringContaining('inside')]);
  expect(run.summary).toContain('<code>landlock</code>');
});

test.each([
  ['no lines', { run: ' ' }, 'run: is empty'],
  ['another word for changes', { run: 'true', changes: 'keep' }, 'changes: keep'],
  ['a command that is not there', { run: 'true', wasbox: '/nowhere/wasbox' }, '/nowhere/wasbox'],
])('%s: the step fails, and says why', async (_what, inputs: Inputs, words) => {
  const { status, out } = await step(inputs);
  expect([status, out]).toEqual([125, expect.stringMatching(/::error title=wasbox::.*/)]);
  expect(out).toContain(words);
});
