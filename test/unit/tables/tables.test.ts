import { existsSync, readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  ARCHES,
  type Arch,
  dumpTables,
  type Tables,
  valuesInLibc,
  withCompiler,
} from './support.js';

let tables: Tables;
beforeAll(() => {
  tables = dumpTables();
});

const numbersOn = (arch: Arch): Map<string, number> =>
  new Map(
    [...tables.calls.values()].flatMap(({ call, on }) => {
      const own = on[arch];
      return own === undefined ? [] : [[call, own.number] as const];
    }),
  );

const argsOf = (call: string, arch: Arch): string[] =>
  (tables.calls.get(call)?.on[arch]?.args ?? []).map(([name, type]) => `${type} ${name}`);

const constant = (set: string, name: string, arch: Arch): bigint | undefined => {
  const value = tables.sets.get(set)?.[name]?.[ARCHES.indexOf(arch)];
  return value === undefined || value === null ? undefined : BigInt(value);
};

/** Names in both whose numbers differ. */
function differences(a: Map<string, number>, b: Map<string, number>): string[] {
  return [...a].filter(([name, n]) => b.has(name) && b.get(name) !== n).map(([name]) => name);
}

describe('numbers', () => {
  // Dumped from libseccomp 2.6.0; what it multiplexes (socketcall, ipc) is from ausyscall 4.0.2.
  const dumped = new Map<string, Map<string, number>>(
    Object.entries<Record<string, number>>(
      JSON.parse(readFileSync(new URL('numbers.json', import.meta.url), 'utf8')),
    ).map(([arch, numbers]) => [arch, new Map(Object.entries(numbers))]),
  );

  /** Calls of Linux 6.13, which the headers do not have yet, and a second spelling. */
  const beyond = /^((set|get|list|remove)xattrat|arm_sync_file_range)$/;

  it.each(ARCHES)('agree with libseccomp and audit on %s', (arch) => {
    const theirs = dumped.get(arch) ?? new Map<string, number>();
    const ours = numbersOn(arch);
    expect(theirs.size).toBeGreaterThan(300);
    expect(differences(theirs, ours)).toEqual([]);
    expect([...theirs.keys()].filter((name) => !ours.has(name) && !beyond.test(name))).toEqual([]);
  });

  it('would be noticed if different (control)', () => {
    const arm = dumped.get('arm') ?? new Map<string, number>();
    expect(differences(arm, numbersOn('aarch64')).length).toBeGreaterThan(200);
  });

  it.each([
    ['x86_64', ['-m64'], 0],
    ['i386', ['-m32'], 0],
    ['x32', ['-mx32'], 0x40000000],
  ] as const)('agree with the preprocessor of this machine on %s', (arch, flags, base) => {
    if (process.arch !== 'x64') return;
    const theirs = withCompiler((cc) => {
      // Without multilib packages, -m32 does not look into the machine's own directory.
      const headers = ['-idirafter', '/usr/include/x86_64-linux-gnu'];
      const asm = ['-E', '-dM', '-include', 'asm/unistd.h', '-xc', '/dev/null'];
      const macros = cc([...flags, ...headers, ...asm]);
      const found = new Map<string, number>();
      for (const [, name, value] of macros.matchAll(/^#define __NR_(\w+) (.*)$/gm)) {
        if (name === undefined || value === undefined) continue;
        const [, number] = /(\d+)\)?$/.exec(value) ?? [];
        if (number !== undefined && !/^(syscalls|Linux)/.test(name))
          found.set(name, Number(number));
      }
      return found;
    });
    expect(theirs.size).toBeGreaterThan(300);
    expect(differences(theirs, numbersOn(arch))).toEqual([]);
    expect(tables.arches.get(arch)?.base).toBe(base);
  });

  const multiarch = '/usr/lib/linux/uapi';
  it('the headers of every architecture are there: linux-libc-dev', () => {
    expect(existsSync(multiarch)).toBe(true);
  });

  it.each([
    ['ppc64le', 'powerpc/asm/unistd_64.h', 0],
    ['s390x', 's390/asm/unistd_64.h', 0],
    ['mips64el', 'mips/asm/unistd_n64.h', 5000],
    ['arm', 'arm/asm/unistd-eabi.h', 0],
    ['loongarch64', 'loongarch/asm/unistd_64.h', 0],
  ] as const)('agree with the installed headers on %s', (arch, path, base) => {
    const theirs = new Map<string, number>();
    const text = readFileSync(`${multiarch}/${path}`, 'utf8');
    for (const line of text.split('\n')) {
      const [, name, value] = /^#define __NR_(\w+) .*?(\d+)\)?$/.exec(line) ?? [];
      if (name !== undefined) theirs.set(name, base + Number(value));
    }
    expect(theirs.size).toBeGreaterThan(300);
    expect(differences(theirs, numbersOn(arch))).toEqual([]);
  });

  it('reach past the headers: Linux up to 7.3', () => {
    const names =
      'setxattrat getxattrat listxattrat removexattrat open_tree_attr file_getattr file_setattr listns rseq_slice_yield fchroot';
    names.split(' ').forEach((name, i) => {
      const on = tables.calls.get(name)?.on ?? {};
      expect(Object.keys(on).length, name).toBe(tables.arches.size);
      for (const [arch, { number }] of Object.entries(on))
        expect(number, `${name} on ${arch}`).toBe(463 + i + (arch === 'mips64el' ? 5000 : 0));
    });
    const { uprobe } = Object.fromEntries(tables.calls);
    expect(Object.entries(uprobe?.on ?? {}).map(([arch, { number }]) => [arch, number])).toEqual([
      ['x86_64', 336],
    ]);
    expect(argsOf('file_setattr', 'x86_64')).toEqual([
      'int dirfd',
      'pointer pathname',
      'pointer ufattr',
      'ulong usize',
      'uint flags',
    ]);
    expect(argsOf('fchroot', 'arm')).toEqual(['int fd', 'uint flags']);
  });

  it('lead back to their call, and end at the limit', () => {
    for (const { call, on } of tables.calls.values())
      for (const [arch, { back, number }] of Object.entries(on)) {
        expect(back, `${call} on ${arch}`).toBe(1);
        const limit = tables.arches.get(arch)?.limit ?? 0;
        const own = arch === 'x32' ? number >= 512 : arch === 'arm' && number > 0xf0000;
        expect(number < limit || own, `${call} on ${arch}`).toBe(true);
      }
    expect(tables.arches.get('x86_64')?.limit).toBe(473);
    expect(tables.arches.get('mips64el')?.limit).toBe(5473);
  });
});

describe('arguments', () => {
  it('have the width that the kernel reads', () => {
    expect(argsOf('ioctl', 'x86_64')).toEqual(['uint fd', 'uint request', 'ulong arg']);
    expect(argsOf('socket', 'aarch64')).toEqual(['int domain', 'int type', 'int protocol']);
    expect(argsOf('lseek', 'riscv64')).toEqual(['uint fd', 'long offset', 'uint whence']);
    expect(argsOf('openat2', 's390x').at(2)).toBe('pointer how');
    expect(argsOf('clone3', 'x86_64').at(0)).toBe('pointer uargs');
    expect(tables.calls.get('chmod')?.on.x86_64?.args.at(1)?.[3]).toBe(16);
  });

  it('put clone in the order of each architecture', () => {
    const order = (arch: Arch): string =>
      argsOf('clone', arch)
        .map((a) => a.split(' ')[1])
        .join();
    expect(order('x86_64')).toBe('flags,stack,parent_tid,child_tid,tls');
    expect(order('aarch64')).toBe('flags,stack,parent_tid,tls,child_tid');
    expect(order('s390x')).toBe('stack,flags,parent_tid,child_tid,tls');
  });

  it('split 64-bit values where registers have 32 bits', () => {
    expect(argsOf('pread64', 'x86_64').at(3)).toBe('s64 pos');
    expect(argsOf('pread64', 'i386').slice(3)).toEqual(['uint poslo', 'uint poshi']);
    expect(argsOf('pread64', 'arm').slice(3)).toEqual(['uint pad', 'uint pos_lo', 'uint pos_hi']);
    for (const { call, on } of tables.calls.values())
      for (const arch of ['i386', 'arm'] as const)
        for (const arg of on[arch]?.args ?? []) expect(arg[3], `${call} ${arch}`).toBeLessThan(64);
  });

  it('are read whole on x32 where the kernel takes the 64-bit entry', () => {
    expect(argsOf('mmap', 'x32').at(1)).toBe('u64 length');
    expect(argsOf('ioctl', 'x32').at(2)).toBe('uint arg');
  });

  it('are pointers to a structure for mmap on s390x and i386', () => {
    expect(argsOf('mmap', 's390x')).toEqual(['pointer arg']);
    expect(argsOf('mmap', 'i386')).toEqual(['pointer arg']);
  });

  it('are found by either name', () => {
    for (const { call, on } of tables.calls.values())
      for (const own of Object.values(on))
        for (const arg of own.args) expect(arg[5], `${call} ${arg[0]}`).toBe(1);
    expect(tables.calls.get('socket')?.on.x86_64?.args[0]?.[4]).toBe('family');
  });
});

describe('constants', () => {
  it('agree with the C library of this machine', () => {
    if (process.arch !== 'x64') return;
    const headers =
      'errno.h fcntl.h signal.h sched.h time.h sys/socket.h sys/mman.h sys/ioctl.h sys/prctl.h sys/stat.h sys/ptrace.h sys/mount.h sys/personality.h sys/epoll.h sys/inotify.h sys/resource.h sys/ipc.h sys/shm.h sys/wait.h sys/random.h netinet/in.h linux/seccomp.h linux/futex.h linux/keyctl.h asm/prctl.h linux/fs.h linux/fiemap.h linux/serial.h';
    const ours = new Map<string, bigint>();
    for (const constants of tables.sets.values())
      for (const [name, values] of Object.entries(constants))
        if (values[0] !== null && values[0] !== undefined) ours.set(name, BigInt(values[0]));
    const theirs = valuesInLibc(
      headers.split(' '),
      // The structure behind these clashes with the C library's own.
      [...ours.keys()].filter((name) => !/^TC[GS]ETSW?F?2$/.test(name)),
    );
    expect(theirs.size).toBeGreaterThan(1000);
    // PF_MAX and the like grow with the library's age; libc hides the kernel's O_LARGEFILE.
    const excused = /_MAX$|^O_LARGEFILE$|^AF_MAX$|^PF_MAX$|^SIGRTM|_(NSIG|LAST_CAP)$/;
    const wrong = [...theirs].filter(([name, value]) => {
      const own = ours.get(name) ?? 0n;
      return BigInt.asUintN(32, own) !== BigInt.asUintN(32, value) && !excused.test(name);
    });
    expect(wrong.map(([name, value]) => `${name}: ${ours.get(name)} / ${value}`)).toEqual([]);
  });

  it.each([
    ['socket-type', 'SOCK_STREAM', 'x86_64', 1n],
    ['socket-type', 'SOCK_STREAM', 'mips64el', 2n],
    ['domain', 'AF_NETLINK', 'arm', 16n],
    ['errno', 'ENOSYS', 'aarch64', 38n],
    ['errno', 'ENOSYS', 'mips64el', 89n],
    ['errno', 'EDEADLOCK', 'ppc64le', 58n],
    ['open-flags', 'O_DIRECTORY', 'aarch64', 0x4000n],
    ['open-flags', 'O_DIRECTORY', 'x86_64', 0x10000n],
    ['map', 'MAP_ANONYMOUS', 'mips64el', 0x800n],
    ['map', 'MAP_ANONYMOUS', 's390x', 0x20n],
    ['ioctl', 'TIOCSTI', 'x86_64', 0x5412n],
    ['ioctl', 'TIOCSTI', 'mips64el', 0x5472n],
    ['ioctl', 'TCGETS', 'ppc64le', 0x402c7413n],
    ['ioctl', 'TIOCGPTN', 'x86_64', 0x80045430n],
    ['ioctl', 'TIOCGPTN', 'mips64el', 0x40045430n],
    ['ioctl', 'FS_IOC_GETFLAGS', 'i386', 0x80046601n],
    ['ioctl', 'FS_IOC_GETFLAGS', 'riscv64', 0x80086601n],
    ['signal', 'SIGUSR1', 'mips64el', 16n],
    ['clone', 'CLONE_NEWUSER', 'loongarch64', 0x10000000n],
    ['clone', 'SIGCHLD', 'mips64el', 18n],
    ['fadvise', 'POSIX_FADV_DONTNEED', 's390x', 6n],
    ['personality', 'ADDR_NO_RANDOMIZE', 'x86_64', 0x40000n],
    ['at', 'AT_FDCWD', 'x86_64', BigInt.asUintN(64, -100n)],
  ] as const)('%s: %s on %s', (set, name, arch, value) => {
    expect(constant(set, name, arch)).toBe(value);
  });

  it('are absent where the architecture lacks them', () => {
    expect(constant('arch-prctl', 'ARCH_SET_FS', 'x86_64')).toBe(0x1002n);
    expect(constant('arch-prctl', 'ARCH_SET_FS', 'arm')).toBeUndefined();
  });
});

describe('groups, versions and weights', () => {
  it('flatten systemd’s sets', () => {
    expect(tables.groups.get('aio')).toContain('io_uring_setup');
    expect(tables.groups.get('debug')).toEqual(
      expect.arrayContaining(['ptrace', 'perf_event_open']),
    );
    const service = tables.groups.get('system-service') ?? [];
    expect(service).toEqual(expect.arrayContaining(['read', 'openat', 'socket', 'clone']));
    expect(service).not.toContain('mount');
    expect(tables.groups.get('known')?.length).toBe(tables.calls.size);
    expect(tables.groups.get('file')).toEqual(tables.groups.get('file-system'));
    for (const [name, members] of tables.groups) expect([...members].sort(), name).toEqual(members);
  });

  it('say since when a call exists', () => {
    expect(tables.calls.get('openat2')?.since).toBe((5 << 8) | 6);
    expect(tables.calls.get('seccomp')?.since).toBe((3 << 8) | 17);
    expect(tables.calls.get('mseal')?.since).toBe((6 << 8) | 10);
    expect(tables.calls.get('read')?.since).toBe(0);
  });

  it('put the calls that programs make before the others', () => {
    const weight = (call: string): number => tables.calls.get(call)?.weight ?? 0;
    expect(weight('read')).toBeGreaterThan(weight('mkdir'));
    expect(weight('kexec_load')).toBe(1);
  });
});
