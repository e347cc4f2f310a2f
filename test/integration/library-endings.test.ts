/**
 * How runs of a program end that go wrong on the host's side: wrong arguments, callbacks that throw, aborts,
 * worker threads that are terminated. Needs: user namespaces, overlayfs in them.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { processesWith } from '../support/host.js';
import { ordinaryUser } from '../support/identity.js';
import { runLibrary } from '../support/library-child.js';
import { left } from '../support/pool.js';
import { makeProject } from '../support/project.js';

const as = ordinaryUser();
let count = 0;
const uniqueMarker = (): string => `37${process.pid % 100_000}.${++count}`;

interface Shown {
  readonly lines: unknown[];
  readonly err: string;
  readonly state: string;
}

async function inProgram(body: string): Promise<Shown> {
  const cwd = makeProject(as);
  const program = `const show = (value) => console.log(JSON.stringify(value));
    const options = { workdir: ${JSON.stringify(cwd)} };
    const told = (promise) => promise.then(() => 'fulfilled', (error) => [error.name, error.code ?? null, error.message]);
    ${body}`;
  const state = `${cwd}.state`;
  const { out, err, status } = await runLibrary(program, {
    as,
    cwd,
    env: { XDG_STATE_HOME: state },
  });
  expect(status, err).toBe(0);
  const lines = out.split('\n').filter((line) => line !== '');
  return { lines: lines.map((line) => JSON.parse(line)), err, state };
}

/** A process of the host tells of it; a sandbox that lives on would keep it from ending. */
const sleeper = (marker: string): string => `code: 'touch new; sleep ${marker} & sleep ${marker}'`;

test('a run whose directory cannot be made leaves nothing, and the next one starts', async () => {
  const { lines, err } = await inProgram(
    `const fs = await import('node:fs');
     const state = process.env.XDG_STATE_HOME + '/wasbox';
     const open = () => fs.readdirSync('/proc/self/fd').length;
     const once = () => told(lib.run({ ...options, code: 'echo inside > file', changes: 'discard' }));
     show([await once(), await once()]);
     const before = open();
     fs.chmodSync(state, 0o755);
     const refused = [];
     for (let n = 0; n < 30; n++) refused.push(await once());
     fs.chmodSync(state, 0o700);
     show([...new Set(refused.map(([name, code]) => name + ' ' + code))]);
     show([await once(), fs.readdirSync(state + '/runs')]);
     // Threads are still emptying the layers of earlier runs, with a few descriptors each.
     while (open() > before) await new Promise((resolve) => setTimeout(resolve, 10));`,
  );
  expect([lines, err]).toEqual([
    [['fulfilled', 'fulfilled'], ['ChangesError ERR_STATE_DIR'], ['fulfilled', []]],
    '',
  ]);
});

describe('arguments of the wrong kind', () => {
  test.each([
    ['input', '5'],
    ['input', '{}'],
    ['input', 'null'],
    ['input', 'new ArrayBuffer(3)'],
    ['signal', '{}'],
    ['signal', 'true'],
    ['signal', 'new AbortController()'],
    ['maxOutputBytes', '-1'],
    ['maxOutputBytes', 'NaN'],
    ['maxOutputBytes', "'1'"],
    ['onStdout', '1'],
    ['onStderr', "'x'"],
    ['all', '1'],
    ['ask', '5'],
    ['askTimeoutMs', '-1'],
    ['changes', "{ success: 'keep' }"],
    ['env', '{ A: 5 }'],
    ['stdio', "['pipe', 'pipe', 'pipe']"],
  ])('%s: %s starts nothing', async (name, value) => {
    const marker = uniqueMarker();
    const { lines, state } = await inProgram(
      `show(await told(lib.run({ ...options, ${sleeper(marker)}, ${name}: ${value} })));`,
    );
    expect(lines).toEqual([
      ['UsageError', expect.stringMatching(/^ERR_OPTION_/), expect.any(String)],
    ]);
    expect(existsSync(join(state, 'wasbox'))).toBe(false);
  });

  test.each([
    ['stdio', "['pipe', 'pipe']"],
    ['stdio', "['pipe', 'pipe', 'inherits']"],
    ['stdio', "['pipe', 'pipe', 987]"],
    ['input', "'x'"],
    ['signal', '{}'],
  ])('spawn: %s: %s starts nothing', async (name, value) => {
    const marker = uniqueMarker();
    const { lines, state } = await inProgram(
      `show(await told(lib.spawn({ ...options, ${sleeper(marker)}, ${name}: ${value} })));`,
    );
    expect(lines).toEqual([
      ['UsageError', expect.stringMatching(/^ERR_OPTION_/), expect.any(String)],
    ]);
    expect(existsSync(join(state, 'wasbox'))).toBe(false);
  });

  test('control: with right ones the same run starts', async () => {
    const { lines, state } = await inProgram(
      `show(await told(lib.run({ ...options, code: 'touch new', input: 'x', signal: new AbortController().signal, env: process.env })));`,
    );
    expect(lines).toEqual(['fulfilled']);
    expect(existsSync(join(state, 'wasbox'))).toBe(true);
  });
});

describe('an error that the host throws', () => {
  test.each([
    ['onStdout throws', `onStdout: () => { throw new RangeError('mine'); }`],
    ['onStderr throws', `onStderr: () => { throw new RangeError('mine'); }`],
    ['onStdout rejects', `onStdout: async () => { throw new RangeError('mine'); }`],
    ['the input throws', `input: (async function* () { throw new RangeError('mine'); })()`],
    ['a piece of the input is no text', `input: (async function* () { yield 5; })()`],
  ])('ends the run it belongs to: %s', async (_, option) => {
    const marker = uniqueMarker();
    const code = `'echo out; echo err >&2; sleep ${marker} & sleep ${marker}'`;
    const { lines, err, state } = await inProgram(
      `show(await told(lib.run({ ...options, code: ${code}, ${option} })));
       show((await lib.run({ ...options, code: 'echo next' })).stdout);`,
    );
    const [[name] = [], next] = lines as [string[], string];
    expect(['RangeError', 'UsageError']).toContain(name);
    expect([next, err]).toEqual(['next\n', '']);
    expect(processesWith(marker)).toEqual([]);
    expect(left(state)).toEqual([]);
  });

  test('control: a callback that throws nothing gets all of it, and the payload waits for its promise', async () => {
    const { lines } = await inProgram(`
      let seen = '', open = 0, most = 0;
      const onStdout = async (chunk) => {
        most = Math.max(most, ++open);
        await new Promise((resolve) => setTimeout(resolve, 20));
        seen += Buffer.from(chunk);
        open--;
      };
      const { stdout } = await lib.run({ ...options, code: 'for i in 1 2 3 4; do echo $i; sleep 0.02; done', onStdout });
      show([seen === stdout, most]);`);
    expect(lines).toEqual([[true, 1]]);
  });

  test('ends the task of a pool, which goes on', async () => {
    const { lines, err } = await inProgram(`
      const pool = await lib.createPool({ ...options, lang: 'sh', size: 1 });
      show(await told(pool.run({ code: 'echo x; sleep 60', onStdout: () => { throw new RangeError('mine'); } })));
      show(await told(pool.run({ code: 'cat', input: 5 })));
      show((await pool.run('echo next')).stdout);
      await pool.close();`);
    expect(lines).toEqual([
      ['RangeError', null, 'mine'],
      ['UsageError', 'ERR_OPTION_VALUE', expect.any(String)],
      'next\n',
    ]);
    expect(err).toBe('');
  });
});

describe('an abort', () => {
  test('keeps output, report and the ID, and is an AbortError by name', async () => {
    const { lines, state } = await inProgram(`
      for (const changes of ['keep', 'discard', { success: 'discard', failure: 'keep' }]) {
        const controller = new AbortController();
        const onStdout = () => controller.abort(new Error('enough'));
        const error = await lib.run({ ...options, code: 'touch new; echo begun; echo e >&2; sleep 60', changes, signal: controller.signal, onStdout })
          .catch((error) => error);
        const { result } = error;
        show([error.name, error.code, error.cause.message, error instanceof lib.LaunchError, result.stdout, result.outcome]);
        show([result.report.outcome.signal, result.runId === result.report.runId, result.changes.disposition, result.kept?.id === result.runId]);
      }`);
    const error = ['AbortError', 'ERR_ABORTED', 'enough', false, 'begun\n', 'signaled'];
    expect(lines).toEqual([
      error,
      ['SIGKILL', true, 'kept', true],
      error,
      ['SIGKILL', true, 'discarded', false],
      error,
      ['SIGKILL', true, 'kept', true],
    ]);
    expect(left(state)).toHaveLength(2);
  });

  test('a time limit is a result with all of that', async () => {
    const { lines } = await inProgram(`
      const { outcome, stdout, timedOut, changes, kept, runId } = await lib.run({ ...options, code: 'touch new; echo begun; sleep 60', timeoutMs: 1000, changes: 'keep' });
      show([outcome, stdout, timedOut, changes.disposition, kept.id === runId]);`);
    expect(lines).toEqual([['timeout', 'begun\n', true, 'kept', true]]);
  });

  test('stacks name the line of the call', async () => {
    const { lines } = await inProgram(`
      async function caller(how) { return how(); }
      const stackOf = (how) => caller(how).catch((error) => error.stack);
      const controller = new AbortController();
      const stacks = [
        await stackOf(() => lib.run({ ...options, code: 'echo; sleep 60', signal: controller.signal, onStdout: () => controller.abort() })),
        await stackOf(() => lib.run({ ...options, command: '/nowhere/at-all' })),
        await stackOf(() => lib.spawn({ ...options, signal: 5, code: 'true' })),
        await stackOf(() => lib.createPool({ ...options, lang: 'cobol' })),
      ];
      show(stacks.map((stack) => [/caller/.test(stack), /index\\.js/.test(stack)]));`);
    expect(lines[0]).toEqual(Array(4).fill([true, false]));
  });
});

describe('changes of a run that are not kept', () => {
  test.each([
    ['exit 3', ''],
    ['kill -9 $$', ''],
    ['sleep 60', 'timeoutMs: 500,'],
  ])('nothing piles up: %s', async (end, option) => {
    const { lines, state } = await inProgram(`
      const { changes, kept } = await lib.run({ ...options, ${option} code: 'touch new; ${end}' });
      show([changes.disposition, kept ?? null]);
      const asked = await lib.run({ ...options, ${option} code: 'touch new; ${end}', changes: 'discard' });
      show([asked.changes.disposition]);`);
    expect(lines).toEqual([['discarded', null], ['discarded']]);
    expect(left(state)).toEqual([]);
  });

  test('control: a policy for failures keeps them, and says under which ID', async () => {
    const { lines, state } = await inProgram(`
      const changes = { success: 'discard', failure: 'keep' };
      const { kept, runId } = await lib.run({ ...options, code: 'touch new; exit 3', changes });
      show([kept.id === runId]);
      show((await lib.run({ ...options, code: 'touch new', changes })).changes.disposition);`);
    expect(lines).toEqual([[true], 'discarded']);
    expect(left(state)).toHaveLength(1);
  });
});

describe('worker threads', () => {
  const library = JSON.stringify(join(as.cli, '..', 'index.js'));

  /** A program whose worker runs `body` with `lib`, `options` and `parentPort`. */
  const worker = (body: string, then: string): string => {
    const source = `const { parentPort, workerData: options } = require('node:worker_threads');
      import(${library}).then(async (lib) => { ${body} });`;
    return `
      const { Worker } = process.getBuiltinModule('node:worker_threads');
      const fs = process.getBuiltinModule('node:fs');
      const worker = new Worker(${JSON.stringify(source)}, { eval: true, execArgv: [], workerData: options });
      ${then}`;
  };

  test('one that is terminated ends what it started, and nothing of it is left', async () => {
    const marker = uniqueMarker();
    const { lines, err, state } = await inProgram(
      worker(
        `const sandbox = await lib.spawn({ ...options, code: 'touch new; echo; sleep ${marker}' });
         sandbox.stdout.once('data', () => parentPort.postMessage(process.pid));
         lib.run({ ...options, code: 'sleep ${marker}' });`,
        `await Promise.all([
           lib.run({ ...options, code: 'true' }),
           new Promise((resolve) => worker.once('message', resolve)),
         ]);
         await worker.terminate();
         const { runsLeft } = { runsLeft: () => fs.readdirSync(process.env.XDG_STATE_HOME + '/wasbox/runs') };
         const alive = () => fs.readdirSync('/proc').filter((pid) => { try { return /^\\d+$/.test(pid) && fs.readFileSync('/proc/' + pid + '/cmdline', 'latin1').startsWith('sleep\\x00${marker}'); } catch { return false; } });
         while (alive().length > 0 || runsLeft().length > 0) await new Promise((resolve) => setTimeout(resolve, 20));
         show((await lib.run({ ...options, code: 'echo next' })).stdout);`,
      ),
    );
    expect([lines, err]).toEqual([['next\n'], '']);
    expect(processesWith(marker)).toEqual([]);
    expect(left(state)).toEqual([]);
  });

  /** Terminates a worker while Node makes the stream of a pipe that the addon opened: `then` has its `fd`. */
  const interrupted = (
    made: string,
    then: string,
    start = "lib.run({ ...options, code: 'true' })",
  ): string => `
    const { readdirSync, readlinkSync } = process.getBuiltinModule('node:fs');
    const linkOf = (fd) => { try { return readlinkSync('/proc/self/fd/' + fd); } catch { return ''; } };
    const ends = () => readdirSync('/proc/self/fd').map(linkOf).filter((link) => /^(pipe|socket):/.test(link));
    await lib.run({ ...options, code: 'true' });
    const before = ends();
    const more = () => ends().filter((link) => !before.includes(link)).length;
    ${worker(
      `const net = process.getBuiltinModule('node:net');
       const Real = net.Socket;
       net.Socket = function (how) { ${made} parentPort.postMessage(how.fd); for (;;); };
       ${start};`,
      `const fd = await new Promise((resolve) => worker.once('message', resolve));
       ${then}`,
    )}`;

  test.each([
    ['before the stream has the descriptor', ''],
    ['when it has it, and nothing else knows', 'new Real(how);'],
  ])('one that is terminated leaves no descriptor: %s', async (_, made) => {
    const { lines, err } = await inProgram(
      interrupted(
        made,
        // The number is not enough: the thread that starts the sandbox may get it for another descriptor.
        `const link = linkOf(fd);
         const during = more();
         await worker.terminate();
         // The threads of its pipes close theirs a moment later.
         for (let turn = 0; turn < 500 && more() > 0; turn++) await new Promise((r) => setTimeout(r, 10));
         show([link.startsWith('socket:'), linkOf(fd) === link, during > 0, more()]);`,
      ),
    );
    expect([lines, err]).toEqual([[[true, false, true, 0]], '']);
  });

  test('one that is terminated closes no descriptor of another thread', async () => {
    const { lines } = await inProgram(
      interrupted(
        'new Real(how).destroy();',
        `const taken = [];
         do taken.push(fs.openSync('/dev/null')); while (!taken.includes(fd) && taken.length < 200);
         await worker.terminate();
         show([taken.includes(fd), fs.readlinkSync('/proc/self/fd/' + fd)]);`,
        // Makes its streams before a thread starts the sandbox, which opens descriptors, too.
        "lib.createPool({ ...options, lang: 'sh', size: 1 })",
      ),
    );
    expect(lines).toEqual([[true, '/dev/null']]);
  });

  test('runs in one print no warning about descriptors', async () => {
    const { lines, err } = await inProgram(
      worker(
        `const changed = await lib.run({ ...options, code: 'cat > new', input: 'x', changes: 'keep' });
         const diff = await changed.kept.diff();
         await changed.kept.discard();
         const pool = await lib.createPool({ ...options, lang: 'sh', size: 1 });
         const { stdout } = await pool.run('echo pooled');
         await pool.close();
         parentPort.postMessage([diff.map(({ path }) => path), stdout]);`,
        `worker.once('message', show);
         await new Promise((resolve) => worker.once('exit', resolve));
         await lib.run({ ...options, code: 'true' });`,
      ),
    );
    expect(lines).toEqual([[['new'], 'pooled\n']]);
    expect(err).toBe('');
  });

  test('control: Node warns of a descriptor that it did not open', async () => {
    const { err } = await inProgram(
      worker(
        `const native = { exports: {} };
         process.dlopen(native, ${JSON.stringify(join(as.cli, '..', 'native', `${process.platform}-${process.arch}`, 'wasbox.node'))});
         for (const fd of native.exports.pipe()) require('node:fs').closeSync(fd);`,
        `await new Promise((resolve) => worker.once('exit', resolve));`,
      ),
    );
    expect(err).toContain('closed but not opened');
  });
});
