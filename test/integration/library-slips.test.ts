/**
 * Tests what a program's author stumbles on: many runs on one signal, callbacks that throw, sandboxes that never get
 * ready, paths of a subdirectory, and values of the wrong kind. Needs: user namespaces, overlayfs in them.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  createPool,
  isWasboxError,
  keptRunOf,
  learn,
  listRuns,
  run,
  spawn,
} from '../../src/index.js';
import { ordinaryUser } from '../support/identity.js';
import { runLibrary } from '../support/library-child.js';
import { libraryPlace } from '../support/library-place.js';
import { makeProject } from '../support/project.js';

const { workdir } = libraryPlace('slips');
const as = ordinaryUser();

describe('one signal of many runs', () => {
  const inProgram = (body: string) => {
    const cwd = makeProject(as);
    const env = { XDG_STATE_HOME: `${cwd}.state` };
    const start = `const controller = new AbortController();
      const { signal } = controller;
      const options = { workdir: ${JSON.stringify(cwd)}, signal };`;
    return runLibrary(`${start}${body}`, { as, cwd, env });
  };

  test('ends all of them, and Node warns of no leak', async () => {
    const { out, err } = await inProgram(`
      const pool = await lib.createPool({ workdir: options.workdir, lang: 'sh', size: 1 });
      const runs = Array.from({ length: 20 }, () => lib.run({ ...options, code: 'sleep 60' }));
      const tasks = Array.from({ length: 20 }, () => pool.run({ code: 'sleep 60', signal }));
      const ended = Promise.allSettled([...runs, ...tasks]);
      setTimeout(() => controller.abort(), 300);
      console.log([...new Set((await ended).map(({ reason }) => reason?.name))].join());
      await pool.close();`);
    expect([out, err]).toEqual(['AbortError\n', '']);
  });

  test('control: Node warns of as many listeners', async () => {
    const body = `for (let n = 0; n < 20; n++) signal.addEventListener('abort', () => {});`;
    expect((await inProgram(body)).err).toContain('MaxListenersExceededWarning');
  });

  test('has no listener any more when they have ended', async () => {
    const { out } = await inProgram(`
      const { getEventListeners } = process.getBuiltinModule('node:events');
      await Promise.all([1, 2, 3].map(() => lib.run({ ...options, code: 'true' })));
      console.log(getEventListeners(signal, 'abort').length);`);
    expect(out).toBe('0\n');
  });
});

describe('changes of a run that the program itself ended', () => {
  const code = 'echo x > made; echo said; sleep 60';
  const mine = new RangeError('mine');
  const onStdout = () => {
    throw mine;
  };

  test('are found by the error of a callback', async () => {
    const error = await run({ code, workdir, changes: 'keep', onStdout }).catch((one) => one);
    expect(error).toBe(mine);
    const kept = keptRunOf(error);
    expect((await kept?.diff())?.map(({ path }) => path)).toEqual(['made']);
    expect((await listRuns({ workdir })).map(({ id }) => id)).toEqual([kept?.id]);
    await kept?.discard();
    const pool = await createPool({ lang: 'sh', workdir, size: 1, changes: 'keep' });
    const other = new RangeError('other');
    const fail = () => {
      throw other;
    };
    await expect(pool.run({ code, onStdout: fail })).rejects.toBe(other);
    await keptRunOf(other)?.discard();
    await pool.close();
    expect(await listRuns({ workdir })).toEqual([]);
  });

  test('come with an AbortError, too; there are none where they are dropped', async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const abort = () => controller.abort();
    const aborting = run({ code, workdir, changes: 'keep', signal, onStdout: abort });
    const kept = keptRunOf(await aborting.catch((one) => one));
    expect((await kept?.diff())?.length).toBe(1);
    await kept?.discard();
    const dropped = new RangeError('dropped');
    const fail = () => {
      throw dropped;
    };
    await expect(run({ code, workdir, onStdout: fail })).rejects.toBe(dropped);
    expect(keptRunOf(dropped)).toBeUndefined();
    expect(keptRunOf('a text')).toBeUndefined();
  });
});

test('a pool whose sandboxes do not get ready says so when the program wants to know', async () => {
  const preload = 'import time\nwhile True: time.sleep(1)';
  const slow = createPool({ lang: 'python', workdir, size: 1, preload, startTimeoutMs: 500 });
  await expect(slow).rejects.toMatchObject({
    code: 'ERR_POOL_BOOT',
    message: expect.stringContaining('not ready in 500 ms'),
  });
  const wrong = createPool({ lang: 'python', workdir, startTimeoutMs: 0 });
  await expect(wrong).rejects.toMatchObject({ code: 'ERR_OPTION_VALUE' });
});

test('paths count from the directory that the run changed, wherever the program is', async () => {
  const cwd = makeProject(as, { 'package.json': '{}', 'sub/own.txt': 'host\n' });
  const program = `process.chdir('sub');
    const { kept, changes } = await lib.run({ code: 'echo inside > own.txt', changes: 'keep' });
    const { unmatched } = await kept.apply({ paths: ['own.txt'], dryRun: true });
    const [{ path }] = changes.changes;
    const { applied } = await kept.apply({ paths: [path] });
    console.log(JSON.stringify([kept.workdir, path, unmatched, applied.length]));`;
  const { out, err } = await runLibrary(program, {
    as,
    cwd,
    env: { XDG_STATE_HOME: `${cwd}.state` },
  });
  expect([JSON.parse(out), err]).toEqual([[cwd, 'sub/own.txt', ['own.txt'], 1], '']);
  expect(readFileSync(join(cwd, 'sub/own.txt'), 'utf8')).toBe('inside\n');
});

test('a state directory that no directory can be made in is an error, not an endless loop', async () => {
  const cwd = makeProject(as);
  const program = `console.log((await lib.run('true').catch((error) => error)).code);`;
  const env = { XDG_STATE_HOME: '/proc/wasbox/state' };
  expect((await runLibrary(program, { as, cwd, env })).out).toBe('ERR_STATE_DIR\n');
});

test.each([
  ['two programs', { command: 'true', code: 'true' }, /command and code/, /args/],
  ['no program', {}, /neither a command nor code/, /\{ command: /],
  ["another library's option", { code: 'true', cwd: '.' }, /unknown option cwd/, /workdir/],
  ["another sandbox's option", { code: 'true', network: true }, /unknown option network/, /net: /],
  [
    "the report's name of a limit",
    { code: 'true', processes: 5 },
    /unknown option processes/,
    /pids/,
  ],
  ['a limit without its unit', { code: 'true', memory: 5 }, /unknown option memory/, /memoryBytes/],
  ['a slip', { code: 'true', timeout: 5 }, /unknown option timeout/, /timeoutMs/],
  ['a number out of range', { code: 'true', timeoutMs: -1 }, /whole milliseconds/, /Got -1\./],
  ['a list of numbers', { command: 'true', args: [5] }, /an array of strings/, /Got an array\./],
])('%s: says what is wrong and what to do, and starts nothing', async (_, options, what, how) => {
  const place = makeProject(as);
  const program = `const told = (call) => call.then(() => 'started', ({ name, message, hint }) => [name, message, hint]);
    const options = ${JSON.stringify(options)};
    for (const name of ['run', 'spawn', 'dryRun']) console.log(JSON.stringify(await told(lib[name](options))));`;
  const env = { XDG_STATE_HOME: `${place}.state` };
  const { out, err } = await runLibrary(program, { as, cwd: place, env });
  const told = out.trim().split('\n');
  expect([told.length, err]).toEqual([3, '']);
  for (const line of told) {
    const [name, message, hint] = JSON.parse(line);
    expect([name, message, hint]).toEqual([
      'UsageError',
      expect.stringMatching(what),
      expect.stringMatching(how),
    ]);
  }
  expect(existsSync(`${place}.state`)).toBe(false);
});

test('control: an image may say what is run, and a pool says which languages it has', async () => {
  await expect(run({ image: 'dir:/nowhere', workdir } as never)).rejects.toMatchObject({
    message: expect.stringContaining('/nowhere'),
  });
  await expect(createPool({ lang: 'cobol' as never, workdir })).rejects.toMatchObject({
    code: 'ERR_OPTION_VALUE',
    message: expect.stringContaining('"cobol"'),
  });
});

test('values of the wrong kind are errors that say what was expected', async () => {
  const { kept } = await run({ code: 'echo > made', workdir, changes: 'keep' });
  const sandbox = await spawn('true', { workdir });
  const pool = await createPool({ lang: 'sh', workdir, size: 1 });
  const slips: Readonly<Record<string, () => unknown>> = {
    listRuns: () => listRuns(null as never),
    'listRuns:': () => listRuns({ workdir: join(workdir, 'not-there') }),
    'listRuns: ': () => listRuns({ workdr: '.' } as never),
    learn: () => learn(null as never),
    earlier: () => learn({ code: 'true', workdir, earlier: 'x = 1' }),
    'read:': () => kept?.read(null as never),
    read: () => kept?.read(''),
    stdoutLines: () => sandbox.stdoutLines(null as never),
    'pool.close': () => pool.close(null as never),
  };
  for (const [what, slip] of Object.entries(slips)) {
    const error = await Promise.resolve()
      .then(slip)
      .catch((one: unknown) => one);
    expect(isWasboxError(error), what).toBe(true);
    expect((error as Error).message, what).toContain(what.trim().replace(/:$/, ''));
  }
  await pool.close();
  await kept?.discard();
  mkdirSync(join(workdir, 'there'));
  writeFileSync(join(workdir, 'there/file'), '');
  expect(await listRuns({ workdir: join(workdir, 'there') })).toEqual([]);
});

describe('the first call, which loads what runs programs', () => {
  const first = async (body: string): Promise<string> => {
    const cwd = makeProject(as);
    const env = { XDG_STATE_HOME: `${cwd}.state` };
    const { out, err } = await runLibrary(body, { as, cwd, env });
    expect(err).toBe('');
    return out;
  };

  test('takes its options as they are', async () => {
    const body = `const options = { command: 'echo', args: ['given'] };
      const run = lib.run(options);
      options.command = 'false';
      const { stdout } = await run;
      console.log(stdout.trim());`;
    expect(await first(body)).toBe('given\n');
  });

  test('is told of an input that fails meanwhile', async () => {
    const body = `const { Readable } = process.getBuiltinModule('node:stream');
      const input = new Readable({ read() {} });
      const run = lib.run('cat', { input });
      input.destroy(new RangeError('mine'));
      console.log(await run.then(() => 'ended', ({ message }) => message));`;
    expect(await first(body)).toBe('mine\n');
  });

  test('names the line of the caller', async () => {
    const body = `const error = await lib.run({ command: 'true', cwd: '.' }).catch((error) => error);
      console.log(error.code, /part-/.test(error.stack), /\\[eval1\\]:\\d/.test(error.stack));`;
    expect(await first(body)).toBe('ERR_OPTION_UNKNOWN false true\n');
  });
});
