/**
 * Questions that are open: nothing that a program does during a question blocks others, and
 * what cannot be decided is refused.
 */
import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { places, program, told } from '../support/asking.js';
import { processesWith } from '../support/host.js';
import { identities } from '../support/identity.js';
import { runLibrary, startLibrary } from '../support/library-child.js';
import { compilePayload, parseAttempts } from '../support/payload.js';
import { makeProject } from '../support/project.js';
import { runProgram, wasboxArgv } from '../support/wasbox.js';

describe.each(identities())('questions, as $label', (as) => {
  test('denies what is not answered in time, and what throws', async () => {
    const { cwd, good } = places(as);
    const command = ['./asker', 'read', good];
    const silent = program(command, 'return new Promise(() => {})', { askTimeoutMs: 300 });
    expect(await told(as, cwd, silent)).toMatchObject({ stdout: 'errno 2\n', withdrawn: 1 });
    const thrown = program(command, 'throw new Error("no")');
    expect(await told(as, cwd, thrown)).toMatchObject({ stdout: 'errno 2\n', withdrawn: 0 });
  });

  test('processes that end, execute, fork, stop or close everything block no others', async () => {
    const { cwd, good } = places(as);
    const slowly = `await new Promise((r) => setTimeout(r, asked.length % 3 * 4)); return 'allow'`;
    const run = await told(as, cwd, program(['./asker', 'dying', good], slowly));
    expect(run).toMatchObject({ stdout: 'done\n', exitCode: 0 });
    expect(run.asked.length).toBeGreaterThan(20);
    expect(run.withdrawn).toBeGreaterThan(0);
  });

  test('only so many questions are held at a time, the others denied', async () => {
    const { cwd, good } = places(as);
    const run = await told(
      as,
      cwd,
      program(['./asker', 'flood', good, '100'], `return 'deny'`, { askTimeoutMs: 0 }),
    );
    expect(run.stdout).toBe('refused 100 of 100\n');
    const held = await told(
      as,
      cwd,
      program(['./asker', 'flood', good, '100'], 'return new Promise(() => {})', {
        askTimeoutMs: 1500,
      }),
    );
    expect(held.stdout).toBe('refused 100 of 100\n');
    expect(held.most).toBeLessThanOrEqual(32);
  });

  test('signals do not make a process ask anew', async () => {
    const { cwd, good } = places(as);
    const slowly = `await new Promise((r) => setTimeout(r, 200)); return 'allow'`;
    const run = await told(as, cwd, program(['./asker', 'signals', good], slowly));
    expect(run).toMatchObject({ stdout: 'good\n', asked: [`read ${good}`], withdrawn: 0 });
  });

  test('wasbox killed during a question: the sandbox is gone', async () => {
    const { cwd, good } = places(as);
    const text = program(
      ['./asker', 'wait', good],
      `console.log('open'); return new Promise(() => {})`,
    );
    const child = startLibrary(text, { as, cwd });
    await new Promise<void>((resolve) => child.stdout?.once('data', () => resolve()));
    expect(processesWith(`wait\0${good}`)).not.toHaveLength(0);
    child.kill('SIGKILL');
    await expect.poll(() => processesWith(`wait\0${good}`)).toHaveLength(0);
  });

  test('a run that is asked something ends with its time', async () => {
    const { cwd, good } = places(as);
    const text = program(['./asker', 'read', good], 'return new Promise(() => {})', {
      timeoutMs: 500,
      askTimeoutMs: 0,
    });
    const run = await told(as, cwd, text);
    expect(run.milliseconds).toBeGreaterThan(400);
    expect(run.withdrawn).toBe(1);
  });

  test('a listener that fails ends the run, with a cause', async () => {
    const { cwd, good } = places(as);
    // Another file takes the descriptor's place in this process: what comes next cannot be read.
    const text = program(
      ['./asker', 'read', good, good],
      `for (const fd of fs.readdirSync('/proc/self/fd')) {
         let link = '';
         try { link = fs.readlinkSync('/proc/self/fd/' + fd); } catch {}
         if (!link.includes('seccomp notify')) continue;
         fs.closeSync(Number(fd));
         // Other threads of this process open and close some, too.
         for (let got; (got = fs.openSync('/dev/zero', 'r')) !== Number(fd); )
           if (got > Number(fd)) fs.closeSync(got);
       }
       return 'allow';`,
    );
    const run = await runLibrary(text, { as, cwd });
    expect(run.status).toBe(1);
    expect(run.err).toContain("code: 'ERR_SUPERVISION'");
    expect(run.out).toBe('');
  });

  const seccomp = process.arch === 'x64' ? 317 : 277;
  // SECCOMP_FILTER_FLAG_NEW_LISTENER, without and with SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV.
  const newListener = ['1:8', '1:40'];

  test.each([
    ['ENOSYS', 38],
    ['EINVAL', 22],
    ['EBUSY', 16],
  ])('a kernel that gives no listener (%s): nothing is started', async (name, errno) => {
    const { cwd, good } = places(as);
    compilePayload(as, 'deny', cwd);
    const marker = join(cwd, 'ran');
    const deny = newListener.flatMap((flags) => ['./deny', String(seccomp), String(errno), flags]);
    const command = ['--rw', cwd, '--', 'sh', '-c', `echo ran > ${marker}; cat ${good}`];
    const asking = wasboxArgv(as, ['run', '--ask', '--discard', ...command]);
    const run = await runProgram([...deny, ...asking], { as, cwd });
    expect(run.status).toBe(125);
    expect(run.err).toContain('--ask does not work here');
    expect(run.err).toContain('Without --ask');
    expect(run.out).toBe('');
    expect(fs.existsSync(marker)).toBe(false);
    // The control: the same without --ask runs, as closed as ever.
    const plain = wasboxArgv(as, ['run', '--discard', ...command]);
    const control = await runProgram([...deny, ...plain], { as, cwd });
    expect(control.err, name).toContain('No such file');
    expect(fs.existsSync(marker)).toBe(true);
  });

  test('wasbox inside a sandbox does not ask, and does not start', async () => {
    const cwd = makeProject(as);
    const dist = dirname(as.cli);
    const node = dirname(dirname(process.execPath));
    const shown = ['--ro', dist, ...(node === '/usr' ? [] : ['--ro', node])];
    const inner = [process.execPath, as.cli, 'run', '--ask', '--', 'echo', 'inner'];
    const argv = wasboxArgv(as, ['run', '--discard', ...shown, '--', ...inner]);
    const run = await runProgram(argv, { as, cwd });
    expect(run.status).toBe(125);
    expect(run.out).toBe('');
    expect(run.err).toContain('inside a wasbox sandbox');
  });

  test('without a terminal it does not ask, and says so', async () => {
    const { cwd, good } = places(as);
    const argv = ['setsid', ...wasboxArgv(as, ['run', '--ask', '--', './asker', 'read', good])];
    const run = await runProgram(argv, { as, cwd });
    expect(run.out).toBe('errno 2\n');
    expect(run.err).toContain('no questions were asked (there is no terminal to ask on)');
    expect(run.err).toContain(`read ${good}`);
  });

  test('each task of a pool uses its own ask, and a waiting sandbox does not ask', async () => {
    const { cwd, good, bad } = places(as);
    const shared = makeProject(as, {}, 'shared');
    const text = `
      import fs from 'node:fs';
      const asked = [];
      const ask = (whose, answer) => ({ text }) => (asked.push([whose, text]), answer);
      const pool = await lib.createPool({
        lang: 'sh', size: 1, changes: 'discard', ask: ask('pool', 'deny'),
      });
      const code = 'cat "$1" || echo no';
      const runs = [
        await pool.run({ code, args: [${JSON.stringify(good)}] }),
        await pool.run({ code, args: [${JSON.stringify(good)}], ask: ask('task', 'allow') }),
        await pool.run({ code, args: [${JSON.stringify(bad)}] }),
      ];
      await pool.close();
      const early = 'cat ${good}; touch ${shared}/tried; cat; cat ${good}';
      const eager = { command: 'env', args: ['sh', '-c', early], size: 1, rw: ['${shared}'] };
      const waiting = await lib.createPool({ ...eager, changes: 'discard', ask: ask('late', 'allow') });
      while (!fs.existsSync('${shared}/tried')) await new Promise((r) => setTimeout(r, 20));
      runs.push(await waiting.run({ input: 'task\\n' }));
      await waiting.close();
      const plain = await lib.createPool({ lang: 'sh', size: 1, changes: 'discard' });
      const { code: refused } = await plain.run({ code, ask: () => 'allow' }).catch((e) => e);
      await plain.close();
      console.log(JSON.stringify({ out: runs.map(({ stdout }) => stdout), asked, refused }));
    `;
    const run = await runLibrary(text, { as, cwd });
    expect(run.err).toBe('');
    expect(JSON.parse(run.out)).toEqual({
      out: ['no\n', 'good\n', 'no\n', 'task\ngood\n'],
      asked: [
        ['pool', `read ${good}`],
        ['task', `read ${good}`],
        ['pool', `read ${bad}`],
        ['late', `read ${good}`],
      ],
      refused: 'ERR_OPTION_VALUE',
    });
  });

  test('does not ask about calls that lead further or depend on memory', async () => {
    const cwd = makeProject(as);
    compilePayload(as, 'attempt', cwd);
    const calls = [
      'ptrace_traceme',
      'process_vm_readv',
      'pidfd_getfd',
      'keyctl',
      'unshare_user',
      'setns',
      'mount',
      'bpf',
      'io_uring',
      'userfaultfd',
      'finit_module',
      'tiocsti',
    ];
    const command = ['./attempt', ...calls];
    const run = await told(as, cwd, program(command, `return 'allow'`));
    expect(run.asked).toEqual([]);
    const found = parseAttempts(run.stdout);
    expect(found.size).toBe(calls.length);
    for (const [name, attempt] of found) expect([name, attempt.kind]).toEqual([name, 'errno']);
    // The control: a call that may be allowed is asked about, and made.
    const other = program(['./attempt', 'netlink_generic'], `return 'allow'`);
    const control = await told(as, cwd, other);
    expect(control.asked).toHaveLength(1);
    expect(parseAttempts(control.stdout).get('netlink_generic')?.kind).toBe('ok');
  });
});
