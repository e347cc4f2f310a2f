/**
 * Message and hint for a set-up step that failed: a pure function of the step, the errno and a few
 * facts about the host. Shared by `run` and `doctor`.
 */

import type { ErrorCode } from '../errors/index.js';
import { type HostFacts, isBefore } from '../host/index.js';
import { spoken, spokenOption } from '../options/index.js';
import { appArmorHint } from './apparmor.js';

export interface SetupFailure {
  /** Name of the step in wire.h, for instance `overlay`. */
  readonly step: string;
  /** Symbolic errno. */
  readonly errno: string;
  readonly errnoText: string;
  readonly path: string | undefined;
}

export interface Advice {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint: string | undefined;
}

const filterHint =
  'Something outside wasbox blocks it: a system call filter, a security module or a chroot.';

const containerHint = [
  'wasbox runs in a container whose filter blocks it. Start that container with, for example:',
  '  docker run --security-opt seccomp=unconfined --security-opt apparmor=unconfined \\',
  '    --security-opt systempaths=unconfined …',
].join('\n');

/** Why this user cannot create user namespaces; undefined if no reason is known. */
export function userNamespaceHint(facts: HostFacts): string | undefined {
  const value = (name: string) => facts.sysctls[name];
  if (value('kernel/unprivileged_userns_clone') === '0') {
    return 'Allow them: sudo sysctl kernel.unprivileged_userns_clone=1';
  }
  if (value('user/max_user_namespaces') === '0') {
    return 'Allow them: sudo sysctl user.max_user_namespaces=15000';
  }
  if (value('kernel/apparmor_restrict_unprivileged_userns') === '1' && !facts.root) {
    return appArmorHint(facts.command);
  }
  if (facts.container) return containerHint;
  return facts.filtered === true
    ? 'A system call filter around wasbox blocks it (seccomp, as from SystemCallFilter= or RestrictNamespaces= of systemd). Run wasbox outside of it.'
    : undefined;
}

/** Errors for a call, flag or mount option that the kernel does not know or does not allow this user. */
const unknownToKernel: ReadonlySet<string> = new Set(['EINVAL', 'ENOSYS', 'EPERM', 'ENODEV']);

function adviseOldKernel(kernel: string): Advice {
  return {
    code: 'ERR_KERNEL',
    message: `Linux ${kernel} is too old: wasbox needs Linux 5.12 or newer`,
    hint: 'Install a newer kernel: 5.11 added overlays for ordinary users, 5.12 id-mapped mounts.',
  };
}

function adviseIdmap(failure: SetupFailure, facts: HostFacts): Advice {
  const path = failure.path ?? 'a directory';
  if (failure.errno === 'E2BIG') {
    return {
      code: 'ERR_PATH',
      message: 'too many mounts: root can have at most 200',
      hint: 'Mount a directory that contains several of them.',
    };
  }
  if (failure.errno === 'EPERM' && facts.sysAdmin === false) {
    return {
      code: 'ERR_IDMAP',
      message:
        'root has no CAP_SYS_ADMIN here, which it needs to share its files with a program that is not root',
      hint: [
        'Run wasbox as an ordinary user:',
        '  setpriv --reuid 1000 --regid 1000 --clear-groups wasbox run …',
        'Or give root the capability: docker run --cap-add SYS_ADMIN …',
      ].join('\n'),
    };
  }
  return {
    code: 'ERR_IDMAP',
    message: `cannot share ${path} with a program that is not root: ${failure.errnoText}`,
    hint:
      failure.errno === 'EPERM'
        ? (userNamespaceHint(facts) ??
          'Something outside wasbox blocks it. Run wasbox as the ordinary user who owns the files.')
        : 'Its file system does not support id-mapped mounts. Run wasbox as the ordinary user who owns the files.',
  };
}

function adviseControl(failure: SetupFailure, facts: HostFacts): Advice {
  if (!unknownToKernel.has(failure.errno) && failure.errno !== 'EACCES')
    return adviseOther(failure);
  return {
    code: 'ERR_SETUP',
    message: `the supervisor cannot talk to the sandbox: sendmsg(2) is blocked here (${failure.errno})`,
    hint: userNamespaceHint({ ...facts, sysctls: {} }) ?? filterHint,
  };
}

function adviseNamespaces(failure: SetupFailure, facts: HostFacts): Advice {
  if (failure.errno === 'EINVAL' || failure.errno === 'ENOSYS') {
    return {
      code: 'ERR_KERNEL',
      message: 'this kernel was built without one of the namespaces that a sandbox needs',
      hint: 'See what is missing: wasbox doctor',
    };
  }
  const full = failure.errno === 'ENOSPC' || failure.errno === 'EUSERS';
  return {
    code: 'ERR_USERNS',
    message: full
      ? "cannot create a user namespace: this machine's limit on namespaces is reached"
      : 'you are not allowed to create user namespaces on this machine',
    hint:
      userNamespaceHint(facts) ??
      (full ? 'See the limits: grep . /proc/sys/user/max_*_namespaces' : filterHint),
  };
}

function adviseProc(failure: SetupFailure): Advice {
  if (failure.errno !== 'EPERM') return adviseOther(failure);
  return {
    code: 'ERR_PROC_MASKED',
    message: 'cannot mount /proc, because parts of the existing one are hidden',
    hint: [
      'Containers hide them. Start the container with all of /proc:',
      '  docker run --security-opt systempaths=unconfined …     podman run --security-opt unmask=ALL …',
    ].join('\n'),
  };
}

/** Since Linux 6.6, tmpfs has the extended attributes that an overlay needs. */
const otherStateHint = ({ kernel }: HostFacts): string =>
  isBefore(kernel, 6, 6)
    ? 'Save them on a disk (ext4, XFS, Btrfs), such as a volume of the container:\n  export XDG_STATE_HOME=DIR'
    : [
        'Save them on another file system, such as a volume of the container, or in memory while it runs:',
        '  export XDG_STATE_HOME=$(mktemp -d -p /dev/shm)',
      ].join('\n');

function adviseOverlay(failure: SetupFailure, facts: HostFacts): Advice {
  if (failure.errno === 'ESTALE') return moved(failure);
  if (failure.errno === 'ENODEV') {
    return {
      code: 'ERR_KERNEL',
      message: 'this kernel has no overlayfs, which wasbox needs to save changes',
      hint: 'Load it: sudo modprobe overlay',
    };
  }
  if (facts.stateFileSystem !== undefined) {
    return {
      code: 'ERR_OVERLAY',
      message: `cannot save changes in ${facts.state}: ${facts.stateFileSystem} cannot hold the upper layer of an overlay`,
      hint: otherStateHint(facts),
    };
  }
  if (failure.errno === 'EOPNOTSUPP') {
    return {
      code: 'ERR_OVERLAY',
      message: `cannot save changes in ${facts.state ?? 'the state directory'}: its file system has no user extended attributes, which an overlay needs`,
      hint: otherStateHint(facts),
    };
  }
  return {
    code: 'ERR_OVERLAY',
    message: `cannot mount ${failure.path ?? 'the working directory'} copy-on-write: ${failure.errnoText}`,
    hint: [
      'Its file system, or that of the state directory, cannot be a layer of overlayfs. Nor can',
      'overlayfs itself, NFS, FUSE or directories with mount points inside. Use a working directory on',
      spoken`another file system (--workdir DIR), or another state directory (XDG_STATE_HOME=DIR).`,
    ].join('\n'),
  };
}

/** Why UDP cannot leave a sandbox: it needs a veth pair and a packet socket. */
export function udpObstacle(errno: string, errnoText: string): { why: string; fix: string } {
  switch (errno) {
    case 'EOPNOTSUPP':
      return {
        why: 'this kernel has no veth devices',
        fix: 'Load the module (CONFIG_VETH): sudo modprobe veth',
      };
    case 'EAFNOSUPPORT':
      return {
        why: 'this kernel has no packet sockets',
        fix: 'Load the module (CONFIG_PACKET): sudo modprobe af_packet',
      };
    case 'ENOSPC':
    case 'EUSERS':
      return {
        why: 'the limit on network namespaces is reached',
        fix: 'Raise it: sudo sysctl user.max_net_namespaces=1024',
      };
    default:
      return {
        why: `cannot create a second network namespace with a veth pair: ${errnoText}`,
        fix: 'Check what blocks it: a container, a security module or a seccomp filter.',
      };
  }
}

/** A port that is to be published is taken, or needs more rights. @param by who takes it, where that is not the option */
export function cannotBind(
  port: string,
  error: { readonly code: string; readonly message: string },
  by?: string,
) {
  const another = by === undefined ? spoken`--publish 8080:80` : '8080:80';
  return {
    message: `${by ?? spokenOption('--publish')}: can't bind port ${port}: ${error.message}`,
    hint:
      error.code === 'EACCES'
        ? `Only root can use ports below 1024. Use another: ${another}`
        : 'Use another port, or see which program has it: ss -ltnp',
  };
}

function adviseNetwork(failure: SetupFailure): Advice {
  if (failure.step === 'network' && failure.path === 'udp') {
    const { why, fix } = udpObstacle(failure.errno, failure.errnoText);
    return {
      code: 'ERR_KERNEL',
      message: `a rule allows UDP, but UDP cannot leave the sandbox: ${why}`,
      hint: spoken`${fix}\nTo allow only TCP: --net example.org/tcp`,
    };
  }
  if (failure.step === 'publish') {
    const { errno: code, errnoText: message, path = '' } = failure;
    return { code: 'ERR_USAGE', ...cannotBind(path, { code, message }) };
  }
  return {
    code: 'ERR_KERNEL',
    message: `this machine cannot enforce network rules: ${failure.errnoText}${failure.path ? ` (${failure.path})` : ''}`,
    hint: spoken`Network rules need Linux 6.7 with Landlock and seccomp notifications. Without rules, use --net none, or --net host for everything this machine can reach.`,
  };
}

function adviseStdio(failure: SetupFailure): Advice {
  const what = failure.path || 'a file of an unknown kind';
  if (failure.errno === 'EMEDIUMTYPE') {
    return {
      code: 'ERR_USAGE',
      message: `stdin, stdout or stderr is ${what}, not a file, pipe or terminal`,
      hint: 'The program could use it for more than reading and writing. Use a pipe: cat FILE | wasbox run … | cat\nOr close it: wasbox run … </dev/null',
    };
  }
  if (failure.errno === 'EROFS') {
    return {
      code: 'ERR_USAGE',
      message:
        'stdin, stdout or stderr is a read-only memfd, which the program could reopen for writing',
      hint: 'Seal it (F_SEAL_WRITE), or use a pipe: cat | wasbox run …',
    };
  }
  if (failure.errno === 'EISDIR') {
    return {
      code: 'ERR_USAGE',
      message:
        'stdin, stdout or stderr is a directory, which gives access to files outside the sandbox',
      hint: spoken`Redirect from a file, or mount the directory: --ro DIR`,
    };
  }
  if (failure.errno === 'EPROTOTYPE') {
    return {
      code: 'ERR_USAGE',
      message:
        'stdin, stdout or stderr is a network socket, which the program could connect to any address',
      hint: spoken`Use a pipe: cat | wasbox run \u2026 | cat\nOr allow the network: --net host`,
    };
  }
  return {
    code: 'ERR_SETUP',
    message: `cannot pass on ${failure.path ?? 'a standard stream'} safely: ${failure.errnoText}`,
    hint: 'Use a pipe: cat FILE | wasbox run … or wasbox run … | cat > FILE',
  };
}

const moved = (failure: SetupFailure): Advice => ({
  code: 'ERR_SETUP',
  message: `${failure.path ?? 'a path'} was replaced during sandbox setup`,
  hint: 'Nothing was started. Another process is changing that path; run the command again.',
});

function adviseOther(failure: SetupFailure): Advice {
  const where = failure.path === undefined ? '' : ` at ${failure.path}`;
  return {
    code: 'ERR_SETUP',
    message: `sandbox setup failed at step ${failure.step}${where}: ${failure.errnoText} (${failure.errno})`,
    hint: 'Nothing was started. To check this machine: wasbox doctor',
  };
}

/** Steps with words of their own for a call that is missing. */
const knowMissingCalls: ReadonlySet<string> = new Set([
  ...['namespaces', 'id-maps', 'mount-propagation'],
  ...['listener', 'network', 'publish', 'control'],
]);

const adviseMissingCall = (failure: SetupFailure, facts: HostFacts): Advice => ({
  code: 'ERR_KERNEL',
  message: `a system call that a sandbox needs is missing here (step ${failure.step})`,
  hint:
    userNamespaceHint({ ...facts, sysctls: {} }) ??
    'wasbox needs Linux 5.12 or newer, with the features that distributions enable.',
});

function adviseMountPoint(failure: SetupFailure): Advice {
  if (failure.errno === 'ELOOP') {
    return {
      code: 'ERR_PATH',
      message: `${failure.path ?? 'a mount point'} goes through a symbolic link inside the sandbox`,
      hint: 'Use the path that the link points to.',
    };
  }
  if (failure.errno !== 'ENOENT') return adviseOther(failure);
  return {
    code: 'ERR_PATH',
    message: `${failure.path ?? 'a mount point'} does not exist, and cannot be created`,
    hint: 'A mount point in the working directory or another host directory must exist.',
  };
}

function adviseImageLock(failure: SetupFailure): Advice {
  if (failure.errno !== 'EAGAIN') return adviseOther(failure);
  return {
    code: 'ERR_SETUP',
    message: 'the image is being removed by another process',
    hint: 'If you need it, pull it again: wasbox image pull',
  };
}

/** Errors of a process or a machine that has no more of something. They tell nothing of the step that wanted it. */
const shortages: ReadonlySet<string> = new Set(['EMFILE', 'ENFILE', 'ENOMEM']);

/** Message and hint for a step that failed. */
export function adviseSetupFailure(failure: SetupFailure, facts: HostFacts): Advice {
  const { kernel } = facts;
  // No sandbox works on such a kernel, whichever step failed first.
  if (kernel !== undefined && isBefore(kernel, 5, 12)) return adviseOldKernel(kernel);
  if (shortages.has(failure.errno)) return adviseOther(failure);
  if (failure.errno === 'ENOSYS' && !knowMissingCalls.has(failure.step))
    return adviseMissingCall(failure, facts);
  if (failure.errno === 'EFBIG')
    return {
      code: 'ERR_SETUP',
      message: 'the limit on the size of files (ulimit -f) is too small to start a sandbox',
      hint: 'Nothing was started. Raise it to 1 MiB or more: ulimit -f 1024',
    };
  switch (failure.step) {
    case 'namespaces':
    case 'id-maps':
    case 'mount-propagation':
      return adviseNamespaces(failure, facts);
    case 'capabilities':
      // Ubuntu's AppArmor allows the namespace, but without any capability in it.
      return failure.errno === 'EPERM' ? adviseNamespaces(failure, facts) : adviseOther(failure);
    case 'proc':
      return adviseProc(failure);
    case 'overlay':
      return adviseOverlay(failure, facts);
    case 'mount-point':
      return adviseMountPoint(failure);
    case 'bind':
    case 'workdir':
      return failure.errno === 'ESTALE' ? moved(failure) : adviseOther(failure);
    case 'listener':
      return {
        code: 'ERR_KERNEL',
        message: spoken`--ask does not work here: the kernel provides no listener for refused calls (${failure.errnoText})`,
        hint: spoken`It needs Linux 5.5, and no other sandbox around wasbox may have a listener. Without --ask, what the sandbox blocks stays blocked.`,
      };
    case 'network':
    case 'publish':
      return adviseNetwork(failure);
    case 'stdio':
      return adviseStdio(failure);
    case 'idmap-mount':
      return adviseIdmap(failure, facts);
    case 'control':
      return adviseControl(failure, facts);
    case 'image-lock':
      return adviseImageLock(failure);
    default:
      return adviseOther(failure);
  }
}
