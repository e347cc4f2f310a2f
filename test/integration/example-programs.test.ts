/**
 * The programs of docs/examples/programs, as someone starts them who has copied them: a harness, a step in CI,
 * a web server, a notebook's kernel. Needs: user namespaces, overlayfs in them, python3.
 */
import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { eventually, processesWith } from '../support/host.js';
import { ordinaryUser } from '../support/identity.js';
import { makeProject } from '../support/project.js';
import { ended, startProgram } from '../support/wasbox.js';

const as = ordinaryUser();
const programs = fileURLToPath(new URL('../../docs/examples/programs/', import.meta.url));

/** A project with one of them, in which wasbox is installed. */
function projectWith(name: string): string {
  const cwd = makeProject(as, { [name]: fs.readFileSync(join(programs, name), 'utf8') });
  fs.mkdirSync(join(cwd, 'node_modules'));
  fs.symlinkSync(join(dirname(as.cli), '..'), join(cwd, 'node_modules/wasbox'));
  return cwd;
}

interface Given {
  readonly cwd: string;
  readonly args?: readonly string[];
  readonly env?: Record<string, string>;
  readonly input?: string;
}

function start(name: string, { cwd, args = [], env = {} }: Given) {
  const options = { as, cwd, env: { XDG_STATE_HOME: `${cwd}.state`, ...env } };
  return { child: startProgram([process.execPath, name, ...args], options), options };
}

async function outcomeOf(name: string, given: Given) {
  const { child, options } = start(name, given);
  child.stdin?.end(given.input ?? '');
  return await ended(child, options);
}

const linesOf = (text: string): Record<string, unknown>[] =>
  text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

describe('the harness', () => {
  test('grades its tasks, the bad ones as well', async () => {
    const cwd = projectWith('harness.mjs');
    const tasks = [
      { id: 'right', code: 'print(int(input()) + 1)', input: '1\n', expected: '2\n' },
      { id: 'wrong', lang: 'sh', code: 'echo 3', expected: '2\n' },
      { id: 'fails', code: 'raise SystemExit(3)' },
      { id: 'hangs', lang: 'sh', code: 'while :; do :; done' },
      { id: 'eats', code: 'x = []\nwhile True: x.append(" " * 10**7)' },
      { id: 'killed', lang: 'sh', code: 'kill -SEGV $$' },
      { id: 'floods', lang: 'sh', code: 'head -c 1000000 /dev/zero' },
    ];
    fs.writeFileSync(
      join(cwd, 'tasks.jsonl'),
      tasks.map((task) => JSON.stringify(task)).join('\n\n'),
    );
    const { out, err, status } = await outcomeOf('harness.mjs', { cwd, args: ['tasks.jsonl'] });
    const verdicts = Object.fromEntries(linesOf(out).map(({ id, verdict }) => [id, verdict]));
    expect(verdicts).toEqual({
      right: 'passed',
      wrong: 'wrong',
      fails: 'exit 3',
      hangs: expect.stringMatching(/^limit: (cpu|timeout)$/),
      eats: expect.stringMatching(/^limit: memory$|^exit 1$/),
      killed: 'killed by SIGSEGV',
      floods: 'too much output',
    });
    expect([err.includes('1 passed'), status]).toEqual([true, 0]);
  });

  test('makes tasks of its own, and says when it cannot run them', async () => {
    const cwd = projectWith('harness.mjs');
    const made = await outcomeOf('harness.mjs', { cwd, env: { HARNESS_TASKS: '6' } });
    expect([made.err, made.status]).toEqual(['6 passed\n', 0]);
    fs.writeFileSync(join(cwd, 'bad.jsonl'), '{"id": 1, "lang": "cobol", "code": "x"}\n');
    const bad = await outcomeOf('harness.mjs', { cwd, args: ['bad.jsonl'] });
    expect([bad.err, bad.status]).toEqual([expect.stringContaining('cobol'), 1]);
  });
});

describe('the step in CI', () => {
  const step = (cwd: string, ...command: string[]) =>
    outcomeOf('ci-step.mjs', { cwd, args: ['--', ...command] });

  test('takes what was asked for, and nothing else', async () => {
    const cwd = projectWith('ci-step.mjs');
    const build = 'mkdir dist; echo built > dist/app; echo x > .envrc; echo a log line';
    const { out, err, status } = await step(cwd, 'sh', '-c', build);
    expect([out, err, status]).toEqual(['a log line\n', 'left behind: .envrc\ntaken: 2\n', 0]);
    expect(fs.readFileSync(join(cwd, 'dist/app'), 'utf8')).toBe('built\n');
    expect(fs.existsSync(join(cwd, '.envrc'))).toBe(false);
    expect(fs.readFileSync(join(cwd, 'report.html'), 'utf8')).toContain('<!doctype html>');
    expect(fs.readdirSync(`${cwd}.state/wasbox/saved`)).toEqual([]);
  });

  test('with --strict, the step fails if the command was refused something', async () => {
    const build = 'mkdir dist; echo built > dist/app';
    const seen = [];
    for (const [options, more] of [
      [['--strict'], ''],
      [[], '; mount -t tmpfs x /mnt; true'],
      [['--strict'], '; mount -t tmpfs x /mnt; true'],
    ] as const) {
      const cwd = projectWith('ci-step.mjs');
      const args = [...options, '--', 'sh', '-c', `${build}${more}`];
      const { err, status } = await outcomeOf('ci-step.mjs', { cwd, args });
      const saved = fs.readdirSync(`${cwd}.state/wasbox/saved`).length;
      seen.push([
        status,
        /^refused: [1-9]/m.test(err),
        fs.existsSync(join(cwd, 'dist/app')),
        saved,
      ]);
    }
    expect(seen).toEqual([
      [0, false, true, 0],
      [0, false, true, 0],
      [1, true, false, 0],
    ]);
  });

  test.each([
    ['fails', ['sh', '-c', 'mkdir dist; exit 4'], 4, 'exited 4'],
    ['makes nothing', ['true'], 1, 'made nothing below dist'],
    ['is missing', ['nosuchcommand'], 125, 'ERR_SCRIPT_NOT_FOUND: nosuchcommand'],
  ])('a command that %s', async (_, command, status, message) => {
    const cwd = projectWith('ci-step.mjs');
    const seen = await step(cwd, ...command);
    expect([seen.status, seen.err]).toEqual([status, expect.stringContaining(message)]);
    expect(fs.existsSync(join(cwd, 'dist'))).toBe(false);
  });
});

test('the web server runs what is sent, streams, and ends what is not waited for', async () => {
  const cwd = projectWith('server.mjs');
  const marker = `39${process.pid % 100_000}.5`;
  const { child, options } = start('server.mjs', { cwd, env: { PORT: '0' } });
  const port = await new Promise<string>((resolve) => {
    child.stdout?.on('data', (chunk) => resolve(/port (\d+)/.exec(String(chunk))?.[1] ?? ''));
  });
  const post = (path: string, body: unknown, signal?: AbortSignal) =>
    fetch(`http://127.0.0.1:${port}${path}`, {
      method: 'POST',
      body: typeof body === 'string' ? body : JSON.stringify(body),
      ...(signal === undefined ? {} : { signal }),
    });
  const answer = await post('/run', { code: 'print(input())', input: 'hello\n' });
  expect([answer.status, await answer.json()]).toEqual([
    200,
    { stdout: 'hello\n', stderr: '', outcome: 'exited', exitCode: 0, truncated: false },
  ]);
  const streamed = await post('/stream', { code: 'for n in range(3): print(n, flush=True)' });
  expect(await streamed.text()).toBe('0\n1\n2\n');
  const bad = await Promise.all([
    post('/run', 'no JSON'),
    post('/run', { code: 'a\0b' }),
    post('/run', { code: 'x'.repeat(100_001) }),
    post('/other', {}),
  ]);
  expect(bad.map(({ status }) => status)).toEqual([400, 400, 413, 404]);
  const controller = new AbortController();
  const code = `import subprocess; subprocess.run(["sleep", "${marker}"])`;
  const gone = post('/run', { code }, controller.signal).catch((error) => error.name);
  expect(await eventually(() => processesWith(marker).length > 0)).toBe(true);
  controller.abort();
  expect(await gone).toBe('AbortError');
  expect(await eventually(() => processesWith(marker).length === 0)).toBe(true);
  child.kill('SIGTERM');
  const { err, status } = await ended(child, options);
  expect([err, status]).toEqual(['', 0]);
});

test("the notebook's kernel ends a cell that takes too long", async () => {
  const cwd = projectWith('notebook.mjs');
  const input = '{"cell": "while True: pass"}\n';
  const seen = await outcomeOf('notebook.mjs', { cwd, env: { CELL_SECONDS: '1' }, input });
  expect(seen).toMatchObject({ out: '{"out":"KeyboardInterrupt\\n"}\n', err: '', status: 0 });
});

test("the notebook's kernel keeps state and starts anew", async () => {
  const cwd = projectWith('notebook.mjs');
  const requests = [
    { cell: 'x = 6' },
    { cell: 'x * 7' },
    { file: 'd/data.csv', text: 'a,b\n' },
    { cell: 'open("d/data.csv").read()' },
    { cell: 'import os; os._exit(3)' },
    { cell: 'x' },
    { restart: true },
    { cell: 'open("d/data.csv").read()' },
  ];
  const input = `${requests.map((one) => JSON.stringify(one)).join('\n')}\nno JSON\n`;
  const { out, err, status } = await outcomeOf('notebook.mjs', { cwd, input });
  expect([err, status]).toEqual(['', 0]);
  expect(linesOf(out)).toEqual([
    { out: '' },
    { out: '42\n' },
    { written: 'd/data.csv' },
    { out: "'a,b\\n'\n" },
    { error: 'the kernel ended; a new one was started' },
    { out: "NameError: name 'x' is not defined\n" },
    { restarted: true },
    { out: "'a,b\\n'\n" },
    { error: expect.stringContaining('JSON') },
  ]);
  expect(fs.existsSync(join(cwd, 'd'))).toBe(false);
});
