/**
 * The built-in policies compare what the kernel reads of each argument: the bits above change no decision. Widths are
 * those of the kernel's prototypes and of the casts behind them (wasm-core/syscalls/widths.c), written down here again.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { builtinNames, compilePolicy, explain, init, simulate } from '../../src/policy/index.js';

beforeAll(() => init());

const architectures = ['x86_64', 'aarch64'] as const;

/** Bits that the kernel reads. */
const kernel: Readonly<Record<string, number>> = {
  'unshare.flags': 64, // unsigned long; bits that mean nothing are EINVAL
  'clone.flags': 32, // lower_32_bits(clone_flags)
  'fcntl.cmd': 32,
  'seccomp.operation': 32,
  'seccomp.flags': 32,
  'ioctl.request': 32, // unsigned int cmd
  'prctl.option': 32,
  'setsockopt.level': 32,
  'setsockopt.optname': 32,
  'socket.domain': 32,
  'socket.type': 32,
  'socket.protocol': 32,
  'socketpair.domain': 32,
  'socketpair.type': 32,
  'socketpair.protocol': 32,
  'personality.persona': 32, // unsigned int
  'sendto.flags': 32,
  'sendmsg.flags': 32,
  'sendmmsg.flags': 32,
  'setpriority.which': 32,
  'setpriority.who': 32,
  'ioprio_set.which': 32,
  'ioprio_set.who': 32,
  'sched_setaffinity.pid': 32, // pid_t
  'sched_setattr.pid': 32,
  'sched_setparam.pid': 32,
  'sched_setscheduler.pid': 32,
  'prlimit64.pid': 32,
  'chmod.mode': 16, // umode_t
  'fchmod.mode': 16,
  'fchmodat.mode': 16,
  'fchmodat2.mode': 16,
  'open.mode': 16,
  'openat.mode': 16,
  'creat.mode': 16,
  'mknod.mode': 16,
  'mknodat.mode': 16,
  'open.flags': 32,
  'openat.flags': 32,
};

describe.each(architectures)('widths on %s', (arch) => {
  it('each argument has the width that the kernel reads, and no rule is warned of', () => {
    for (const builtin of builtinNames()) {
      const { compared, diagnostics } = compilePolicy({ builtin }, { arch: [arch] });
      expect(diagnostics, builtin).toEqual([]);
      const found = compared.map(({ call, argument, bits }) => [`${call}.${argument}`, bits]);
      expect(found, builtin).toEqual(found.map(([name]) => [name, kernel[String(name)]]));
    }
  });

  it('bits above it change no decision of any rule', () => {
    let tried = 0;
    for (const builtin of builtinNames()) {
      const { compared } = compilePolicy({ builtin }, { arch: [arch] });
      const calls = [...new Set(compared.map(({ call }) => call))];
      for (const { name, cases } of explain({ builtin }, { arch: [arch], calls })) {
        const positions = compared.filter(({ call, bits = 64 }) => call === name && bits < 64);
        for (const { args, actionText } of cases) {
          const decide = (changed: readonly bigint[]) =>
            simulate({ builtin }, { call: name, args: changed, arch }, { arch: [arch] }).actionText;
          expect(decide(args)).toBe(actionText);
          for (const { argument, bits = 64 } of positions) {
            const at = placeOf(name, argument);
            for (const bit of [bits, 40, 63].filter((one) => one >= bits)) {
              const changed = args.map((value, i) =>
                i === at ? value ^ (1n << BigInt(bit)) : value,
              );
              expect(decide(changed), `${builtin}: ${name} ${argument}, bit ${bit}`).toBe(
                actionText,
              );
              tried += 1;
            }
          }
        }
      }
    }
    expect(tried).toBeGreaterThan(200);
  });

  it('a policy that compares more is passed by such a bit: the control', () => {
    const text = 'default allow\ndeny fcntl where cmd as u64 == F_SETLEASE\n';
    const call = { call: 'fcntl', args: [0, (1n << 40n) | 1024n], arch };
    expect(simulate({ text }, call, { arch: [arch] }).actionText).toBe('allow');
    expect(simulate({ builtin: 'default' }, call, { arch: [arch] }).actionText).toBe(
      'errno(EPERM)',
    );
  });

  it('stay whole for arguments that the kernel reads whole', () => {
    // TCSBRK with an argument of 0 sends a break; tty_ioctl looks at all of it.
    const decide = (arg: bigint) =>
      simulate({ builtin: 'terminal-guard' }, { call: 'ioctl', args: [0, 'TCSBRK', arg], arch })
        .actionText;
    expect([decide(0n), decide(1n), decide(1n << 32n)]).toEqual(['errno(EPERM)', 'allow', 'allow']);
    const unshare = (flags: bigint) =>
      simulate({ builtin: 'default' }, { call: 'unshare', args: [flags], arch }).actionText;
    expect(unshare((1n << 32n) | 0x1000_0000n)).toBe('errno(EPERM)');
  });
});

/** Positions of the arguments that the policies name, from the manual pages. */
const places: Readonly<Record<string, readonly string[]>> = {
  unshare: ['flags'],
  clone: ['flags'],
  fcntl: ['fd', 'cmd'],
  seccomp: ['operation', 'flags'],
  ioctl: ['fd', 'request', 'arg'],
  prctl: ['option'],
  setsockopt: ['fd', 'level', 'optname'],
  socket: ['domain', 'type', 'protocol'],
  socketpair: ['domain', 'type', 'protocol'],
  personality: ['persona'],
  sendto: ['fd', 'buf', 'len', 'flags'],
  sendmsg: ['fd', 'msg', 'flags'],
  sendmmsg: ['fd', 'mmsg', 'len', 'flags'],
  chmod: ['path', 'mode'],
  fchmod: ['fd', 'mode'],
  fchmodat: ['dirfd', 'path', 'mode'],
  fchmodat2: ['dirfd', 'path', 'mode'],
  open: ['path', 'flags', 'mode'],
  openat: ['dirfd', 'path', 'flags', 'mode'],
  creat: ['path', 'mode'],
  mknod: ['path', 'mode'],
  mknodat: ['dirfd', 'path', 'mode'],
  setpriority: ['which', 'who', 'niceval'],
  ioprio_set: ['which', 'who', 'ioprio'],
  sched_setaffinity: ['pid'],
  sched_setattr: ['pid'],
  sched_setparam: ['pid'],
  sched_setscheduler: ['pid'],
  prlimit64: ['pid'],
};

function placeOf(call: string, argument: string): number {
  const at = places[call]?.indexOf(argument) ?? -1;
  expect(at, `${call} ${argument}`).toBeGreaterThanOrEqual(0);
  return at;
}
