/** Settings of this host that explain why a step of the set-up was refused. */
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { release } from 'node:os';
import { SupportError } from '../errors/index.js';
import { installedFile } from './installation.js';
import { refusedLayer } from './layer-obstacle.js';
import { fileSystemType } from './node.js';

/** Settings of the host that decide whether an ordinary user may make namespaces. */
export interface HostFacts {
  /** Value of each sysctl that exists, by its path below /proc/sys. */
  readonly sysctls: Readonly<Record<string, string>>;
  /** True if this process runs in a container, as far as one can see. */
  readonly container: boolean;
  /** Absolute path of the native command, without links, for an AppArmor profile; undefined where there is none. */
  readonly command: string | undefined;
  readonly root: boolean;
  /** True if a filter of system calls is in force (seccomp(2)). @default false */
  readonly filtered?: boolean;
  /** Release of the kernel, for instance `6.1.0-28-amd64`. */
  readonly kernel?: string;
  /** True if CAP_SYS_ADMIN is in force: root in a container may be without. @default true */
  readonly sysAdmin?: boolean;
  /** The state directory, where a run keeps its layers. */
  readonly state?: string | undefined;
  /** Its file system, if that explains why overlayfs did not accept it as an upper layer. */
  readonly stateFileSystem?: string | undefined;
}

const sysctlNames = [
  'kernel/unprivileged_userns_clone',
  'kernel/apparmor_restrict_unprivileged_userns',
  'user/max_user_namespaces',
  'vm/memfd_noexec',
];

/** Files that Docker, Podman and systemd leave in a container. */
const containerMarks = ['/.dockerenv', '/run/.containerenv', '/run/systemd/container'];

const readable = (path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
};

/** Bit of CAP_SYS_ADMIN: capabilities(7). */
const sysAdmin = 21n;

/** A set of capabilities in /proc/self/status: proc_pid_status(5). */
const holdsSysAdmin = (status: string, set: string): boolean => {
  const [, hex] = new RegExp(`^${set}:\\s*([0-9a-f]+)$`, 'm').exec(status) ?? [];
  return hex === undefined || ((BigInt(`0x${hex}`) >> sysAdmin) & 1n) === 1n;
};

/**
 * Returns whether /proc and the mounts look like a container's, for runtimes that leave no file: part of /proc
 * is hidden by mounts, or a filter is in force where root is an overlay or lacks CAP_SYS_ADMIN for good.
 * @param mounts text of /proc/self/mountinfo: the fifth field is the mount point
 */
export function looksContained(status: string, mounts: string): boolean {
  const fields = mounts.split('\n').map((line) => line.split(' '));
  const masked = fields.some(
    ([, , , , point = '']) =>
      point.startsWith('/proc/') && !point.startsWith('/proc/sys/fs/binfmt_misc'),
  );
  if (masked) return true;
  const root = fields.filter(([, , , , point]) => point === '/').at(-1);
  const layered = root?.includes('overlay') === true;
  return isFiltered(status) && (layered || !holdsSysAdmin(status, 'CapBnd'));
}

const isFiltered = (status: string): boolean => /^Seccomp:\s*2$/m.test(status);

/** Returns the command that makes the sandboxes, whether Node or the engine asks. */
function nativeCommand(): string | undefined {
  const path = installedFile(`native/${process.platform}-${process.arch}/wasbox`);
  return path === undefined ? undefined : realpathSync(path);
}

/**
 * Reads them now; what cannot be read is left out.
 * @param state the state directory, where a run keeps its layers
 */
export function hostFacts(state?: string): HostFacts {
  const status = readable('/proc/self/status');
  const stateFileSystem = state === undefined ? undefined : refusedLayer(state, fileSystemType);
  const sysctls: Record<string, string> = {};
  for (const name of sysctlNames) {
    try {
      sysctls[name] = readFileSync(`/proc/sys/${name}`, 'utf8').trim();
    } catch {
      // This kernel does not have it.
    }
  }
  return {
    sysctls,
    container:
      containerMarks.some((path) => existsSync(path)) ||
      looksContained(status, readable('/proc/self/mountinfo')),
    filtered: isFiltered(status),
    kernel: release(),
    sysAdmin: holdsSysAdmin(status, 'CapEff'),
    state,
    stateFileSystem,
    command: nativeCommand(),
    root: process.geteuid?.() === 0,
  };
}

/** Returns whether this process is the payload of a run: the variable that each has, under a filter. */
function isSandboxed(): boolean {
  return process.env.WASBOX === '1' && isFiltered(readable('/proc/self/status'));
}

/**
 * Where no sandbox can be, said before anything else fails: without /proc, which is asked for all that
 * wasbox knows of processes and mounts; and inside a run, whose filter refuses further namespaces.
 * @throws SupportError
 */
export function refusePlace(): void {
  if (!existsSync('/proc/self')) {
    throw new SupportError('ERR_PROC_MASKED', '/proc is not mounted', {
      hint: 'wasbox needs it. Mount it as root:\n  mount -t proc proc /proc',
    });
  }
  if (!isSandboxed()) return;
  throw new SupportError('ERR_NESTED', 'wasbox cannot run inside a wasbox sandbox', {
    hint: 'The program is sandboxed already. Run the inner command without wasbox.',
  });
}
