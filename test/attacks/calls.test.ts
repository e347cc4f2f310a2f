/**
 * System calls that a default run refuses (attacks 2–6, 25–27, 30): each is made for real, inside
 * and in a control in which it works or in which at least the kernel, not a filter, answers.
 */
import { release } from 'node:os';
import { beforeAll, describe, expect, test } from 'vitest';
import { identities } from '../support/identity.js';
import { type Attempt, compilePayload, parseAttempts } from '../support/payload.js';
import { makeProject } from '../support/project.js';
import { runProgram, runWasbox } from '../support/wasbox.js';
import { weakenedArgv } from '../support/weaken.js';

/**
 * Where the same call is seen to come through: `plain` as the same user without a sandbox,
 * `namespace` as root of a user namespace of one's own, `kernel` where this kernel lacks the
 * feature or asks for more rights, so that only the answer differs.
 */
type Control = 'plain' | 'namespace' | 'kernel';

const EPERM = 1;
const EACCES = 13;
const ENOSYS = 38;
const SIGSYS = 31;

type Row = [attempt: string, control: Control, answer?: number];

/** Calls that only kernels from a version on have: on older ones there is nothing to refuse. */
const newerRows: readonly (readonly [major: number, minor: number, row: Row])[] = [
  [6, 13, ['setxattrat', 'kernel', ENOSYS]],
  [6, 15, ['open_tree_attr', 'kernel']],
  [6, 17, ['file_getattr', 'kernel', ENOSYS]],
  [6, 17, ['file_setattr', 'kernel', ENOSYS]],
  [6, 19, ['listns', 'kernel', ENOSYS]],
  [7, 3, ['fchroot', 'kernel']],
];
const [major = 0, minor = 0] = release().split('.').map(Number);

const rows: readonly Row[] = [
  ...newerRows
    .filter(([first, second]) => major > first || (major === first && minor >= second))
    .map(([, , row]) => row),
  ['i386_getpid', 'plain'],
  ['i386_ptrace', 'plain'],
  ['i386_unshare', 'plain'],
  ['i386_keyctl', 'plain'],
  ['i386_socketcall', 'kernel'],
  ['io_uring', 'plain'],
  ['clone3', 'plain', ENOSYS],
  ['clone3_newuser', 'plain', ENOSYS],
  ['clone_newuser', 'plain'],
  ['clone_newuser_high', 'plain'],
  ['clone_newns_newuser', 'plain'],
  ['unshare_user', 'plain'],
  ['unshare_high', 'kernel'],
  ['unshare_net', 'namespace'],
  ['unshare_mount', 'namespace'],
  ['setns', 'namespace'],
  ['ptrace_traceme', 'plain'],
  ['ptrace_seize', 'plain'],
  ['process_vm_readv', 'plain'],
  ['process_vm_writev', 'plain'],
  ['pidfd_getfd', 'plain'],
  ['keyctl', 'plain'],
  ['add_key', 'plain'],
  ['request_key', 'plain'],
  ['alg', 'kernel'],
  ['alg_high', 'kernel'],
  ['vsock', 'kernel'],
  ['vsock_high', 'kernel'],
  ['packet', 'namespace'],
  ['raw_socket', 'namespace'],
  ['netlink_generic', 'plain'],
  ['netlink_netfilter', 'plain'],
  ['netlink_uevent', 'plain'],
  ['mount', 'namespace'],
  ['bind', 'namespace'],
  ['remount_rw', 'kernel'],
  ['umount', 'namespace'],
  ['umount_tmp', 'namespace'],
  ['open_tree', 'kernel'],
  ['move_mount', 'namespace'],
  ['fsopen', 'namespace'],
  ['pivot_root', 'kernel'],
  ['chroot', 'namespace'],
  ['sethostname', 'namespace'],
  ['bpf_reach', 'kernel'],
  ['perf', 'kernel'],
  ['userfaultfd', 'kernel'],
  ['open_by_handle', 'kernel'],
  ['fanotify', 'plain'],
];
const names = rows.map(([name]) => name);
const options = ['run', '-q', '--discard'];

const show = (attempt: Attempt | undefined): string =>
  attempt === undefined ? 'nothing' : `${attempt.kind} ${attempt.value}`;

describe.each(identities())('calls as $label', (as) => {
  let inside: Map<string, Attempt>;
  let landlock: Map<string, Attempt>;
  let plain: Map<string, Attempt>;
  let namespace: Map<string, Attempt>;
  let unfiltered: Map<string, Attempt>;

  beforeAll(async () => {
    const cwd = makeProject(as);
    compilePayload(as, 'attempt', cwd);
    const command = ['./attempt', ...names];
    const own = ['unshare', '--user', '--map-root-user', '--mount', '--uts', '--net', '--ipc'];
    // Calls that change the system when root makes them outside are made in a namespace only.
    const risky = new Set(['remount_rw', 'pivot_root']);
    const harmless = rows
      .filter(([name, control]) => control !== 'namespace' && !risky.has(name))
      .map(([name]) => name);
    const [first, second, third, fourth, fifth] = await Promise.all([
      runWasbox([...options, '--', ...command], { as, cwd }),
      runProgram(['./attempt', ...(as.uid === 0 ? harmless : names)], { as, cwd }),
      runProgram([...own, '--pid', '--fork', '--mount-proc', ...command], { as, cwd }),
      runProgram(weakenedArgv(as, ['seccomp'], ['-q', '--discard', '--', ...command]), { as, cwd }),
      runWasbox([...options, '--isolation', 'landlock', '--', ...command], { as, cwd }),
    ]);
    inside = parseAttempts(first.out);
    plain = parseAttempts(second.out);
    namespace = parseAttempts(third.out);
    unfiltered = parseAttempts(fourth.out);
    landlock = parseAttempts(fifth.out);
  });

  test.each(rows)('%s is refused', (name, control, answer) => {
    const seen = inside.get(name);
    const allowed = answer === undefined ? [EPERM, EACCES, ENOSYS] : [answer];
    for (const one of [seen, landlock.get(name)]) {
      const refused =
        (one?.kind === 'errno' && allowed.includes(one.value)) ||
        (one?.kind === 'signal' && one.value === SIGSYS && answer === undefined);
      expect(refused, `${name} inside: ${show(one)}`).toBe(true);
    }

    if (control === 'plain') expect(show(plain.get(name))).toMatch(/^ok/);
    else if (control === 'namespace') expect(show(namespace.get(name))).toMatch(/^ok/);
    // Some kernels refuse these to this user with the filter's own answer: one place must differ.
    else
      expect([plain, namespace].map((one) => show(one.get(name)))).not.toEqual([
        show(seen),
        show(seen),
      ]);
  });

  test('the same sandbox without its filter lets the others through', () => {
    // A call that is refused there too is refused by a second wall: capabilities, namespaces, /proc.
    const through = rows.filter(([name]) => {
      const seen = unfiltered.get(name);
      return seen !== undefined && show(seen) !== show(inside.get(name));
    });
    expect(through.length).toBeGreaterThan(25);
  });

  test('x32 numbers get no more than native ones', async () => {
    // Most kernels lack x32, so that only its absence can be seen; where it is there, it is refused.
    const cwd = makeProject(as);
    compilePayload(as, 'attempt', cwd);
    const command = ['./attempt', 'x32_getpid', 'x32_ptrace', 'x32_unshare'];
    for (const isolation of ['namespaces', 'landlock']) {
      const args = [...options, '--isolation', isolation, '--', ...command];
      const attempts = [...parseAttempts((await runWasbox(args, { as, cwd })).out).values()];
      expect(attempts).toHaveLength(3);
      expect(attempts.filter((one) => one.kind === 'ok')).toEqual([]);
    }
  });

  test('threads work although clone3 is refused', async () => {
    const code =
      'import threading; t = threading.Thread(target=print, args=("thread",)); t.start()';
    const args = ['run', '-q', '--discard', '--lang', 'python', '-c', code];
    const run = await runWasbox(args, { as, cwd: makeProject(as) });
    expect(run.out).toBe('thread\n');
  });
});
