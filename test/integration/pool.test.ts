/** `createPool` as a program uses it. Needs: user namespaces, overlayfs in them, python3. */
import { existsSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  descendantsOf,
  eventually,
  isAlive,
  listTree,
  processesWith,
  uniqueMarker,
} from '../support/host.js';
import { type Identity, identities, ordinaryUser } from '../support/identity.js';
import { runLibrary, startLibrary } from '../support/library-child.js';
import { makeProject } from '../support/project.js';

/** Generous: the machine may be busy with other things. */
const patience = 120_000;

async function inPool(as: Identity, options: string, body: string, cwd = makeProject(as)) {
  const program = `const pool = await lib.createPool({ workdir: ${JSON.stringify(cwd)}, ...${options} });
    const show = (value) => console.log(JSON.stringify(value));
    ${body}
    await pool.close();`;
  const env = { XDG_STATE_HOME: `${cwd}.state` };
  const { out, err, status } = await runLibrary(program, { as, cwd, env });
  expect(err).toBe('');
  expect(status).toBe(0);
  const lines = out.trim().split('\n');
  return { lines: lines.map((line) => JSON.parse(line)), cwd, state: `${cwd}.state` };
}

const left = (state: string): string[] =>
  ['runs', 'spare'].flatMap((name) => {
    const directory = join(state, 'wasbox', name);
    return existsSync(directory) ? readdirSync(directory) : [];
  });

const task = `{ args: ['a b', "it's", ''], env: { X: 'y\\nz' }, input: 'typed' }`;
const codes = {
  python: `import sys, os
print(sys.argv, repr(os.environ['X']), sys.stdin.read(), __name__, sorted(k for k in globals() if k[0] != '_'))
sys.stdout.flush()
raise ValueError('oh')`,
  node: `process.stdout.write(JSON.stringify([process.argv.slice(1), process.env.X, require('fs').readFileSync(0, 'utf8')])); process.exitCode = 7`,
  sh: `printf '%s|' "$0" "$@" "$X" "$(cat)"; set; exit 9`,
} as const;

describe.each(identities())('as $label', (as) => {
  it.each(Object.keys(codes) as (keyof typeof codes)[])('%s: as a fresh run', async (runtime) => {
    const code = JSON.stringify(codes[runtime]);
    const strip = `const strip = ({ stdout, stderr, exitCode, report }) =>
      [stdout.replace(/^PPID=.*/m, ''), stderr, exitCode, report.argv, report.command, report.outcome, report.sandbox];`;
    const { lines } = await inPool(
      as,
      `{ runtime: '${runtime}', size: 1 }`,
      `${strip}
       show(strip(await pool.run({ code: ${code}, ...${task} })));
       show(strip(await lib.run({ lang: '${runtime}', code: ${code}, ...${task}, workdir: process.cwd() })));`,
    );
    expect(lines[0]).toEqual(lines[1]);
    expect(lines[0][2]).not.toBe(0);
  });

  it('gives every task a sandbox that nothing ran in before', async () => {
    const code = `import os
seen = os.path.exists('/tmp/mark') or os.path.exists('mark') or 'left' in globals()
left = 1; open('/tmp/mark', 'w').close(); open('mark', 'w').close()
print(seen, os.getpid(), *(os.readlink('/proc/self/ns/' + n) for n in ('mnt', 'pid', 'net', 'user', 'ipc', 'uts', 'cgroup')))`;
    const { lines, cwd, state } = await inPool(
      as,
      `{ runtime: 'python', size: 3, changes: 'discard' }`,
      `const all = await Promise.all(Array.from({ length: 12 }, () => pool.run(${JSON.stringify(code)})));
       show(all.map(({ stdout }) => stdout.trim().split(' ')));
       show(all.map(({ changes }) => [changes.disposition, changes.summary.counts.added]));`,
    );
    const [runs, changes] = lines as [string[][], unknown[]];
    expect(runs.map(([seen]) => seen)).toEqual(runs.map(() => 'False'));
    // Of two sandboxes of which one ended before the other began, the kernel may give both a number.
    for (const run of runs) {
      const own = run.slice(2);
      expect(own).toHaveLength(7);
      for (const name of own) {
        const [kind = ''] = name.split(':');
        expect(name).not.toBe(readlinkSync(`/proc/self/ns/${kind}`));
      }
    }
    expect(changes).toEqual(changes.map(() => ['discarded', 1]));
    expect(listTree(cwd)).toEqual([]);
    expect(left(state)).toEqual([]);
  });

  it('keeps changes under the name of the task', async () => {
    const { lines } = await inPool(
      as,
      `{ runtime: 'sh' }`,
      `const { changes, report } = await pool.run('echo new > file');
       show([changes.disposition, report.changes.paths.map(({ path }) => path), report.argv]);`,
    );
    expect(lines[0]).toEqual(['kept', ['file'], ['sh', '-c', 'echo new > file', 'sh']]);
  });

  it('leaves nothing when its process ends, closed or not, or is killed', async () => {
    for (const end of ['process.exit(0)', '', 'process.kill(process.pid, "SIGKILL")']) {
      const cwd = makeProject(as);
      const state = `${cwd}.state`;
      const marker = uniqueMarker();
      const child = startLibrary(
        `const pool = await lib.createPool({ runtime: 'python', size: 3, env: { M: '${marker}' } });
         await pool.run('pass');
         console.log('ready');
         process.stdin.once('data', () => { process.stdin.destroy(); ${end} });`,
        { as, cwd, env: { XDG_STATE_HOME: state } },
      );
      const ended = new Promise((resolve) => child.once('exit', resolve));
      let text = '';
      child.stdout?.on('data', (chunk) => {
        text += chunk;
      });
      expect(await eventually(() => text.includes('ready'), patience)).toBe(true);
      expect(await eventually(() => descendantsOf(child.pid ?? 0).length >= 2, patience)).toBe(
        true,
      );
      const all = descendantsOf(child.pid ?? 0);
      child.stdin?.write('x');
      await ended;
      expect(await eventually(() => all.every((pid) => !isAlive(pid)), patience)).toBe(true);
      if (end.includes('KILL')) {
        // Files wait for the next look at the runs.
        await runLibrary('await lib.run("true", [], { changes: "discard" })', {
          as,
          cwd,
          env: { XDG_STATE_HOME: state },
        });
      }
      expect(left(state)).toEqual([]);
    }
  });
});

describe('a pool', () => {
  const as = ordinaryUser();

  it('runs files of the working directory', async () => {
    const cwd = makeProject(as, {
      'lib/helper.py': 'word = "helped"\n',
      'lib/main.py': 'import sys, helper\nprint(helper.word, sys.argv, __file__)\n',
      'main.mjs':
        'import fs from "node:fs"; console.log(typeof fs.readFileSync, process.argv[2])\n',
      'main.sh': 'echo "$0" "$1"\n',
    });
    const runs = [
      ['python', 'lib/main.py'],
      ['node', './main.mjs'],
      ['sh', './main.sh'],
      ['python', 'missing.py'],
    ] as const;
    for (const [runtime, file] of runs) {
      const { lines } = await inPool(
        as,
        `{ runtime: '${runtime}', size: 1 }`,
        `const strip = ({ stdout, stderr, exitCode, report }) => [stdout, stderr, exitCode, report.argv];
         show(strip(await pool.run({ file: '${file}', args: ['x'] })));
         show(strip(await lib.run('${runtime}' === 'python' ? 'python3' : '${runtime}', ['${file}', 'x'], { workdir: process.cwd() })));`,
        cwd,
      );
      expect(lines[0]).toEqual(lines[1]);
    }
  });

  it('gives the next run a layer as new, whatever was done to the last', async () => {
    const { lines, state, cwd } = await inPool(
      as,
      `{ runtime: 'sh', changes: 'discard' }`,
      `const marks = ['mkdir d; rmdir d', 'touch -d @1 .', 'm=$(stat -c %a .); chmod 711 .; chmod $m .', 'echo x > f; rm f', 'chmod 700 .', ':'];
       for (let round = 0; round < 3; round++) for (const mark of marks) {
         const marked = await pool.run(mark);
         const next = await pool.run('stat -c "%a %Y" . && ls -A');
         show([marked.exitCode, next.changes, next.stdout.trim()]);
       }`,
    );
    expect(lines).toHaveLength(18);
    for (const [status, changes, seen] of lines) {
      expect([status, changes]).toEqual([0, null]);
      const [mode, time, ...entries] = seen.split(/\s+/);
      expect(mode).toBe((statSync(cwd).mode & 0o7777).toString(8));
      expect(Number(time)).toBeGreaterThan(1);
      expect(entries).toEqual([]);
    }
    expect(left(state)).toEqual([]);
  });

  it('of a command gives it its input', async () => {
    const { lines } = await inPool(
      as,
      `{ runtime: 'tr', args: ['a-z', 'A-Z'] }`,
      `show((await pool.run('shout')).stdout);
       show((await pool.run({ input: new Uint8Array([98]) })).stdout);
       show(await pool.run({ code: 'x' }).catch(({ code }) => code));`,
    );
    expect(lines).toEqual(['SHOUT', 'B', 'ERR_OPTION_VALUE']);
  });

  it('limits time from the task on, and output', async () => {
    const { lines } = await inPool(
      as,
      `{ runtime: 'sh', timeoutMs: 3000, maxOutputBytes: 10 }`,
      `let fine, stubborn;
       for (let n = 0; n < 5 && fine?.timedOut !== false; n++) { // a busy machine may take long
         await new Promise((resolve) => setTimeout(resolve, 3500));
         fine = await pool.run('head -c 100 /dev/zero | tr "\\\\0" x');
       }
       show([fine.timedOut, fine.stdout, fine.truncated]);
       const { timedOut, signal, report } = await pool.run('sleep 600');
       show([timedOut, signal, report.outcome.kind, report.sandbox.limits.timeoutMs]);
       for (const timeoutMs of [100, 2000, 20000]) // as long as it takes to be stubborn
         if (stubborn?.signal !== 'SIGKILL')
           stubborn = await pool.run({ code: 'trap "" TERM; while :; do sleep 1; done', timeoutMs });
       show([stubborn.timedOut, stubborn.signal]);`,
    );
    expect(lines).toEqual([
      [false, 'x'.repeat(10), true],
      [true, 'SIGTERM', 'timeout', 3000],
      [true, 'SIGKILL'],
    ]);
  });

  it('ends an aborted task with everything in its sandbox', async () => {
    const marker = `36${process.pid % 100_000}.5`;
    const { lines } = await inPool(
      as,
      `{ runtime: 'sh' }`,
      `const controller = new AbortController();
       setTimeout(() => controller.abort(), 500);
       show(await pool.run({ code: 'sleep ${marker} & sleep ${marker}', signal: controller.signal }).catch(({ code }) => code));
       show((await pool.run('echo next')).stdout);`,
    );
    expect(lines).toEqual(['ERR_ABORTED', 'next\n']);
    expect(processesWith(marker)).toEqual([]);
  });

  it('refuses one task more than may wait, and goes on with the others', async () => {
    const { lines, state } = await inPool(
      as,
      `{ runtime: 'sh', size: 1, maxRunning: 1, maxQueued: 2, changes: 'discard' }`,
      `const code = (promise) => promise.then(({ stdout }) => stdout, (error) => error.code);
       const block = pool.run('cat');
       const all = [code(block)];
       while (pool.state.running === 0) await new Promise((resolve) => setTimeout(resolve, 5));
       for (let i = 0; i < 4; i++) all.push(code(pool.run('echo ' + i)));
       show(pool.state.queued);
       show(await Promise.all(all));
       show(await code(pool.run('echo later')));`,
    );
    expect(lines).toEqual([2, ['', '0\n', '1\n', 'ERR_POOL_FULL', 'ERR_POOL_FULL'], 'later\n']);
    expect(left(state)).toEqual([]);
  });

  it('takes back a task that is cancelled before, while it waits and while it runs', async () => {
    const marker = `37${process.pid % 100_000}.5`;
    const { lines, state } = await inPool(
      as,
      `{ runtime: 'python', size: 1, maxRunning: 1, changes: 'discard' }`,
      `const code = (promise) => promise.then(({ stdout }) => stdout, (error) => error.code);
       const before = AbortSignal.abort();
       show(await code(pool.run({ code: 'print(1)', signal: before })));
       const [running, waiting] = [new AbortController(), new AbortController()];
       let begun; const first = new Promise((resolve) => { begun = resolve; });
       const task = "import subprocess; print(1, flush=True); subprocess.run(['sleep', '${marker}'])";
       const one = code(pool.run({ code: task, signal: running.signal, onStdout: begun }));
       const two = code(pool.run({ code: 'print(2)', signal: waiting.signal }));
       const three = code(pool.run({ code: 'print(3)' }));
       await first;
       waiting.abort();
       show(await two);
       running.abort();
       show(await one);
       show(await three);
       const { running: now, queued } = pool.state;
       show([now, queued]);`,
    );
    expect(lines).toEqual(['ERR_ABORTED', 'ERR_ABORTED', 'ERR_ABORTED', '3\n', [0, 0]]);
    expect(processesWith(marker)).toEqual([]);
    expect(left(state)).toEqual([]);
  });

  it('survives waiting sandboxes that are killed, and a program that stops starting', async () => {
    const cwd = makeProject(as, { 'bin/sitecustomize.py': '' });
    const { lines, state } = await inPool(
      as,
      `{ runtime: 'python', size: 2, changes: 'discard', env: { PYTHONDONTWRITEBYTECODE: '1', PYTHONPATH: ${JSON.stringify(`${cwd}/bin`)} } }`,
      `const fs = await import('node:fs');
       const code = (promise) => promise.then(({ stdout }) => stdout, (error) => error.code);
       const until = async (what) => { while (!what()) await new Promise((resolve) => setTimeout(resolve, 5)); };
       const children = () => fs.readdirSync('/proc/self/task').flatMap((id) =>
         fs.readFileSync('/proc/self/task/' + id + '/children', 'utf8').split(' ').filter(Boolean).map(Number));
       for (let round = 0; round < 3; round++) {
         await until(() => pool.state.ready === 2);
         for (const pid of children()) process.kill(pid, 'SIGKILL');
         show(await code(pool.run('print(1)')));
       }
       fs.writeFileSync('bin/sitecustomize.py', 'raise SystemExit("broken later")');
       const said = [];
       for (let i = 0; i < 6; i++) said.push(await code(pool.run('print(2)')));
       show([...new Set(said.slice(2))]);
       fs.writeFileSync('bin/sitecustomize.py', '');
       let last = '';
       await until(() => (pool.run('print(3)').then(({ stdout }) => { last = stdout; }, () => {}), last !== ''));
       show(last);`,
      cwd,
    );
    for (const line of lines.slice(0, 3))
      expect(['1\n', 'ERR_POOL_BOOT', 'ERR_INIT_DIED']).toContain(line);
    expect(lines.slice(3)).toEqual([['ERR_POOL_BOOT'], '3\n']);
    expect(left(state)).toEqual([]);
  });

  it.each(['keep', 'discard'])('keeps nothing of what only waited (%s)', async (changes) => {
    const mark = 'open("started", "w").close()\n';
    const cwd = makeProject(as, { 'bin/sitecustomize.py': mark });
    const { lines, state } = await inPool(
      as,
      `{ runtime: 'python', size: 2, changes: '${changes}', env: { PYTHONPATH: ${JSON.stringify(`${cwd}/bin`)} } }`,
      `const fs = await import('node:fs');
       while (pool.state.ready < 2) await new Promise((resolve) => setTimeout(resolve, 5));
       const { changes, stdout } = await pool.run('import os; print(os.path.exists("started"))');
       show([stdout, changes.disposition, changes.summary.counts.added > 0]);
       fs.writeFileSync('bin/sitecustomize.py', ${JSON.stringify(`${mark}raise SystemExit(1)
`)});
       while (pool.state.failures < 2) await pool.run('print(1)').catch(() => {});`,
      cwd,
    );
    // The task's own, of which its interpreter's are a part, are as those of any run.
    expect(lines[0]).toEqual(['True\n', changes === 'keep' ? 'kept' : 'discarded', true]);
    const runs = left(state).map((id) =>
      JSON.parse(readFileSync(join(state, 'wasbox/runs', id, 'run.json'), 'utf8')),
    );
    const tasks = runs.filter(({ argv }) => /print/.test(argv.join(' ')));
    expect(runs).toHaveLength(tasks.length);
    expect(tasks.length > 0).toBe(changes === 'keep');
  });

  it('leaves nothing when its process ends with tasks that run and wait', async () => {
    const cwd = makeProject(as);
    const marker = `38${process.pid % 100_000}.5`;
    const env = { XDG_STATE_HOME: `${cwd}.state` };
    const program = `
      const pool = await lib.createPool({ runtime: 'sh', size: 2, maxRunning: 2, changes: 'discard' });
      let begun = 0;
      const onStdout = () => { if (++begun === 2) process.exit(7); };
      for (let i = 0; i < 5; i++) pool.run({ code: 'echo; echo x > made; sleep ${marker}', onStdout }).catch(() => {});`;
    const { status } = await runLibrary(program, { as, cwd, env });
    expect(status).toBe(7);
    expect(await eventually(() => processesWith(marker).length === 0, patience)).toBe(true);
    await runLibrary('await lib.run("true", [], { changes: "discard" })', { as, cwd, env });
    expect(left(`${cwd}.state`)).toEqual([]);
    expect(listTree(cwd)).toEqual([]);
  });

  it('says what died while it was made ready, and does not try without end', async () => {
    const cwd = makeProject(as, { 'bin/sitecustomize.py': 'raise SystemExit("broken start")\n' });
    const program = `
      const options = { runtime: 'python', env: { PYTHONPATH: ${JSON.stringify(`${cwd}/bin`)}, PYTHONSTARTUP: '' }, workdir: ${JSON.stringify(cwd)} };
      const { code, hint } = await lib.createPool(options).catch((error) => error);
      console.log(JSON.stringify([code, hint]));
      const { code: other } = await lib.createPool({ runtime: 'no-such-program' }).catch((error) => error);
      console.log(JSON.stringify(other));
      const pool = await lib.createPool({ runtime: 'false', size: 2 });
      const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
      for (let n = 0; n < 600 && pool.state.failures === 0; n++) await wait(100);
      await wait(2000);
      console.log(JSON.stringify(pool.state.failures));
      await pool.close();`;
    const { out, err } = await runLibrary(program, { as, cwd });
    expect(err).toBe('');
    const lines = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines[0][0]).toBe('ERR_POOL_BOOT');
    expect(lines[0][1]).toContain('broken start');
    expect(lines[1]).toBe('ERR_SCRIPT_NOT_FOUND');
    expect(lines[2]).toBeGreaterThan(0);
    expect(lines[2]).toBeLessThan(20);
  });

  it('refuses tasks and options that cannot be, before a sandbox is spent', async () => {
    const { lines } = await inPool(
      as,
      `{ runtime: 'sh', size: 1 }`,
      `const code = (promise) => promise.then(() => 'ran', (error) => error.code);
       show(await code(pool.run({})));
       show(await code(pool.run({ code: 'x', file: 'y' })));
       show(await code(pool.run({ code: 'a\\0b' })));
       show(await code(pool.run({ code: 'x', env: { 'A-B': '' } })));
       show(await code(pool.run({ code: 'x', tiemoutMs: 1 })));
       show(await code(lib.createPool({ runtime: 'sh', size: 0 })));
       show(await code(lib.createPool({ runtime: 'sh', sizes: 2 })));
       show(await code(lib.createPool({ runtime: 'sh', args: [] })));`,
    );
    expect(lines.slice(0, 4)).toEqual(Array(4).fill('ERR_OPTION_VALUE'));
    expect(lines[4]).toBe('ERR_OPTION_UNKNOWN');
    expect(lines[5]).toBe('ERR_OPTION_VALUE');
    expect(lines[6]).toBe('ERR_OPTION_UNKNOWN');
    expect(lines[7]).toBe('ERR_OPTION_VALUE');
  });
});
