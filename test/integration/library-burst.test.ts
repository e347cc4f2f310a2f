/**
 * Many runs at once: how many are on at a time, whose turn it is, and what the event loop's thread does
 * for them. Needs: user namespaces, overlayfs in them.
 */
import { describe, expect, test } from 'vitest';
import { ordinaryUser } from '../support/identity.js';
import { runLibrary } from '../support/library-child.js';
import { makeProject } from '../support/project.js';

const as = ordinaryUser();

/** Runs a program with `show`; what it shows comes back. */
async function inProgram(body: string, more: { cwd?: string; limit?: string } = {}) {
  const cwd = more.cwd ?? makeProject(as);
  const program = `const show = (value) => console.log(JSON.stringify(value));
    const options = { workdir: ${JSON.stringify(cwd)} };
    ${body}`;
  const env = { XDG_STATE_HOME: `${cwd}.state` };
  const { out, err, status } = await runLibrary(program, { as, cwd, env });
  expect([err, status]).toEqual(['', 0]);
  return out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}

/** Most sandboxes at a time among `count` runs, counted by those that have begun to write and not ended. */
const most = (count: number, before: string) => `
  ${before}
  let now = 0, most = 0;
  await Promise.all(Array.from({ length: ${count} }, () => {
    let seen = false;
    const onStdout = () => { if (!seen) most = Math.max(most, ++now); seen = true; };
    return lib.run({ ...options, code: 'echo; sleep 0.2', onStdout }).finally(() => now--);
  }));
  show(most);`;

describe('runs that are asked for at once', () => {
  test('go on as many at a time as the program says', async () => {
    const [few] = await inProgram(most(12, 'lib.setMaxConcurrency(2);'));
    expect(few).toBeLessThanOrEqual(2);
  });

  test('control: without a bound they all go on', async () => {
    const [all] = await inProgram(most(12, 'lib.setMaxConcurrency(Infinity);'));
    expect(all).toBeGreaterThan(2);
  });

  test('start in the order of the calls; one that is aborted while it waits starts nothing', async () => {
    const [order, error] = await inProgram(`
      lib.setMaxConcurrency(1);
      const order = [];
      const one = (n, signal) => lib.run({ ...options, code: 'true', signal, onStdout: () => {} })
        .then(() => order.push(n));
      const controller = new AbortController();
      const first = [one(0), one(1)];
      const dropped = one(2, controller.signal).catch((error) => [error.name, error.result ?? null]);
      const last = one(3);
      controller.abort();
      await Promise.all([...first, last]);
      show(order);
      show(await dropped);`);
    expect(order).toEqual([0, 1, 3]);
    expect(error).toEqual(['AbortError', null]);
  });

  test('a bound that is no number is refused', async () => {
    const [codes] = await inProgram(`show([0, -1, 1.5, NaN, '2'].map((count) => {
      try { lib.setMaxConcurrency(count); return 'taken'; } catch (error) { return error.code; }
    }));`);
    expect(codes).toEqual(Array(5).fill('ERR_OPTION_VALUE'));
  });
});

test('runs one after the other share the threads that supervise them', async () => {
  const runs = 12;
  const [fresh] = await inProgram(`
    const { readdirSync } = await import('node:fs');
    const later = () => new Promise((resolve) => setTimeout(resolve, 5));
    const isDone = () => {
      const spare = readdirSync(process.env.XDG_STATE_HOME + '/wasbox/spare');
      return spare.length > 0 && spare.every((name) => /^(kept|home)-/.test(name));
    };
    const known = new Set();
    const run = async () => {
      await lib.run({ ...options, code: 'true' });
      const threads = readdirSync('/proc/self/task').filter((id) => !known.has(id));
      for (const id of threads) known.add(id);
      // The thread is done with a run once its layer waits for the next one.
      for (const end = Date.now() + 60_000; !isDone(); await later())
        if (Date.now() > end) throw new Error('the layer was not recycled');
      return threads.length;
    };
    await run();
    let fresh = 0;
    for (let n = 0; n < ${runs}; n++) fresh += await run();
    show(fresh);`);
  // A run makes a new thread if the last one is not waiting again yet.
  expect(fresh).toBeLessThan(runs / 2);
});

/** Counts the calls that make and remove files and directories in the event loop's thread. */
const counted = (use: string) => `
  const fs = process.getBuiltinModule('node:fs');
  const { syncBuiltinESMExports } = process.getBuiltinModule('node:module');
  let calls = 0;
  for (const name of ['mkdirSync', 'rmdirSync', 'unlinkSync', 'renameSync', 'rmSync']) {
    const real = fs[name];
    fs[name] = (...given) => { calls++; return real(...given); };
  }
  syncBuiltinESMExports();
  await lib.run({ ...options, code: 'true' });
  calls = 0;
  ${use}
  show(calls);`;

const changing = "code: 'mkdir -p a/b; echo x > a/b/c; chmod 0 a/b'";

describe('layers', () => {
  test('are made and removed on other threads', async () => {
    const use = `for (let n = 0; n < 3; n++) {
      await lib.run({ ...options, code: 'true' });
      await lib.run({ ...options, ${changing} });
    }`;
    expect(await inProgram(counted(use))).toEqual([0]);
  });

  test('control: what a program discards by itself is removed here', async () => {
    const use = `const { kept } = await lib.run({ ...options, changes: 'keep', ${changing} });
      await kept.discard();`;
    const [calls] = await inProgram(counted(use));
    expect(calls).toBeGreaterThan(3);
  });
});

/**
 * Counts, for each turn of the event loop, the streams that are made in it, two of which a run has; and the
 * calls of node:fs that wait for the file system, by name, of all turns together.
 */
const watched = (use: string) => `
  const fs = process.getBuiltinModule('node:fs');
  const net = process.getBuiltinModule('node:net');
  const { syncBuiltinESMExports } = process.getBuiltinModule('node:module');
  await lib.run({ ...options, code: 'true' });
  await lib.run({ ...options, code: 'true' });
  const calls = {};
  for (const name of Object.keys(fs).filter((name) => name.endsWith('Sync'))) {
    const real = fs[name];
    fs[name] = Object.assign((...given) => { calls[name] = (calls[name] ?? 0) + 1; return real(...given); }, real);
  }
  let made = 0, most = 0, watching = true;
  const Real = net.Socket;
  net.Socket = class extends Real { constructor(how) { super(how); made++; } };
  syncBuiltinESMExports();
  const next = () => { most = Math.max(most, made); made = 0; if (watching) setImmediate(next); };
  next();
  ${use}
  watching = false;
  show([most, calls]);`;

describe('a burst', () => {
  const count = 40;
  const burst = `await Promise.all(Array.from({ length: ${count} }, () => lib.run({ ...options, code: 'true' })));`;

  test('starts at most one run in a turn of the event loop, which only looks at files', async () => {
    const [[most, calls]] = await inProgram(watched(burst));
    expect(most).toBe(2);
    // Runs ask whether what was found for the first run still holds, where the addon does not.
    const looking = calls as Record<string, number>;
    const known = ['accessSync', 'closeSync', 'fstatSync', 'lstatSync', 'openSync', 'readSync'];
    known.push(
      'readFileSync',
      'existsSync',
      'readdirSync',
      'readlinkSync',
      'realpathSync',
      'statSync',
    );
    expect(Object.keys(looking).filter((name) => !known.includes(name))).toEqual([]);
    const all = Object.values(looking).reduce((sum, calls) => sum + calls, 0);
    expect(all / count).toBeLessThan(40);
  });

  test('control: streams that are made at once are made in one turn', async () => {
    const use = `for (let n = 0; n < 5; n++) new net.Socket();
      await new Promise(setImmediate);
      fs.rmdirSync(fs.mkdtempSync('made-'));`;
    const [[most, calls]] = await inProgram(watched(use));
    expect(most).toBe(5);
    expect(calls).toEqual({ mkdtempSync: 1, rmdirSync: 1 });
  });
});

describe('descriptors', () => {
  test('are an error that says so if they are used up, and nothing is left', async () => {
    const [[code, errno], after] = await inProgram(`
      const fs = process.getBuiltinModule('node:fs');
      await lib.run({ ...options, code: 'true' });
      const open = [];
      try { for (;;) open.push(fs.openSync('/dev/null')); } catch {}
      const error = await lib.run({ ...options, code: 'true' }).catch((error) => error);
      for (const fd of open) fs.closeSync(fd);
      show([error.code, error.cause?.code]);
      show((await lib.run({ ...options, code: 'echo works' })).stdout);`);
    expect([code, errno]).toEqual(['ERR_DESCRIPTORS', 'EMFILE']);
    expect(after).toBe('works\n');
  });
});
