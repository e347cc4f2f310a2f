/**
 * Tests what a pool makes ready: when it dies, fails to start, or is never used. Needs: user namespaces, overlayfs in
 * them, python3.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { eventually, listTree, processesWith } from '../support/host.js';
import { ordinaryUser } from '../support/identity.js';
import { runLibrary } from '../support/library-child.js';
import { inPool, left, patience } from '../support/pool.js';
import { makeProject } from '../support/project.js';

describe('a pool that makes sandboxes ready', () => {
  const as = ordinaryUser();

  it('survives waiting sandboxes that are killed, and a program that stops starting', async () => {
    const cwd = makeProject(as, { 'bin/sitecustomize.py': '' });
    const { lines, state } = await inPool(
      as,
      `{ lang: 'python', size: 2, changes: 'discard', env: { PYTHONDONTWRITEBYTECODE: '1', PYTHONPATH: ${JSON.stringify(`${cwd}/bin`)} } }`,
      `const fs = await import('node:fs');
       const code = (promise) => promise.then(({ stdout }) => stdout, (error) => error.code);
       const until = async (what) => { while (!what()) await new Promise((resolve) => setTimeout(resolve, 5)); };
       const orGone = (call) => { try { return call(); } catch (error) { // threads and processes come and go
         if (error.code !== 'ENOENT' && error.code !== 'ESRCH') throw error; } };
       const children = () => fs.readdirSync('/proc/self/task').flatMap((id) =>
         (orGone(() => fs.readFileSync('/proc/self/task/' + id + '/children', 'utf8')) ?? '').split(' ').filter(Boolean).map(Number));
       for (let round = 0; round < 3; round++) {
         await until(() => pool.state.ready === 2);
         for (const pid of children()) orGone(() => process.kill(pid, 'SIGKILL'));
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
      `{ lang: 'python', size: 2, changes: '${changes}', env: { PYTHONPATH: ${JSON.stringify(`${cwd}/bin`)} } }`,
      `const fs = await import('node:fs');
       while (pool.state.ready < 2) await new Promise((resolve) => setTimeout(resolve, 5));
       const { changes, stdout } = await pool.run('import os; print(os.path.exists("started"))');
       show([stdout, changes.disposition, changes.counts.added > 0]);
       fs.writeFileSync('bin/sitecustomize.py', ${JSON.stringify(`${mark}raise SystemExit(1)
`)});
       while (pool.state.failures < 2) await pool.run('print(1)').catch(() => {});`,
      cwd,
    );
    // The task's own, of which its interpreter's are a part, are as those of any run.
    expect(lines[0]).toEqual(['True\n', changes === 'keep' ? 'kept' : 'discarded', true]);
    const runs = left(state).map((id) =>
      JSON.parse(readFileSync(join(state, 'wasbox/saved', id, 'run.json'), 'utf8')),
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
      const pool = await lib.createPool({ lang: 'sh', size: 2, maxRunning: 2, changes: 'discard' });
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
      const options = { lang: 'python', env: { PYTHONPATH: ${JSON.stringify(`${cwd}/bin`)}, PYTHONSTARTUP: '' }, workdir: ${JSON.stringify(cwd)} };
      const { code, hint } = await lib.createPool(options).catch((error) => error);
      console.log(JSON.stringify([code, hint]));
      const { code: other } = await lib.createPool({ command: 'no-such-program' }).catch((error) => error);
      console.log(JSON.stringify(other));
      const pool = await lib.createPool({ command: 'false', size: 2 });
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
});
