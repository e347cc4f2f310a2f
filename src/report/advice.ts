/**
 * A step of the set-up that failed becomes a message and what to do about it. A pure
 * function of the step, the errno and a few facts about the host; shared by `run` and `doctor`.
 */
import type { ErrorCode } from '../errors/index.js';
import { type HostFacts, isBefore } from '../host/index.js';

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

/** An AppArmor profile that lets one program make user namespaces, ready to be pasted. */
function appArmorHint(node: string): string {
  return [
    'Ubuntu 23.10 and later forbid user namespaces to programs without an AppArmor profile.',
    'Allow it for the program that runs wasbox:',
    '  sudo tee /etc/apparmor.d/wasbox <<EOF',
    '  abi <abi/4.0>,',
    `  profile wasbox ${node} flags=(unconfined) {`,
    '    userns,',
    '  }',
    '  EOF',
    '  sudo apparmor_parser -r /etc/apparmor.d/wasbox',
    'or for every program, until the next boot:',
    '  sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0',
  ].join('\n');
}

const filterHint =
  'Something around wasbox forbids it: a filter of system calls, a security module, or a chroot, in which the kernel makes none.';

const containerHint = [
  'wasbox runs in a container, whose own filter forbids it. Start that container with, for instance:',
  '  docker run --security-opt seccomp=unconfined --security-opt apparmor=unconfined \\',
  '    --security-opt systempaths=unconfined …',
].join('\n');

/** What keeps user namespaces from this user, or undefined where nothing is known to. */
export function userNamespaceHint(facts: HostFacts): string | undefined {
  const value = (name: string) => facts.sysctls[name];
  if (value('kernel/unprivileged_userns_clone') === '0') {
    return 'Allow them: sudo sysctl kernel.unprivileged_userns_clone=1';
  }
  if (value('user/max_user_namespaces') === '0') {
    return 'Allow them: sudo sysctl user.max_user_namespaces=15000';
  }
  if (value('kernel/apparmor_restrict_unprivileged_userns') === '1' && !facts.root) {
    return appArmorHint(facts.node);
  }
  if (facts.container) return containerHint;
  return facts.filtered === true
    ? 'A filter of system calls around wasbox forbids it (seccomp, as by SystemCallFilter= or RestrictNamespaces= of systemd). Run wasbox outside of it.'
    : undefined;
}

/** What a kernel says of a call, a flag or a mount option that it does not know, or not to this user. */
const unknownToKernel: ReadonlySet<string> = new Set(['EINVAL', 'ENOSYS', 'EPERM', 'ENODEV']);

function adviseOldKernel(kernel: string): Advice {
  return {
    code: 'ERR_KERNEL',
    message: `Linux ${kernel} is too old: wasbox needs Linux 5.12 or newer`,
    hint: 'Overlays of ordinary users came with 5.11, id-mapped mounts with 5.12. Install a newer kernel.',
  };
}

function adviseIdmap(failure: SetupFailure, facts: HostFacts): Advice {
  const path = failure.path ?? 'a directory';
  if (failure.errno === 'E2BIG') {
    return {
      code: 'ERR_PATH',
      message: 'too many directories are shown: as root at most 200',
      hint: 'Show a directory that holds several of them.',
    };
  }
  if (failure.errno === 'EPERM' && facts.sysAdmin === false) {
    return {
      code: 'ERR_IDMAP',
      message:
        'root is without CAP_SYS_ADMIN here, which it takes to show its files to a payload that is not root',
      hint: [
        'Run wasbox as an ordinary user:',
        '  setpriv --reuid 1000 --regid 1000 --clear-groups wasbox run …',
        'or give root the capability: docker run --cap-add SYS_ADMIN …',
      ].join('\n'),
    };
  }
  return {
    code: 'ERR_IDMAP',
    message: `${path} cannot be shown to a payload that is not root: ${failure.errnoText}`,
    hint:
      failure.errno === 'EPERM'
        ? (userNamespaceHint(facts) ??
          'Something around wasbox forbids root to do so. Run wasbox as the ordinary user who owns the files.')
        : 'Its file system does not support id-mapped mounts. Run wasbox as the ordinary user who owns the files.',
  };
}

function adviseControl(failure: SetupFailure, facts: HostFacts): Advice {
  if (!unknownToKernel.has(failure.errno) && failure.errno !== 'EACCES')
    return adviseOther(failure);
  return {
    code: 'ERR_SETUP',
    message: `a sandbox and its supervisor cannot talk to each other: sendmsg(2) is forbidden here (${failure.errno})`,
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
      ? 'cannot create another user namespace, or one in it: a limit of this machine is reached'
      : 'this machine does not let you make user namespaces',
    hint:
      userNamespaceHint(facts) ??
      (full ? 'See the limits: grep . /proc/sys/user/max_*_namespaces' : filterHint),
  };
}

function adviseProc(failure: SetupFailure): Advice {
  if (failure.errno !== 'EPERM') return adviseOther(failure);
  return {
    code: 'ERR_PROC_MASKED',
    message: 'a fresh /proc cannot be mounted, because parts of the one here are hidden',
    hint: [
      'That is how containers hide them. Start the container with the whole of /proc:',
      '  docker run --security-opt systempaths=unconfined …     podman run --security-opt unmask=ALL …',
    ].join('\n'),
  };
}

/** tmpfs has the attributes that an overlay needs from Linux 6.6 on. */
const otherStateHint = ({ kernel }: HostFacts): string =>
  isBefore(kernel, 6, 6)
    ? 'Keep them on a disk (ext4, XFS, Btrfs), such as a volume of the container:\n  export XDG_STATE_HOME=DIR'
    : [
        'Keep them on another file system, such as a volume of the container, or for as long as it runs:',
        '  export XDG_STATE_HOME=$(mktemp -d -p /dev/shm)',
      ].join('\n');

function adviseOverlay(failure: SetupFailure, facts: HostFacts): Advice {
  if (failure.errno === 'ESTALE') return moved(failure);
  if (failure.errno === 'ENODEV') {
    return {
      code: 'ERR_KERNEL',
      message: 'this kernel has no overlayfs, which shows the working directory copy-on-write',
      hint: 'Load it: sudo modprobe overlay',
    };
  }
  if (facts.stateFileSystem !== undefined) {
    return {
      code: 'ERR_OVERLAY',
      message: `changes cannot be kept in ${facts.state}: ${facts.stateFileSystem} is no place for the upper layer of an overlay`,
      hint: otherStateHint(facts),
    };
  }
  if (failure.errno === 'EOPNOTSUPP') {
    return {
      code: 'ERR_OVERLAY',
      message: `changes cannot be kept in ${facts.state ?? 'the state directory'}: its file system has no user extended attributes, which an overlay needs`,
      hint: otherStateHint(facts),
    };
  }
  return {
    code: 'ERR_OVERLAY',
    message: `${failure.path ?? 'the working directory'} cannot be shown copy-on-write: ${failure.errnoText}`,
    hint: [
      'Its file system, or that of the state directory, cannot be a layer of overlayfs (overlayfs',
      'itself, NFS, FUSE and directories with mount points inside cannot). Work in a directory on',
      'another file system (--workdir DIR), or keep the state elsewhere (XDG_STATE_HOME=DIR).',
    ].join('\n'),
  };
}

/** Why there is no way out of a sandbox for UDP, which takes a veth pair and a packet socket. */
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
        fix: 'Look for what forbids it: a container, a security module or a seccomp filter.',
      };
  }
}

function adviseNetwork(failure: SetupFailure): Advice {
  if (failure.step === 'network' && failure.path === 'udp') {
    const { why, fix } = udpObstacle(failure.errno, failure.errnoText);
    return {
      code: 'ERR_KERNEL',
      message: `a rule allows UDP, but UDP cannot leave the sandbox: ${why}`,
      hint: `${fix}\nTo allow only TCP: --net example.org/tcp`,
    };
  }
  if (failure.step === 'publish') {
    return {
      code: 'ERR_USAGE',
      message: `--publish: port ${failure.path ?? ''} of this machine cannot be had: ${failure.errnoText}`,
      hint:
        failure.errno === 'EACCES'
          ? 'Ports below 1024 are root’s. Take another: --publish 8080:80'
          : 'Take another port, or find out who has it: ss -ltnp',
    };
  }
  return {
    code: 'ERR_KERNEL',
    message: `this machine cannot enforce network rules: ${failure.errnoText}${failure.path ? ` (${failure.path})` : ''}`,
    hint: 'Network rules need Linux 6.7 with Landlock and seccomp notifications. Without rules: --net none, or --net host for everything the host can reach.',
  };
}

function adviseStdio(failure: SetupFailure): Advice {
  const what = failure.path || 'something that cannot be told';
  if (failure.errno === 'EMEDIUMTYPE') {
    return {
      code: 'ERR_USAGE',
      message: `stdin, stdout or stderr is ${what}: no file, pipe or terminal, but a handle on something of this machine`,
      hint: 'A program that holds it could do more than read and write. Put a pipe between: cat FILE | wasbox run … | cat; or close it: wasbox run … </dev/null',
    };
  }
  if (failure.errno === 'EROFS') {
    return {
      code: 'ERR_USAGE',
      message:
        'stdin, stdout or stderr is a memfd opened for reading only, which the program could open again for writing',
      hint: 'Seal it (F_SEAL_WRITE), or put a pipe between: cat | wasbox run …',
    };
  }
  if (failure.errno === 'EISDIR') {
    return {
      code: 'ERR_USAGE',
      message: 'stdin, stdout or stderr is a directory, which would lead out of the sandbox',
      hint: 'Redirect from a file, or show the directory: --ro DIR',
    };
  }
  if (failure.errno === 'EPROTOTYPE') {
    return {
      code: 'ERR_USAGE',
      message:
        'stdin, stdout or stderr is a network socket, which the program could connect to anything',
      hint: 'Put a pipe between: cat | wasbox run … | cat; or give it the network: --net host',
    };
  }
  return {
    code: 'ERR_SETUP',
    message: `${failure.path ?? 'a standard stream'} cannot be passed on safely: ${failure.errnoText}`,
    hint: 'Use a pipe instead: cat FILE | wasbox run … or wasbox run … | cat > FILE',
  };
}

const moved = (failure: SetupFailure): Advice => ({
  code: 'ERR_SETUP',
  message: `${failure.path ?? 'a path'} was replaced while the sandbox was being made`,
  hint: 'Nothing was started. Somebody else is changing that path; run the command again.',
});

function adviseOther(failure: SetupFailure): Advice {
  const where = failure.path === undefined ? '' : ` at ${failure.path}`;
  return {
    code: 'ERR_SETUP',
    message: `the sandbox could not be made: step ${failure.step}${where}: ${failure.errnoText} (${failure.errno})`,
    hint: 'Nothing was started. wasbox doctor tells what this machine offers.',
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
    'wasbox needs Linux 5.12 or newer, with what distributions build into it.',
});

function adviseMountPoint(failure: SetupFailure): Advice {
  if (failure.errno === 'ELOOP') {
    return {
      code: 'ERR_PATH',
      message: `${failure.path ?? 'a mount point'} leads through a symbolic link inside the sandbox`,
      hint: 'Name the place that the link leads to.',
    };
  }
  if (failure.errno !== 'ENOENT') return adviseOther(failure);
  return {
    code: 'ERR_PATH',
    message: `${failure.path ?? 'a mount point'} does not exist, and cannot be made there`,
    hint: 'A place inside the working directory or a host directory must exist before something is shown there.',
  };
}

/** What to tell the user of a step that failed. */
export function adviseSetupFailure(failure: SetupFailure, facts: HostFacts): Advice {
  const { kernel } = facts;
  // No sandbox can be made there, so whatever failed first is no news.
  if (kernel !== undefined && isBefore(kernel, 5, 12)) return adviseOldKernel(kernel);
  if (failure.errno === 'ENOSYS' && !knowMissingCalls.has(failure.step))
    return adviseMissingCall(failure, facts);
  switch (failure.step) {
    case 'namespaces':
    case 'id-maps':
    case 'mount-propagation':
      return adviseNamespaces(failure, facts);
    case 'capabilities':
      // Ubuntu's AppArmor lets the namespace be made, without any capability in it.
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
        message: `nobody can be asked: the kernel gives no listener for what is refused (${failure.errnoText})`,
        hint: 'It is too old (Linux 5.5), or another sandbox around wasbox listens already. Without --ask the run is as closed as ever.',
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
    default:
      return adviseOther(failure);
  }
}
