/**
 * An OCI bundle of this machine's own file tree, as Docker and Kubernetes would start it by default: its filter of
 * system calls, its capabilities, its masked and read-only paths.
 */
import * as fs from 'node:fs';

/** Debian's golang-github-docker-docker-dev has Docker's profile. */
export const dockerProfile =
  '/usr/share/gocode/src/github.com/docker/docker/profiles/seccomp/default.json';

const dockerCapabilities = [
  ...['CHOWN', 'DAC_OVERRIDE', 'FSETID', 'FOWNER', 'MKNOD', 'NET_RAW', 'SETGID', 'SETUID'],
  ...['SETFCAP', 'SETPCAP', 'NET_BIND_SERVICE', 'SYS_CHROOT', 'KILL', 'AUDIT_WRITE'],
].map((name) => `CAP_${name}`);

const maskedPaths = [
  ...['/proc/asound', '/proc/acpi', '/proc/kcore', '/proc/keys', '/proc/latency_stats'],
  ...['/proc/timer_list', '/proc/timer_stats', '/proc/sched_debug', '/proc/scsi'],
  ...['/sys/firmware', '/sys/devices/virtual/powercap'],
];
const readonlyPaths = ['bus', 'fs', 'irq', 'sys', 'sysrq-trigger'].map((name) => `/proc/${name}`);

/** The parts of Docker's profile that are in force for these capabilities, in the form of the OCI. */
export function dockerSeccomp(capabilities) {
  const profile = JSON.parse(fs.readFileSync(dockerProfile, 'utf8'));
  const has = (caps = []) => caps.every((cap) => capabilities.includes(cap));
  const none = (caps = []) => !caps.some((cap) => capabilities.includes(cap));
  const arch = process.arch === 'x64' ? 'amd64' : 'arm64';
  const ofArch = (arches) => arches === undefined || arches.includes(arch);
  const syscalls = profile.syscalls
    .filter(({ includes = {}, excludes = {} }) => {
      const excluded = excludes.arches?.includes(arch) ?? false;
      return has(includes.caps) && ofArch(includes.arches) && none(excludes.caps) && !excluded;
    })
    .map(({ names, action, args, errnoRet }) => ({ names, action, args, errnoRet }));
  const main = process.arch === 'x64' ? 'SCMP_ARCH_X86_64' : 'SCMP_ARCH_AARCH64';
  return {
    defaultAction: profile.defaultAction,
    defaultErrnoRet: profile.defaultErrnoRet,
    architectures: [main],
    syscalls,
  };
}

/**
 * config.json for a place: `uid`, whether it has Docker's capabilities, and no_new_privs; `open`, without a filter and
 * with all of /proc, so that namespaces can be made. The network is the machine's.
 */
export function bundleConfig({
  root,
  uid,
  capabilities,
  noNewPrivileges,
  open = false,
  argv,
  env,
  cwd,
}) {
  const caps = capabilities ? dockerCapabilities : [];
  const effective = uid === 0 ? caps : [];
  const mount = (destination, type, source, ...options) => ({ destination, type, source, options });
  return {
    ociVersion: '1.0.2',
    process: {
      terminal: false,
      user: { uid, gid: uid },
      args: argv,
      env,
      cwd,
      capabilities: {
        bounding: caps,
        effective,
        permitted: effective,
        inheritable: [],
        ambient: [],
      },
      noNewPrivileges,
    },
    root: { path: root, readonly: false },
    mounts: [
      mount('/proc', 'proc', 'proc', 'nosuid', 'noexec', 'nodev'),
      mount('/dev', 'tmpfs', 'tmpfs', 'nosuid', 'strictatime', 'mode=755', 'size=65536k'),
      mount('/dev/pts', 'devpts', 'devpts', 'nosuid', 'noexec', 'newinstance', 'ptmxmode=0666'),
      mount('/dev/shm', 'tmpfs', 'shm', 'nosuid', 'noexec', 'nodev', 'mode=1777', 'size=65536k'),
      mount('/sys', 'bind', '/sys', 'rbind', 'ro', 'nosuid', 'noexec', 'nodev'),
    ],
    linux: {
      namespaces: ['pid', 'ipc', 'uts', 'mount'].map((type) => ({ type })),
      ...(open ? {} : { seccomp: dockerSeccomp(caps), maskedPaths, readonlyPaths }),
    },
  };
}
