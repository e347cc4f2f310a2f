/**
 * Tests what a program gives its runs to read, and the descriptors that it takes: streams that fail or are never
 * read, files that cannot be, and a process that may open few files. Needs: user namespaces, overlayfs in them.
 */
import { describe, expect, test } from 'vitest';
import { ordinaryUser } from '../support/identity.js';
import { libraryArgv } from '../support/library-child.js';
import { left } from '../support/pool.js';
import { makeProject } from '../support/project.js';
import { runProgram } from '../support/wasbox.js';

const as = ordinaryUser();

interface Shown {
  readonly lines: unknown[];
  readonly err: string;
  readonly status: number | null;
  readonly state: string;
}

/** Runs a program with `show`, `told`, `options` and `more`, the descriptors since `more` was called first. */
async function inProgram(body: string, openFiles?: number): Promise<Shown> {
  const cwd = makeProject(as);
  const state = `${cwd}.state`;
  const program = `const show = (value) => console.log(JSON.stringify(value));
    const fs = process.getBuiltinModule('node:fs');
    const options = { workdir: ${JSON.stringify(cwd)} };
    const told = (promise) => promise.then(() => 'fulfilled', (error) => [error.name, error.code ?? null]);
    const open = () => fs.readdirSync('/proc/self/fd').length;
    ${body}`;
  const argv = libraryArgv(as, program);
  const limited = ['sh', '-c', `ulimit -n ${openFiles}; exec "$@"`, 'sh', ...argv];
  const { out, err, status } = await runProgram(openFiles === undefined ? argv : limited, {
    as,
    cwd,
    env: { XDG_STATE_HOME: state },
  });
  const lines = out.split('\n').filter((line) => line !== '');
  return { lines: lines.map((line) => JSON.parse(line)), err, status, state };
}

/** Each way to give a program input, as `give(input)`. */
const ways = {
  run: `const give = (input) => lib.run({ ...options, code: 'cat', input });`,
  'run, which waits for its turn': `lib.setMaxConcurrency(1);
    const first = lib.run({ ...options, code: 'sleep 0.5' });
    const give = (input) => lib.run({ ...options, code: 'cat', input });`,
  'pool.run': `const pool = await lib.createPool({ ...options, lang: 'sh', size: 1, maxRunning: 1 });
    const give = (input) => { pool.run('sleep 0.3'); return pool.run({ code: 'cat', input }); };`,
  'session.exec': `const session = await lib.createSession(options);
    const give = (input) => session.exec(['cat'], { input });`,
  'session.files.write': `const session = await lib.createSession(options);
    const give = (input) => session.files.write('new', input);`,
} as const;

const end = `await Promise.allSettled([globalThis.pool?.close(), globalThis.session?.close()]); process.exit();`;

describe.each(Object.entries(ways))('input of %s', (name, way) => {
  test('is the error of the call if it fails before it is read, and not the end of the process', async () => {
    const { lines, err } = await inProgram(`${way}
      show(await told(give(fs.createReadStream('/nowhere/at-all'))));
      show(await told(give(new ReadableStream({ start: (one) => one.error(new RangeError('mine')) }))));
      ${end}`);
    expect([lines, err]).toEqual([
      [
        ['Error', 'ENOENT'],
        ['RangeError', null],
      ],
      '',
    ]);
  });

  test('a file that cannot be read is an error of usage', async () => {
    const { lines } = await inProgram(`${way}
      show(await told(give({ file: '/nowhere/at-all' })));
      show(await told(give({ file: '/etc/passwd' })));
      ${end}`);
    expect(lines, name).toEqual([['UsageError', 'ERR_OPTION_VALUE'], 'fulfilled']);
  });

  test('a named pipe is refused, and stops nothing', async () => {
    const { lines } = await inProgram(`${way}
      const { execFileSync } = process.getBuiltinModule('node:child_process');
      const pipe = options.workdir + '/pipe';
      execFileSync('mkfifo', [pipe]);
      let turns = 0;
      setInterval(() => turns++, 1);
      show(await told(give({ file: pipe })));
      await new Promise((resolve) => setTimeout(resolve, 20));
      show(turns > 0);
      ${end}`);
    expect(lines, name).toEqual([['UsageError', 'ERR_OPTION_VALUE'], true]);
  });

  test('whose iterator does not let go: the error comes all the same', async () => {
    const { lines } = await inProgram(`${way}
      const next = async () => { throw new RangeError('mine'); };
      const pieces = { next, return: () => new Promise(() => {}) };
      show(await told(give({ [Symbol.asyncIterator]: () => pieces })));
      ${end}`);
    expect(lines).toEqual([['RangeError', null]]);
  });
});

test('control: Node ends for a stream that fails unwatched', async () => {
  const { lines, err, status } = await inProgram(`fs.createReadStream('/nowhere/at-all');
    await lib.run({ ...options, code: 'sleep 0.2' });
    show('lives');`);
  expect([lines, status]).toEqual([[], 1]);
  expect(err).toContain('ENOENT');
});

describe('a stream that is not read to its end', () => {
  const streams = `const file = fs.createReadStream('/dev/zero');
    let cancelled = false;
    let cancel;
    const over = Promise.all([
      new Promise((resolve) => file.once('close', resolve)),
      new Promise((resolve) => (cancel = resolve)).then(() => (cancelled = true)),
    ]);
    const web = new ReadableStream({ cancel: () => cancel() });`;

  test.each([
    ['the program ends before', "code: 'true'"],
    ['the run never starts', "command: '/nowhere/at-all'"],
    ['it was aborted already', "code: 'true', signal: AbortSignal.abort()"],
  ])('is closed: %s', async (_, how) => {
    const { lines } = await inProgram(`${streams}
      const starts = [web, file].map((input) => lib.run({ ...options, ${how}, input }));
      await Promise.allSettled(starts);
      await over;
      show('closed');
      process.exit();`);
    expect(lines).toEqual(['closed']);
  });

  test('control: it is open while none has it', async () => {
    const { lines } = await inProgram(`${streams}
      await lib.run({ ...options, code: 'true' });
      show([cancelled, file.closed]);
      process.exit();`);
    expect(lines).toEqual([[false, false]]);
  });
});

describe('descriptors', () => {
  const runs = 30;
  /** Each time, and how many more are open afterwards. Other threads are still ending the last runs then. */
  const opened = (use: string, settled: string) => `await lib.run({ ...options, code: 'true' });
    const before = open();
    for (let n = 0; n < ${runs}; n++) { ${use} }
    const isSettled = () => ${settled};
    while (!isSettled()) await new Promise((resolve) => setTimeout(resolve, 20));
    show(open() - before);`;

  // Where a run leaves one open, this waits until the test times out.
  const few = 'open() - before < 10';

  test.each([
    ['a run that asks', `await lib.run({ ...options, code: 'true', ask: () => 'deny' });`],
    [
      'a spawned program that was written nothing',
      `const { result, stdout } = await lib.spawn({ ...options, code: 'true' }); stdout.resume(); await result;`,
    ],
  ])('are closed after %s', async (_, use) => {
    expect((await inProgram(opened(use, few))).lines[0]).toBeLessThan(10);
  });

  test('control: what is left open each time is counted', async () => {
    // Some of the run before may be closed meanwhile.
    const use = `fs.openSync('/dev/null'); fs.openSync('/dev/null');`;
    expect((await inProgram(opened(use, 'true'))).lines[0]).toBeGreaterThan(runs);
  });
});

describe('a process that may open few files', () => {
  const count = 40;
  const burst = `const all = await Promise.all(Array.from({ length: ${count} }, () => told(lib.run({ ...options, code: 'true' }))));
    show([...new Set(all.map(String))].sort());`;

  test('has fewer runs go on at a time', async () => {
    const { lines, state } = await inProgram(burst, 64);
    expect(lines).toEqual([['fulfilled']]);
    expect(left(state)).toEqual([]);
  });

  test('waits until threads let go of what ended runs had open', async () => {
    const held = `for (let n = 0; n < 12; n++) fs.openSync('/dev/null');`;
    const { lines, state } = await inProgram(`${held} ${burst}`, 64);
    expect(lines).toEqual([['fulfilled']]);
    expect(left(state)).toEqual([]);
  });

  test('control: more at a time fail, each with the error that says why', async () => {
    const { lines } = await inProgram(`lib.setMaxConcurrency(Infinity); ${burst}`, 64);
    const [kinds = []] = lines as string[][];
    const told = kinds.filter((kind) => kind !== 'fulfilled');
    expect(told.length).toBeGreaterThan(0);
    expect(told.filter((kind) => !/^(Launch|Run)Error,ERR_DESCRIPTORS$/.test(kind))).toEqual([]);
  });
});

test('a pool takes no code: each task has its own', async () => {
  const { lines } = await inProgram(
    `show(await told(lib.createPool({ ...options, lang: 'sh', code: 'true' })));`,
  );
  expect(lines).toEqual([['UsageError', 'ERR_OPTION_UNKNOWN']]);
});
