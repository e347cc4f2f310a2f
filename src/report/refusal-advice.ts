/** Why a system call was refused, and what would allow it: the table's row, and what a use adds to it. */
import { loadsModule, type RefusalKind, syscall } from '../syscalls/index.js';

export interface RefusalAdvice {
  readonly kind: RefusalKind;
  readonly cause: string;
  /** True if `--allow` makes it work; otherwise the kernel refuses it too. */
  readonly allowable: boolean;
  /** The condition that the machine must have beside the option, as a clause: `if kernel.x is 0`. */
  readonly proviso?: string | undefined;
  /** Conditions for `--allow`, so that it allows no more than this use. */
  readonly where: readonly string[];
}

type Args = Readonly<Record<string, string>>;

const files =
  /^(open|creat|access|faccess|stat|lstat|newfstat|readlink|unlink|rename|mkdir|rmdir|mknod|link|symlink|chmod|fchmod|chown|lchown|fchown|truncate|ftruncate|utime|futimes|chdir|[lf]?(set|get|remove|list)xattr|execve|inotify|name_to_handle)/;

/** Uses of an allowable call that the kernel refuses without capabilities. */
function neverAllowed(call: string, args: Args): boolean {
  if (call === 'socket')
    return (
      /^AF_(UNIX|PACKET|KEY|XDP)$/.test(args.domain ?? '') ||
      (isInternet(args) && /^(SOCK_RAW|10)\b/.test(args.type ?? ''))
    );
  // A mount namespace is useless where Landlock blocks mounts: a nested sandbox fails there.
  if (call === 'unshare' || call === 'clone')
    return !args.flags?.includes('CLONE_NEWUSER') || args.flags.includes('CLONE_NEWNS');
  if (call === 'ioctl') return /^(TIOCSTI|TIOCLINUX)$/.test(args.request ?? '');
  return call === 'prctl' && args.option === 'PR_SET_MM';
}

const isInternet = ({ domain }: Args): boolean => /^AF_INET6?$/.test(domain ?? '');

/** Returns what differs for a use from the row of its call. */
function useOf(call: string, args: Args): Partial<RefusalAdvice> | undefined {
  if (call === 'ioctl' && /^T[CI]/.test(args.request ?? ''))
    return {
      kind: 'terminal',
      cause: 'it could take over the terminal that you share with the program',
    };
  if (call === 'ioctl' && /^FS_IOC_/.test(args.request ?? ''))
    return { cause: 'file flags remain after the run, and a diff does not show them' };
  if (call === 'prctl' && args.option === 'PR_SET_MM')
    return { cause: 'it changes what other processes see of this one' };
  if (call === 'setsockopt')
    return /^(IPPROTO|SOL)_TCP$/.test(args.level ?? '')
      ? { proviso: whereModule }
      : { cause: 'few programs need this option, and the kernel’s code behind it has had bugs' };
  // The first step of a sandbox inside this one: its next steps, unshare and chroot, are refused as well.
  if (call === 'clone') return { proviso: 'but a browser runs only with its own --no-sandbox' };
  if (call !== 'socket' || args.domain === 'AF_NETLINK' || neverAllowed(call, args))
    return undefined;
  return { cause: loadsModule.risk, proviso: whereModule };
}

const whereModule = 'if the kernel has it';

/** Says whose policy refused: the built-in one, a learned one, or the user's. */
export type PolicyOrigin = 'builtin' | 'learned' | 'own';

/** The cause for calls that a learned profile refuses and another run can teach it. */
export const unseen = 'the profile was learned without it';

const ownCause = 'your policy blocks it';

/** Flags of new namespaces, which a rule for processes and threads should not allow. */
const namespaces = '0x7e020000';

/** Conditions on these arguments that match this use. */
function conditionsOf(call: string, args: Args, names: readonly string[]): string[] {
  if (call === 'clone') {
    const made = args.flags?.match(/\bCLONE_NEW\w+/g) ?? [];
    return made.length === 0 ? [] : [`flags & ${namespaces} == ${made.join(' | ')}`];
  }
  if (/^send(to|msg|mmsg)$/.test(call)) return ['flags & MSG_OOB'];
  return names.flatMap((name) => {
    const value = args[name];
    if (value === undefined) return [];
    // For other families, the protocol adds nothing.
    const vague = name === 'protocol' && args.domain !== 'AF_NETLINK' && !isInternet(args);
    if (vague) return [];
    return [`${name} == ${value}`];
  });
}

/**
 * Why a call was refused, and what allows it.
 * @param byDefault whether the built-in policy allows this use; undefined if it refused it
 */
export function adviseRefusal(
  call: string,
  args: Args,
  origin: PolicyOrigin,
  byDefault = false,
): RefusalAdvice {
  const { refused: known } = syscall(call);
  const kind = known?.kind ?? (files.test(call) ? 'file' : 'call');
  if (origin !== 'builtin' && byDefault) {
    // An ordinary use, which the kernel allows.
    const where =
      call === 'clone'
        ? [`flags & ${namespaces} == 0`]
        : conditionsOf(call, args, known?.uses ?? []);
    const cause = origin === 'learned' ? unseen : ownCause;
    const plain = kind === 'namespace' ? 'process' : (useOf(call, args)?.kind ?? kind);
    return { kind: plain, cause, allowable: true, where };
  }
  const advice = {
    kind,
    cause: known?.risk ?? 'the built-in policy does not know this call',
    allowable: known?.allowable ?? true,
    proviso: known?.proviso,
    ...useOf(call, args),
  };
  return {
    ...advice,
    cause: origin === 'own' ? ownCause : advice.cause,
    allowable: advice.allowable && !neverAllowed(call, args),
    where: conditionsOf(call, args, known?.uses ?? []),
  };
}
