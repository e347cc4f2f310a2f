/**
 * Evaluates the symbolic constants: preprocesses each architecture's own headers to find the names,
 * and lets clang for that architecture work out the values (sizes inside ioctl numbers included).
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ARCHITECTURES } from './architectures.mjs';
import { CONSTANT_SETS } from './constant-sets.mjs';
import { IOCTL_HEADERS, isIoctl } from './ioctls.mjs';

const CLANG = 'clang-19';

const HEADERS = [
  ...'errno fcntl mman signal socket ptrace resource ioctls prctl stat'
    .split(' ')
    .map((name) => `asm/${name}.h`),
  ...(
    'capability close_range bpf eventfd eventpoll fadvise falloc fanotify fcntl fs fsmap futex ' +
    'if_ether if_packet in in6 inotify io_uring ioprio ipc kcmp kexec keyctl landlock lsm membarrier ' +
    'memfd mempolicy mman mount msg net netlink perf_event personality pidfd prctl ptrace random ' +
    'reboot resource rseq sched seccomp sem shm signal signalfd stat tcp time timerfd udp module ' +
    'userfaultfd wait xattr can'
  )
    .split(' ')
    .map((name) => `linux/${name}.h`),
];

/** The parts of a C library that some uapi headers expect. */
const LIBC_HEADERS = {
  'unistd.h': '',
  'sys/types.h': '#include <linux/types.h>\n',
  'sys/time.h': '#include <linux/time.h>\n',
  'sys/ioctl.h': '#include <asm/ioctls.h>\n',
};

/** Constants that the kernel keeps out of its uapi headers, though every C library repeats them. */
const INTERNAL = [
  ['include/linux/socket.h', /^#define\s+(AF|PF|MSG|SOL)_\w+\s+\S.*$/gm],
  ['include/linux/net.h', /^#define\s+SOCK_(CLOEXEC|NONBLOCK)\s+O_\w+$/gm],
  ['include/linux/fs.h', /^#define\s+(MNT_FORCE|MNT_DETACH|MNT_EXPIRE|UMOUNT_NOFOLLOW)\s+\S.*$/gm],
  ['include/linux/splice.h', /^#define\s+SPLICE_F_\w+\s+\S.*$/gm],
  [
    'include/linux/swap.h',
    /^#define\s+SWAP_FLAG_(PREFER|PRIO_MASK|PRIO_SHIFT|DISCARD\w*)\s+\S.*$/gm,
  ],
  ['include/linux/syslog.h', /^#define\s+SYSLOG_ACTION_\w+\s+\S.*$/gm],
];

/** A header with the kernel's own definitions; mips has its own numbers of the socket types. */
function internalHeader(source, architecture) {
  const lines = INTERNAL.flatMap(([path, pattern]) =>
    [...readFileSync(join(source, path), 'utf8').matchAll(pattern)].map(([line]) =>
      line.replace(/\/\*.*$/, ''),
    ),
  );
  const types =
    architecture.folder === 'mips' ? 'arch/mips/include/asm/socket.h' : 'include/linux/net.h';
  const [, body] =
    /enum sock_type \{([^}]*)\}/.exec(readFileSync(join(source, types), 'utf8')) ?? [];
  if (body === undefined) throw new Error(`no socket types in ${types}`);
  return `${lines.filter((l) => !l.includes('__KERNEL__')).join('\n')}\nenum sock_type {${body}};\n`;
}

/** Macros and enumerators with the header that defines each, as the preprocessor sees them. */
function findNames(preprocessed) {
  const names = new Map();
  let file = '';
  let enumeration;
  for (const line of preprocessed.split('\n')) {
    const marker = /^# \d+ "([^"]+)"/.exec(line);
    if (marker !== null) {
      file = marker[1];
      continue;
    }
    const macro = /^#define ([A-Za-z_]\w*) (.+)$/.exec(line);
    if (macro !== null) {
      names.set(macro[1], { file });
      continue;
    }
    if (/\benum\b[^;]*$/.test(line)) enumeration = /\benum\s*(\w*)/.exec(line)[1];
    if (enumeration === undefined) continue;
    for (const [, name] of line
      .replace(/"[^"]*"/g, '')
      .matchAll(/(?<![=|(<~\w]\s*)\b([A-Z_][A-Z0-9_]+)\b/g))
      if (!names.has(name)) names.set(name, { file, enumeration });
    if (line.includes('}')) enumeration = undefined;
  }
  return names;
}

function setOf(name, { file, enumeration }) {
  return CONSTANT_SETS.find((set) => {
    if (set.match === undefined || !set.match.test(name)) return false;
    if (set.ioctl) return isIoctl(name, file);
    if (set.enumeration !== undefined && set.enumeration !== (enumeration ?? '')) return false;
    return set.from === undefined || set.from.test(file);
  });
}

function clangArguments(headers, work, architecture) {
  const include = join(headers, 'include');
  return [
    `--target=${architecture.triple}`,
    '-nostdlibinc',
    '-ffreestanding',
    '-isystem',
    join(include, architecture.triple.replace('gnux32', 'gnu')),
    '-isystem',
    include,
    '-I',
    work,
    '-Wno-everything',
  ];
}

function preprocess(args) {
  const result = spawnSync(CLANG, args, { encoding: 'utf8', maxBuffer: 1 << 28 });
  if (result.status !== 0) throw new Error(`${CLANG} -E failed: ${result.stderr.slice(0, 2000)}`);
  return result.stdout;
}

/** Evaluates expressions as unsigned 64-bit numbers; those that are none are left out. */
function evaluate(names, preamble, flags, work) {
  const path = join(work, 'values.c');
  let rest = names;
  for (;;) {
    const lines = rest.map(
      (name) => `const unsigned long long V_${name} = (unsigned long long)(${name});`,
    );
    writeFileSync(path, `${preamble}#line 1 "values"\n${lines.join('\n')}\n`);
    const result = spawnSync(
      CLANG,
      [...flags, '-ferror-limit=0', '-S', '-emit-llvm', '-o', '-', path],
      {
        encoding: 'utf8',
        maxBuffer: 1 << 28,
      },
    );
    if (result.status === 0) {
      const values = new Map();
      for (const [, name, value] of result.stdout.matchAll(/^@V_(\w+) = .*constant i64 (-?\d+)/gm))
        values.set(name, BigInt.asUintN(64, BigInt(value)));
      return values;
    }
    const bad = new Set(
      [...result.stderr.matchAll(/^values:(\d+):\d+: error/gm)].map((m) => Number(m[1])),
    );
    if (bad.size === 0) throw new Error(`${CLANG} failed: ${result.stderr.slice(0, 2000)}`);
    rest = rest.filter((_, index) => !bad.has(index + 1));
  }
}

/**
 * The constants of every architecture.
 *
 * @returns a map from set name to `Map(constant → Map(architecture → bigint))`
 */
export function collectConstants({ headers, source }, directory) {
  const work = join(directory, 'constants');
  mkdirSync(work, { recursive: true });
  mkdirSync(join(work, 'sys'), { recursive: true });
  for (const [name, text] of Object.entries(LIBC_HEADERS)) writeFileSync(join(work, name), text);
  const sets = new Map(CONSTANT_SETS.map((set) => [set.name, new Map()]));
  const add = (set, constant, arch, value) => {
    const values = sets.get(set).get(constant) ?? new Map();
    values.set(arch, value);
    sets.get(set).set(constant, values);
  };
  for (const architecture of ARCHITECTURES) {
    writeFileSync(join(work, 'kernel-internal.h'), internalHeader(source, architecture));
    const flags = clangArguments(headers, work, architecture);
    const own = join(headers, 'lib/linux/uapi', architecture.uapi);
    const present = [...HEADERS, ...IOCTL_HEADERS].filter((name) => {
      if (name === 'linux/kvm.h') return existsSync(join(own, 'asm/kvm.h'));
      return existsSync(join(headers, 'include', name)) || existsSync(join(own, name));
    });
    const preamble =
      [...new Set(present)].map((name) => `#include <${name}>\n`).join('') +
      '#include "kernel-internal.h"\n';
    writeFileSync(join(work, 'all.c'), preamble);
    const preprocessed = preprocess([...flags, '-E', '-dD', join(work, 'all.c')]);
    const wanted = new Map();
    for (const [name, origin] of findNames(preprocessed)) {
      const set = setOf(name, origin);
      if (set !== undefined) wanted.set(name, set.name);
    }
    for (const [name, value] of evaluate([...wanted.keys()], preamble, flags, work))
      add(wanted.get(name), name, architecture.name, value);
    for (const { name, values = {} } of CONSTANT_SETS)
      for (const [constant, value] of Object.entries(values))
        add(name, constant, architecture.name, BigInt(value));
  }
  for (const [name, constants] of sets)
    if (constants.size === 0) throw new Error(`the set ${name} is empty`);
  return sets;
}
