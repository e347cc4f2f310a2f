/** Profiles: small ones that use every feature, and the real ones that are installed here. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Profile } from './evaluator.js';

const allow = 'SCMP_ACT_ALLOW';
const errno = 'SCMP_ACT_ERRNO';
const archMap = [
  { architecture: 'SCMP_ARCH_X86_64', subArchitectures: ['SCMP_ARCH_X86', 'SCMP_ARCH_X32'] },
  { architecture: 'SCMP_ARCH_AARCH64', subArchitectures: ['SCMP_ARCH_ARM'] },
  { architecture: 'SCMP_ARCH_S390X', subArchitectures: ['SCMP_ARCH_S390'] },
];

export const SMALL_PROFILES: Record<string, Profile> = {
  'allow list': {
    defaultAction: errno,
    defaultErrnoRet: 38,
    archMap,
    syscalls: [
      { names: ['read', 'write', 'socket', 'no_such_call'], action: allow },
      { names: ['mount'], action: errno, errnoRet: 1 },
      { name: 'close', action: allow, args: null },
    ],
  },
  'every operator': {
    defaultAction: 'SCMP_ACT_KILL_PROCESS',
    archMap,
    syscalls: (['NE', 'LT', 'LE', 'EQ', 'GE', 'GT', 'MASKED_EQ'] as const).map((op, i) => ({
      names: [['lseek', 'dup3', 'kill', 'fcntl', 'setpgid', 'prctl', 'madvise'][i] ?? ''],
      action: allow,
      args: [{ index: 1, value: 12, valueTwo: 8, op: `SCMP_CMP_${op}` }],
    })),
  },
  'one argument twice is one of them': {
    defaultAction: errno,
    archMap,
    syscalls: [
      {
        names: ['socket', 'ioctl'],
        action: allow,
        args: [
          { index: 0, value: 1, op: 'SCMP_CMP_EQ' },
          { index: 0, value: 2, op: 'SCMP_CMP_EQ' },
          { index: 1, value: 5, op: 'SCMP_CMP_GT' },
        ],
      },
    ],
  },
  'conditions before and after the call without any': {
    defaultAction: errno,
    archMap,
    syscalls: [
      {
        names: ['dup'],
        action: 'SCMP_ACT_TRAP',
        args: [{ index: 0, value: 3, op: 'SCMP_CMP_EQ' }],
      },
      { names: ['dup'], action: allow },
      { names: ['dup'], action: 'SCMP_ACT_LOG' },
      { names: ['read'], action: allow, args: [{ index: 0, value: 3, op: 'SCMP_CMP_NE' }] },
      { names: ['read'], action: errno },
    ],
  },
  'architectures, kernels and capabilities': {
    defaultAction: errno,
    archMap,
    syscalls: [
      { names: ['read'], action: allow, includes: { arches: ['amd64', 's390x'] } },
      { names: ['write'], action: allow, excludes: { arches: ['arm64', 'riscv64'] } },
      { names: ['ptrace'], action: allow, includes: { minKernel: '4.8' } },
      { names: ['mount'], action: allow, includes: { caps: ['CAP_SYS_ADMIN'] } },
      { names: ['chroot'], action: allow, excludes: { caps: ['CAP_SYS_CHROOT'] } },
      { names: ['bpf'], action: allow, includes: { caps: ['CAP_SYS_ADMIN', 'CAP_BPF'] } },
      { names: ['close'], action: allow, excludes: { minKernel: '5.10' } },
    ],
  },
  'every action, allowed by default': {
    defaultAction: allow,
    archMap,
    syscalls: [
      { names: ['read'], action: 'SCMP_ACT_KILL' },
      { names: ['write'], action: 'SCMP_ACT_KILL_THREAD' },
      { names: ['close'], action: 'SCMP_ACT_KILL_PROCESS' },
      { names: ['dup'], action: 'SCMP_ACT_TRACE', errnoRet: 7 },
      { names: ['dup3'], action: 'SCMP_ACT_NOTIFY' },
      { names: ['kill'], action: 'SCMP_ACT_LOG' },
      { names: ['lseek'], action: 'SCMP_ACT_TRAP' },
      { names: ['mount'], action: errno, errno: 'ENOSYS', errnoRet: 1 },
      { names: ['socket'], action: errno, args: [{ index: 0, value: 16, op: 'SCMP_CMP_EQ' }] },
    ],
  },
  'clone in either order of arguments': {
    defaultAction: errno,
    archMap,
    syscalls: [
      {
        names: ['clone'],
        action: allow,
        args: [{ index: 0, value: 2114060288, valueTwo: 0, op: 'SCMP_CMP_MASKED_EQ' }],
        excludes: { caps: ['CAP_SYS_ADMIN'], arches: ['s390', 's390x'] },
      },
      {
        names: ['clone'],
        action: allow,
        args: [{ index: 1, value: 2114060288, valueTwo: 0, op: 'SCMP_CMP_MASKED_EQ' }],
        includes: { arches: ['s390', 's390x'] },
      },
    ],
  },
};

const gocode = '/usr/share/gocode/src/github.com';
const moby = `${gocode}/docker/docker`;
const runc = `${gocode}/opencontainers/runc/tests/integration/testdata`;

/** Real profiles of Debian packages, which .ci/packages.txt names. None is part of this repository. */
export const REAL_PROFILES: Record<string, string> = {
  'Podman’s and Buildah’s default': '/usr/share/containers/seccomp.json',
  'Docker’s default': `${moby}/profiles/seccomp/default.json`,
  'Docker’s default, as its daemon’s tests have it': `${moby}/oci/fixtures/default.json`,
  'Docker’s default in the format of 2016': `${moby}/profiles/seccomp/fixtures/default-old-format.json`,
  'Docker’s ptrace for new kernels': `${moby}/profiles/seccomp/fixtures/conditional_include.json`,
  'runc’s, with several values of one argument': `${runc}/seccomp_syscall_test1.json`,
  'runc’s, with errno numbers': `${runc}/seccomp_syscall_test2.json`,
};

/** Reads one of them; throws where its package is missing. */
export function realProfile(path: string): Profile {
  const file = JSON.parse(readFileSync(path, 'utf8'));
  return file.linux?.seccomp ?? file;
}

/** More profiles: all in the folders of WASBOX_OCI_PROFILES. */
export function furtherProfiles(): Map<string, Profile> {
  const found = new Map<string, Profile>();
  for (const folder of (process.env.WASBOX_OCI_PROFILES ?? '').split(':').filter(Boolean))
    for (const name of readdirSync(folder).filter((file) => file.endsWith('.json'))) {
      const profile = realProfile(join(folder, name));
      if (typeof profile.defaultAction === 'string') found.set(join(folder, name), profile);
    }
  return found;
}
