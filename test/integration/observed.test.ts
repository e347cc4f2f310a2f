/**
 * Tests what watches programs by itself, inside of a run that is watched: tracers and another wasbox work as
 * without `--audit` and `--ask`, or are refused in the same words. And what an audit says where the
 * kernel lets no process watch.
 */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { RunReport } from '../../src/index.js';
import { type Identity, identities } from '../support/identity.js';
import { compilePayload } from '../support/payload.js';
import { makeProject } from '../support/project.js';
import { runProgram, wasboxArgv } from '../support/wasbox.js';

const watched = ['--audit', '--ask'];

/** Runs without a terminal, so that it does not ask. */
const run = (as: Identity, cwd: string, args: readonly string[]) =>
  runProgram(['setsid', '-w', ...wasboxArgv(as, ['run', '--discard', ...args])], { as, cwd });

const reportOf = (cwd: string) =>
  JSON.parse(readFileSync(join(cwd, '../report.json'), 'utf8')) as RunReport;

describe.each(identities())('inside of a run that is watched, as $label', (as) => {
  const tracing = ['--allow', 'ptrace', '--allow', 'process_vm_readv'];
  const script = 'test -e given; test -e /none; cat given';
  const strace = 'strace -f -qq -e trace=newfstatat,execve,exit_group -e signal=none -o /tmp/trace';
  const traced = ['sh', '-c', `${strace} sh -c '${script}' && cat /tmp/trace`];
  /** Removes what differs from run to run. */
  const calls = (text: string) =>
    text
      .split('\n')
      .map((line) => line.replace(/^\d+ +|0x[0-9a-f]+|st_\w+=[^,}]*,? ?/g, ''))
      .sort();

  test.each(watched)('strace sees what it sees in a plain run (%s)', async (option) => {
    const cwd = makeProject(as, { given: 'text\n' });
    const [seen, plain] = [
      await run(as, cwd, [option, ...tracing, '--', ...traced]),
      await run(as, cwd, [...tracing, '--', ...traced]),
    ];
    expect(seen.status).toBe(0);
    expect(calls(seen.out)).toEqual(calls(plain.out));
    expect(seen.out).toContain('"/none"');
    // The control: without the option it is refused, and that is said.
    const refused = await run(as, cwd, [option, '--', ...traced]);
    expect(refused.status).not.toBe(0);
    expect(refused.err).toContain('Allow with --allow ptrace');
  });

  test.each(watched)('gdb runs a program and stops it (%s)', async (option) => {
    const cwd = makeProject(as, {
      'p.c': 'int twice(int n) { return 2 * n; }\nint main(void) { return twice(21) - 42; }\n',
    });
    const debug =
      "cc -g -O0 -o /tmp/p p.c && gdb -q -nx -batch -ex 'break twice' -ex run -ex 'print 2 * n' -ex continue /tmp/p";
    const seen = await run(as, cwd, [option, ...tracing, '--', 'sh', '-c', debug]);
    expect(seen.out).toContain('$1 = 42');
    expect(seen.out).toContain('exited normally');
  });

  test.each(watched)('a wasbox is refused, and the outer one goes on (%s)', async (option) => {
    const cwd = makeProject(as);
    const node = dirname(dirname(process.execPath));
    const shown = ['--ro', dirname(as.cli), ...(node === '/usr' ? [] : ['--ro', node])];
    const inner = `${process.execPath} ${as.cli} run -- echo inner; echo status $?`;
    const args = [option, ...shown, '--report', '../report.json', '--', 'sh', '-c', inner];
    const seen = await run(as, cwd, args);
    expect(seen.out).toBe('status 125\n');
    expect(seen.err).toContain('wasbox cannot run inside a wasbox sandbox');
    expect(reportOf(cwd).outcome).toMatchObject({ kind: 'exited', status: 0 });
  });

  const seccomp = process.arch === 'x64' ? 317 : 277;
  test('an audit says that there was none where the kernel gives no listener', async () => {
    const cwd = makeProject(as);
    compilePayload(as, 'deny', cwd);
    // SECCOMP_FILTER_FLAG_NEW_LISTENER, alone and with WAIT_KILLABLE_RECV.
    const deny = ['1:8', '1:40'].flatMap((is) => ['./deny', String(seccomp), '38', is]);
    const options = ['run', '--audit', '--discard', '--report', '../report.json'];
    const argv = wasboxArgv(as, [...options, '--', 'unshare', '-U', 'true']);
    const seen = await runProgram([...deny, ...argv], { as, cwd });
    expect(seen.status).toBe(1); // as closed as ever
    expect(seen.err).toContain('nothing was recorded: this kernel provides no listener (ENOSYS)');
    expect(reportOf(cwd)).toMatchObject({
      refusals: { watched: 'none', reason: 'ENOSYS' },
      audit: { watched: 'none', reason: 'ENOSYS', totalCalls: 0 },
    });
    // The control: with a listener the same run is reported.
    const told = await runProgram(argv, { as, cwd });
    expect(told.err).not.toContain('nothing was recorded');
    expect(reportOf(cwd).audit?.watched).toBe('all');
  });
});
