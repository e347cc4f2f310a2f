/** `createSession` as a program uses it. Needs: user namespaces, overlayfs in them, python3. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { eventually, processesWith, uniqueMarker } from '../support/host.js';
import { identities, ordinaryUser } from '../support/identity.js';
import { startLibrary } from '../support/library-child.js';
import { needs } from '../support/needs.js';
import { left } from '../support/pool.js';
import { makeProject } from '../support/project.js';
import { inSession } from '../support/session.js';
import { runWasbox } from '../support/wasbox.js';

describe.each(identities())('as $label', (as) => {
  it('runs programs as outside, one after the other, in the same files', async () => {
    const { lines, cwd } = await inSession(
      as,
      `{ changes: 'apply' }`,
      `const { stdout, stderr, exitCode, outcome, signal } = await session.exec(
         ['sh', '-c', 'printf "%s|" "$0" "$@" "$X" "$(cat)"; pwd; echo no >&2; echo one > file; exit 3', 'a b', "it's"],
         { input: 'typed', env: { X: 'y\\nz' } });
       show([stdout, stderr, exitCode, outcome, signal]);
       show((await session.exec({ lang: 'python', code: 'print(open("file").read().strip()); open("file", "a").write("two\\\\n")' })).stdout);
       await session.exec(['mkdir', '-p', 'a/b']);
       show((await session.exec(['pwd'], { cwd: 'a/b' })).stdout);
       show((await session.exec(['cat', '../../file'], { cwd: 'a/b' })).stdout);
       show((await session.exec(['sh', '-c', 'kill -SEGV $$'])).signal);`,
    );
    expect(lines).toEqual([
      [`a b|it's|y\nz|typed|${cwd}\n`, 'no\n', 3, 'exited', null],
      'one\n',
      `${cwd}/a/b\n`,
      'one\ntwo\n',
      'SIGSEGV',
    ]);
    expect(readFileSync(join(cwd, 'file'), 'utf8')).toBe('one\ntwo\n');
  });

  it('keeps no plan in memory while it waits', async () => {
    const { lines } = await inSession(
      as,
      `{ changes: 'discard' }`,
      `const { readFileSync } = await import('node:fs');
       const maps = readFileSync('/proc/' + session.pid + '/maps', 'utf8');
       show(['wasbox-init', 'wasbox-plan'].map((name) => maps.includes(name)));
       show((await session.exec(['echo', 'usable'])).stdout);`,
    );
    expect(lines).toEqual([[true, false], 'usable\n']);
  });

  it('runs twenty at a time, and queues further ones', async () => {
    const { lines } = await inSession(
      as,
      `{ changes: 'discard' }`,
      `const all = await Promise.all(Array.from({ length: 20 }, (_, i) =>
         session.exec(['sh', '-c', \`echo \${i} > mark-\${i}; while [ $(ls mark-* | wc -l) -lt 20 ]; do sleep 0.02; done; echo \${i}\`])));
       show(all.map(({ stdout }) => Number(stdout)));
       const many = await Promise.all(Array.from({ length: 500 }, (_, i) => session.exec(['echo', String(i)])));
       show(many.every(({ stdout }, i) => Number(stdout) === i));`,
    );
    expect(lines).toEqual([Array.from({ length: 20 }, (_, i) => i), true]);
  });

  it('keeps what a program left running until it is closed, and nothing after it', async () => {
    const marker = uniqueMarker();
    const { lines, state } = await inSession(
      as,
      '{}',
      `const begun = await session.exec(['sh', '-c', 'sleep 1000 & echo $!']);
       const pid = begun.stdout.trim();
       show((await session.exec(['kill', '-0', pid])).exitCode);
       show((await session.exec(['kill', pid])).exitCode);
       await session.exec(['sh', '-c', 'setsid sh -c "sleep 1000; : ${marker}" & echo left > file']);
       const { kept, outcome, changes, report } = await session.close();
       show([outcome, changes.disposition, (await kept.diff()).map(({ path }) => path), report.command]);
       await kept.discard();`,
    );
    expect(lines).toEqual([0, 0, ['exited', 'kept', ['file'], 'session']]);
    expect(await eventually(() => processesWith(marker).length === 0)).toBe(true);
    expect(left(state)).toEqual([]);
  });

  it('a session ends with its owner, and its changes stay', async () => {
    const cwd = makeProject(as);
    const marker = uniqueMarker();
    const env = { XDG_STATE_HOME: `${cwd}.state` };
    const child = startLibrary(
      `const session = await lib.createSession({ workdir: ${JSON.stringify(cwd)}});
       await session.exec(['sh', '-c', 'echo kept > file; (sleep 1000; : ${marker}) &']);
       console.log('ready');
       await session.exec(['sleep', '1000']);`,
      { as, cwd, env },
    );
    await new Promise((resolve) => child.stdout?.once('data', resolve));
    expect(processesWith(marker).length).toBeGreaterThan(1); // beside the child itself
    child.kill('SIGKILL');
    expect(await eventually(() => processesWith(marker).length === 0)).toBe(true);
    const { lines } = await inSession(
      as,
      `{ changes: 'discard' }`,
      `await session.close();
       const [run] = await lib.listRuns();
       show([run.status, (await (await lib.openRun(run.id)).diff()).map(({ path }) => path)]);`,
      cwd,
    );
    expect(lines).toEqual([['interrupted', ['file']]]);
  });
});

const as = ordinaryUser();
const user = needs('ordinary user');

user.describe('wasbox ps and stop', () => {
  it('know a session: its programs are asked to end, then it ends, and its changes are saved', async () => {
    const cwd = makeProject(as);
    const env = { XDG_STATE_HOME: `${cwd}.state` };
    const marker = uniqueMarker();
    const child = startLibrary(
      `const session = await lib.createSession({ workdir: ${JSON.stringify(cwd)} });
       const running = session.exec(['sh', '-c', 'trap "echo asked > asked; exit" TERM; echo begun; while :; do sleep 0.1; done; : ${marker}'],
         { onStdout: () => console.log('ready') });
       console.log(await running.then(({ exitCode }) => exitCode, ({ code }) => code));
       console.log(await session.ended.then(({ outcome }) => outcome, ({ code }) => code));
       console.log(await session.exec(['true']).catch(({ code }) => code));`,
      { as, cwd, env },
    );
    let out = '';
    await new Promise<void>((resolve) =>
      child.stdout?.on('data', (chunk: Buffer) => {
        out += String(chunk);
        if (out.includes('ready')) resolve();
      }),
    );
    const closed = new Promise((resolve) => child.once('close', resolve));
    const listed = await runWasbox(['ps'], { as, cwd, env });
    expect(listed.out).toContain('session');
    const stopped = await runWasbox(['stop', '--all', '--grace', '60s'], { as, cwd, env });
    expect([stopped.status, stopped.err]).toEqual([0, '']);
    await closed;
    expect(processesWith(marker)).toEqual([]);
    expect(out.split('\n').slice(1, -1)).toEqual(['0', 'exited', 'ERR_SESSION_CLOSED']);
    const diff = await runWasbox(['diff', '--name-only'], { as, cwd, env });
    expect(diff.out).toBe('asked\n');
  });
});

user.describe('limits', () => {
  it('a time limit and a signal end a program, and nothing else', async () => {
    const { lines } = await inSession(
      as,
      `{ graceMs: 100 }`,
      `const slow = session.exec(['sh', '-c', 'trap "" TERM; echo begun; sleep 1000'], { timeoutMs: 300 });
       const { outcome, timedOut, stdout } = await slow;
       show([outcome, timedOut, stdout]);
       const control = new AbortController();
       const running = session.exec(['sh', '-c', 'echo begun; sleep 1000'],
         { signal: control.signal, onStdout: () => control.abort(new Error('enough')) });
       show(await running.catch(({ code, cause, result }) => [code, cause.message, result.stdout, result.signal]));
       show((await session.exec(['echo', 'usable'])).stdout);
       show(await session.exec(['cat'], { input: (async function* () { yield 'a'; throw new Error('input') })() }).catch(({ message }) => message));`,
    );
    expect(lines).toEqual([
      ['timeout', true, 'begun\n'],
      ['ERR_ABORTED', 'enough', 'begun\n', 'SIGKILL'],
      'usable\n',
      'input',
    ]);
  });

  it('the limits of the session hold for all of its programs together', async () => {
    const { lines } = await inSession(
      as,
      `{ memoryBytes: 96 * 1024 ** 2, changes: 'discard' }`,
      `const hog = () => session.exec({ lang: 'python', code: 'b = b"x" * (60 * 1024 ** 2); print("has it", flush=True); import time; time.sleep(1000)' })
         .catch(({ code, message }) => [code, message]);
       show(await Promise.all([hog(), hog()]));
       const { outcome, report } = await session.ended;
       show([outcome, report.outcome.limit]);
       show(await session.exec(['true']).catch(({ code }) => code));`,
    );
    const told = ['ERR_SESSION_CLOSED', 'the session has ended: its memory limit was reached'];
    expect(lines).toEqual([[told, told], ['limit', 'memory'], 'ERR_SESSION_CLOSED']);
  });

  it('ends in the time that it has, used or not', async () => {
    const { lines } = await inSession(
      as,
      `{ timeoutMs: 700, graceMs: 100 }`,
      `show((await session.exec(['sh', '-c', 'trap "" TERM; while :; do sleep 1000; done']).catch(({ code }) => code)));
       show((await session.ended).outcome);
       const idle = await lib.createSession({ workdir: process.cwd(), idleMs: 200 });
       await idle.exec(['sleep', '0.5']);
       const keep = setInterval(() => {}, 1000);
       show((await idle.ended).outcome);
       clearInterval(keep);`,
    );
    expect(lines).toEqual(['ERR_SESSION_CLOSED', 'timeout', 'exited']);
  });

  it('a signal to a program goes nowhere once its session has ended', async () => {
    const { lines } = await inSession(
      as,
      `{}`,
      `const { openSync } = await import('node:fs');
       const ending = new AbortController();
       const other = await lib.createSession({ workdir: process.cwd(), changes: 'discard', signal: ending.signal });
       const program = await other.spawn(['sleep', '1000']);
       program.kill(17); // SIGCHLD: the session is there, and sleep ignores it
       ending.abort();
       await other.ended.catch(() => {});
       show(await program.result.catch(({ code }) => code));
       // The numbers that its descriptors had.
       for (let i = 0; i < 30; i++) openSync('/dev/null');
       for (const signal of ['SIGTERM', 'SIGKILL']) program.kill(signal);
       show('went on');`,
    );
    expect(lines).toEqual([expect.stringMatching(/^ERR_(SESSION_CLOSED|ABORTED)$/), 'went on']);
  });

  it('a program may write without end, and leave others that do', async () => {
    const { lines } = await inSession(
      as,
      `{}`,
      `const flood = await session.exec(['sh', '-c', 'head -c 20000000 /dev/zero; (yes & ) ; echo end'], { maxOutputBytes: 1000 });
       show([flood.truncated, flood.stdoutBytes.length, flood.exitCode]);
       const before = process.memoryUsage().rss;
       show((await session.exec(['echo', 'usable'])).stdout);
       await session.exec(['pkill', 'yes']);`,
    );
    expect(lines).toEqual([[true, 1000, 0], 'usable\n']);
  });
});

user.describe('a policy', () => {
  const begin = `default errno(EPERM)\n`;
  it.each(['setsid', 'clone', 'execve'])(
    'without %s: no program starts, and that is said',
    async (call) => {
      const cwd = makeProject(as);
      const policy = `${cwd}.policy`;
      writeFileSync(policy, `${begin}deny ${call}\nallow @system-service\n`);
      const { lines } = await inSession(
        as,
        `{ policy: ${JSON.stringify(policy)} }`,
        `show(await session.exec(['true']).catch(({ code, hint }) => [code, hint]));
       show(await session.files.write('file', 'x').then(() => 'written', ({ code, errno }) => [code, errno]));`,
        cwd,
      );
      expect(lines[0]).toEqual(['ERR_EXEC', expect.stringContaining(`must allow clone`)]);
      const written = {
        setsid: ['ERR_SESSION_FILE', 'EPERM'],
        clone: ['ERR_EXEC', 'EPERM'],
        execve: 'written',
      };
      expect(lines[1]).toEqual(written[call as keyof typeof written]);
    },
  );

  it('without futex: no session begins', async () => {
    const cwd = makeProject(as);
    const policy = `${cwd}.policy`;
    writeFileSync(policy, `${begin}deny futex\nallow @system-service\n`);
    const { lines } = await inSession(
      as,
      `{}`,
      `show(await lib.createSession({ workdir: process.cwd(), policy: ${JSON.stringify(policy)} }).catch(({ step, errno }) => [step, errno]));`,
      cwd,
    );
    expect(lines).toEqual([['session', 'EPERM']]);
  });
});

user.describe('bad input', () => {
  it('says what is wrong, and starts nothing', async () => {
    const { lines } = await inSession(
      as,
      `{}`,
      `const tell = async (call) => { try { await call(); show('no error'); } catch ({ name, code, message }) { show([code ?? name, message]); } };
       await tell(() => session.exec(['nonesuch']));
       await tell(() => session.exec([]));
       await tell(() => session.exec('ls'));
       await tell(() => session.exec(['a\\0b']));
       await tell(() => session.exec(['true'], { memory: 1 }));
       await tell(() => session.exec(['true'], { cwd: '/nonesuch' }));
       await tell(() => session.exec({ lang: 'pyton', code: '1' }));
       await tell(() => session.exec({ lang: 'lua', code: '1' }));
       await tell(() => session.exec(['echo', 'x'.repeat(200000)]));
       await tell(() => session.exec(['true'], { env: { 'A=B': '1' } }));
       await tell(() => lib.createSession({ command: 'ls' }));
       await tell(() => lib.createSession({ nonsense: 1 }));
       await tell(() => session.exec(['echo', ...Array.from({ length: 70000 }, () => 'x')]));
       await session.exec(['sh', '-c', 'echo "not a program" > file; chmod +x file']);
       await tell(() => session.exec(['./file']));
       await tell(() => session.exec(['/etc/passwd']));
       show((await session.exec(['echo', 'usable'])).stdout);`,
    );
    expect(lines.map((line) => (Array.isArray(line) ? line[0] : line))).toEqual([
      'ERR_EXEC_NOT_FOUND',
      'ERR_OPTION_VALUE',
      'ERR_USAGE',
      'ERR_OPTION_VALUE',
      'ERR_OPTION_UNKNOWN',
      'ERR_WORKDIR',
      'ERR_OPTION_VALUE',
      'ERR_OPTION_VALUE',
      'ERR_OPTION_VALUE',
      'ERR_OPTION_VALUE',
      'ERR_OPTION_UNKNOWN',
      'ERR_OPTION_UNKNOWN',
      'ERR_OPTION_VALUE',
      'ERR_EXEC',
      'ERR_EXEC',
      'usable\n',
    ]);
  });

  it('leaves as many descriptors and processes as before', async () => {
    const cwd = makeProject(as);
    writeFileSync(join(cwd, 'seen'), '');
    const { lines } = await inSession(
      as,
      `{ changes: 'discard' }`,
      `const { readdirSync } = await import('node:fs');
       const count = () => readdirSync('/proc/self/fd').length;
       const code = 'import os; print(len([n for n in os.listdir("/proc") if n.isdigit()]))';
       const programs = async () => Number((await session.exec({ lang: 'python', code })).stdout);
       const use = async () => {
         for (let i = 0; i < 10; i++) {
           await Promise.all(Array.from({ length: 10 }, () => session.exec(['true'])));
           await session.exec(['nonesuch']).catch(() => {});
         }
         const process = await session.spawn(['cat']);
         process.stdin.end('x\\ny');
         const read = [];
         for await (const line of process.stdoutLines()) read.push(line);
         if (read.join() !== 'x,y') throw new Error('other lines: ' + read);
         await process.result;
         await new Promise((resolve) => setTimeout(resolve, 100));
       };
       await use();
       const before = [count(), await programs()];
       await use();
       await use();
       // A session that has ended is closed a moment later.
       let after;
       for (let turn = 0; turn < 200; turn++) {
         after = [count(), await programs()];
         if (after[0] <= before[0] && after[1] <= before[1]) break;
         await new Promise((resolve) => setTimeout(resolve, 50));
       }
       show([before, after]);`,
      cwd,
    );
    const [[before = [], after = []]] = lines as [[number[], number[]]];
    expect(after.length).toBe(2);
    for (const [i, now] of after.entries()) expect(now).toBeLessThanOrEqual(before[i] ?? 0);
  });
});
