/** Attack 39: a kernel that refuses one step of the set-up. The run must not start. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { uniqueMarker } from '../support/host.js';
import { identities } from '../support/identity.js';
import { compilePayload } from '../support/payload.js';
import { makeProject } from '../support/project.js';
import { failedToStart } from '../support/two-ways.js';
import { runProgram, wasboxArgv } from '../support/wasbox.js';

const x86 = process.arch === 'x64';
const EPERM = 1;
/** Number on x86_64 and aarch64, and the first argument where only some calls are refused. */
const steps: readonly [step: string, number: number, argument?: number][] = [
  ['seccomp', x86 ? 317 : 277, 1],
  ['landlock_add_rule', 445],
  ['landlock_restrict_self', 446],
  ['mount_setattr', 442],
  ['move_mount', 429],
  ['open_tree', 428],
  ['fsmount', 432],
  ['pivot_root', x86 ? 155 : 41],
  ['umount2', x86 ? 166 : 39],
  ['unshare', x86 ? 272 : 97],
  ['setns', x86 ? 308 : 268],
  ['prctl(PR_CAPBSET_DROP)', x86 ? 157 : 167, 24],
  ['prctl(PR_SET_SECUREBITS)', x86 ? 157 : 167, 28],
  ['capset', x86 ? 126 : 91],
  ['setsid', x86 ? 112 : 157],
  ['prlimit64', x86 ? 302 : 261],
];

failedToStart();

describe.each(identities())('a refused step, as $label', (as) => {
  const run = async (argv: readonly string[], number: number, argument: number | undefined) => {
    const cwd = makeProject(as);
    compilePayload(as, 'deny', cwd);
    const seen = join(makeProject(as), uniqueMarker());
    const deny = [
      './deny',
      String(number),
      String(EPERM),
      argument === undefined ? '-' : String(argument),
    ];
    const shown = ['--rw', join(seen, '..')];
    const payload = ['sh', '-c', `echo ran > ${seen}; echo ran`];
    const command =
      argv.length === 0 ? payload : [...argv, 'run', '-q', '--discard', ...shown, '--', ...payload];
    const result = await runProgram([...deny, ...command], { as, cwd });
    return { result, ran: fs.existsSync(seen) };
  };

  test.each(steps)('%s', async (_step, number, argument) => {
    const { result, ran } = await run(wasboxArgv(as, []), number, argument);
    // Steps that this kind of launch does not need may be refused at will.
    if (result.status === 0) return expect(notNeeded(_step)).toBe(true);
    expect(result.status).toBe(125);
    expect(ran).toBe(false);
    expect(result.out).toBe('');
    expect(result.err).not.toBe('');
    expect(result.err).not.toMatch(/^\s+at /m);
  });

  test('is waited for if it takes its time: the payload never sees the old root or network', async () => {
    const cwd = makeProject(as);
    const log = join(cwd, 'log');
    const shows = ['cat', '/proc/self/mountinfo', '/proc/self/net/dev', '/proc/1/net/dev'];
    const command = wasboxArgv(as, ['run', '-q', '--discard', '--', ...shows]);
    const delayed = ['-e', 'inject=umount2,setns,capset:delay_enter=150000'];
    const strace = ['strace', '-f', '-qq', '-o', log, '-e', 'trace=umount2,setns,capset,execve'];
    const mountPoints = (text: string) => text.match(/^\d+ \d+ \d+:\d+ \S+ \S+/gm)?.length;
    const interfaces = (text: string) => text.match(/^\s*\w+:/gm)?.map((name) => name.trim());
    const plain = await runProgram(command, { as, cwd });
    const slow = await runProgram([...strace, ...delayed, ...command], { as, cwd });
    expect([slow.status, slow.err]).toEqual([0, '']);
    expect(mountPoints(slow.out)).toBe(mountPoints(plain.out));
    expect(interfaces(slow.out)).toEqual(['lo:', 'lo:']);
    const calls = fs.readFileSync(log, 'utf8');
    const payload = calls.indexOf(`execve("/usr/bin/cat"`);
    expect(payload).toBeGreaterThan(0);
    const held = [...calls.matchAll(/(umount2|setns|capset).*\(DELAYED\)/g)];
    expect(held.map(([, name]) => name)).toEqual(expect.arrayContaining(['umount2', 'setns']));
    for (const { index } of held) expect(index).toBeLessThan(payload);
  });

  test('stops no run where nothing needs it: the control', async () => {
    const unused = x86 ? 169 : 142; // reboot
    const boxed = await run(wasboxArgv(as, []), unused, undefined);
    expect([boxed.result.status, boxed.ran]).toEqual([0, true]);
    const plain = await run([], unused, undefined);
    expect([plain.result.status, plain.ran]).toEqual([0, true]);
  });

  test('user namespaces that the machine forbids are named, with the fix', async () => {
    const seen = uniqueMarker();
    const cwd = makeProject(as);
    const script =
      'echo 1 > /proc/sys/user/max_user_namespaces; exec unshare --user --map-user=1000 --map-group=1000 "$@"';
    const words = ['--isolation', 'namespaces', '--discard', '--', 'sh', '-c', `echo ${seen}`];
    const box = wasboxArgv(as, ['run', ...words]);
    // An ordinary user of a namespace in which one more may be made, which unshare uses up.
    const own = ['unshare', '--user', '--map-root-user', 'sh', '-c', script, 'sh'];
    const result = await runProgram([...own, ...box], { as, cwd });
    expect(result.status).toBe(125);
    expect(result.out).toBe('');
    expect(result.err).toMatch(/user namespace/i);
    const control = await runProgram([...own, 'echo', seen], { as, cwd });
    expect(control.out).toBe(`${seen}\n`);
  });
});

/** Steps with another way to the same end, or that need not happen in every sandbox. */
function notNeeded(step: string): boolean {
  return ['prlimit64', 'fsmount', 'open_tree', 'move_mount', 'setsid'].includes(step);
}
