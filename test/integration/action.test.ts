/**
 * The GitHub Action as the runner starts it: inputs in variables, a file for the job's summary. What it prints is held
 * back from the runner's own commands, and its summary from Markdown.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
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
  const run = 'mkdir .git; echo x > .git/config';
  const held = await step({ run, changes: 'apply' });
  expect([held.status, held.out]).toEqual([3, expect.stringContaining('::warning title=wasbox::')]);
  expect(held.summary).toMatch(/applied in part.*<code>\.git\/config<\/code>.*Not applied auto/s);
  const own = await step({ run: `${run}; exit 3`, changes: 'apply' });
  expect([own.status, own.out]).toEqual([3, expect.not.stringContaining('::warning')]);
});

test('a program can give the runner no command, and the summary no Markdown', async () => {
  const { status, out, err, summary } = await step({
    run: `echo '::add-mask::x'\necho '::add-mask::y' >&2\ntouch '<img src=x>' 'a|b' $'c\\nd' '\`e\`'`,
  });
  expect(status).toBe(0);
  const [, word = '', between = '', end] =
    /^::stop-commands::(\S+)\n([\s\S]*?)\n::(\S+)::\n$/.exec(out) ?? [];
  expect([end, between.match(/::add-mask::\w/g)]).toEqual([
    word,
    ['::add-mask::x', '::add-mask::y'],
  ]);
  expect(err).toBe('');
  expect(summary).not.toMatch(/<img|a\|b|\nd|`/);
  expect(summary).toContain('c&#92;nd');
});

test('a program cannot make the summary so large that GitHub drops it', async () => {
  const { status, summary } = await step({
    run: `name=$(printf '&%.0s' {1..250}); for at in {1..60}; do mkdir -p "$at/$name/$name"; touch "$at/$name/$name/$name"; done`,
  });
  expect(status).toBe(0);
  expect(summary.match(/<tr><td>/g)).toHaveLength(50);
  expect(summary).toContain('more</p>');
  // With as many rows in every list, of the characters that take most, a summary has less than 1 MiB.
  const widest = Math.max(
    ...(summary.match(/<code>.*?<\/code>/g) ?? []).map(({ length }) => length),
  );
  expect((widest / '&#38;'.length) * '&#92;u{e0001}'.length * 50 * 8).toBeLessThan(2 ** 20);
});

test('a step runs where there are no namespaces, as in most containers', async () => {
  const run = await step({ run: 'echo inside', options: '--isolation landlock' });
  expect([run.status, run.out], run.err).toEqual([0, expect.stringContaining('inside')]);
  expect(run.summary).toContain('<code>landlock</code>');
});

/** A server with a release's files, as src/release/main.mjs lays them out: the archive has one directory at its top. */
async function releaseServer(use: (more: Inputs) => Promise<void>, change = ''): Promise<void> {
  const name = `wasbox-9.9.9-linux-${process.arch}`;
  const place = makeProject(as, {}, 'release');
  const installed = join(place, name, 'lib/wasbox');
  fs.cpSync(dirname(as.cli), join(installed, 'dist'), { recursive: true });
  fs.cpSync(join(dirname(as.cli), '../package.json'), join(installed, 'package.json'));
  fs.mkdirSync(join(place, name, 'bin'));
  const command = `../lib/wasbox/dist/native/linux-${process.arch}/wasbox`;
  fs.symlinkSync(command, join(place, name, 'bin/wasbox'));
  const archive = execFileSync('tar', ['-C', place, '-czf', '-', name], { maxBuffer: 2 ** 28 });
  const sum = createHash('sha256').update(archive).digest('hex');
  const files = new Map<string, string | Buffer>([
    ['SHA256SUMS', `${sum}  ${name}.tar.gz\n`],
    [`${name}.tar.gz`, Buffer.concat([archive, Buffer.from(change)])],
  ]);
  const base = '/OWNER/wasbox/releases/download/v9.9.9/';
  const server = createServer(({ url = '' }, response) => {
    const content = url.startsWith(base) ? files.get(url.slice(base.length)) : undefined;
    response.writeHead(content === undefined ? 404 : 200).end(content);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  try {
    await use({
      GITHUB_ACTION_REPOSITORY: 'OWNER/wasbox',
      GITHUB_ACTION_REF: 'v9.9.9',
      GITHUB_SERVER_URL: `http://127.0.0.1:${port}`,
      // Where the release has no engine, its command needs Node.
      PATH: `/usr/bin:/bin:${dirname(process.execPath)}`,
    });
  } finally {
    server.close();
  }
}

test('a step runs by the release that its action names', async () => {
  await releaseServer(async (more) => {
    const { status, out, err, own } = await step({ run: 'echo inside', wasbox: '' }, more);
    expect([status, out], err).toEqual([0, expect.stringContaining('inside')]);
    const [work = ''] = fs.readdirSync(own).filter((name) => name.startsWith('wasbox-'));
    expect(fs.existsSync(join(own, work, 'bin/wasbox'))).toBe(true);
  });
});

test('a step runs nothing of a release whose bytes are not those of its sums', async () => {
  await releaseServer(async (more) => {
    const { status, out, own } = await step({ run: 'echo inside', wasbox: '' }, more);
    expect([status, out]).toEqual([125, expect.stringMatching(/::error .*SHA256SUMS/)]);
    const [work = ''] = fs.readdirSync(own).filter((name) => name.startsWith('wasbox-'));
    expect(fs.readdirSync(join(own, work))).toEqual([]);
  }, 'more');
});

test.each([
  ['no lines', { run: ' ' }, 'run: is empty'],
  ['another word for changes', { run: 'true', changes: 'keep' }, 'changes: keep'],
  ['a command that is not there', { run: 'true', wasbox: '/nowhere/wasbox' }, '/nowhere/wasbox'],
  [
    'a release that cannot be fetched',
    { run: 'true', wasbox: '' },
    'http://127.0.0.1:9/OWNER/wasbox/releases/download/v0/SHA256SUMS',
    {
      GITHUB_ACTION_REPOSITORY: 'OWNER/wasbox',
      GITHUB_ACTION_REF: 'v0',
      GITHUB_SERVER_URL: 'http://127.0.0.1:9',
    },
  ],
])('%s: the step fails, and says why', async (_what, inputs: Inputs, words, more: Inputs = {}) => {
  const { status, out } = await step(inputs, more);
  expect([status, out]).toEqual([125, expect.stringMatching(/::error title=wasbox::.*/)]);
  expect(out).toContain(words);
});
