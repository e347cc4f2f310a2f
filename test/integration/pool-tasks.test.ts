/** Tasks of a pool: their limits, queue and cancellation. Needs: user namespaces, overlayfs in them, python3. */
import { describe, expect, it } from 'vitest';
import { processesWith } from '../support/host.js';
import { ordinaryUser } from '../support/identity.js';
import { inPool, left } from '../support/pool.js';

describe('a task of a pool', () => {
  const as = ordinaryUser();

  it('limits time from the task on, and output', async () => {
    const { lines } = await inPool(
      as,
      `{ lang: 'sh', timeoutMs: 3000, maxOutputBytes: 10 }`,
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
      `{ lang: 'sh' }`,
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
      `{ lang: 'sh', size: 1, maxRunning: 1, maxQueued: 2, changes: 'discard' }`,
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
      `{ lang: 'python', size: 1, maxRunning: 1, changes: 'discard' }`,
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

  it('refuses tasks and options that cannot be, before a sandbox is spent', async () => {
    const { lines } = await inPool(
      as,
      `{ lang: 'sh', size: 1 }`,
      `const code = (promise) => promise.then(() => 'ran', (error) => error.code);
       show(await code(pool.run({})));
       show(await code(pool.run({ code: 'x', command: 'y' })));
       show(await code(pool.run({ code: 'a\\0b' })));
       show(await code(pool.run({ code: 'x', env: { 'A-B': '' } })));
       show(await code(pool.run({ code: 'x', tiemoutMs: 1 })));
       show(await code(lib.createPool({ lang: 'sh', size: 0 })));
       show(await code(lib.createPool({ lang: 'sh', sizes: 2 })));
       show(await code(lib.createPool({ lang: 'sh', args: [] })));`,
    );
    expect(lines.slice(0, 4)).toEqual(Array(4).fill('ERR_OPTION_VALUE'));
    expect(lines[4]).toBe('ERR_OPTION_UNKNOWN');
    expect(lines[5]).toBe('ERR_OPTION_VALUE');
    expect(lines[6]).toBe('ERR_OPTION_UNKNOWN');
    expect(lines[7]).toBe('ERR_OPTION_VALUE');
  });
});
