/** Why a system call was refused, and what would allow it: the table's row, and what a use adds to it. */
import { loadsModule, type RefusalKind, syscall } from '../syscalls/index.js';

export interface RefusalAdvice {
  readonly kind: RefusalKind;
  readonly cause: string;
  /** Whether `--allow` makes it work; otherwise the kernel refuses it as well. */
  readonly allowable: boolean;
  /** What must hold beside the option, as a clause: `where kernel.x is 0`. */
  readonly proviso?: string | undefined;
  /** Conditions that `--allow` should have, so that it opens no more than was asked for. */
  readonly where: readonly string[];
}

type Args = Readonly<Record<string, string>>;

const files =
  /^(open|creat|access|faccess|stat|lstat|newfstat|readlink|unlink|rename|mkdir|rmdir|mknod|link|symlink|chmod|fchmod|chown|lchown|fchown|truncate|ftruncate|utime|futimes|chdir|[lf]?(set|get|remove|list)xattr|execve|inotify|name_to_handle)/;

/** Uses of an allowable call that the kernel refuses to a program without capabilities. */
function neverAllowed(call: string, args: Args): boolean {
  if (call === 'socket')
    return (
      /^AF_(UNIX|PACKET|KEY|XDP)$/.test(args.domain ?? '') ||
      (isInternet(args) && /^(SOCK_RAW|10)\b/.test(args.type ?? ''))
    );
  // A mount namespace is of no use where nothing can be mounted (Landlock): a sandbox in this one ends there.
  if (call === 'unshare' || call === 'clone')
    return !args.flags?.includes('CLONE_NEWUSER') || args.flags.includes('CLONE_NEWNS');
  if (call === 'ioctl') return /^(TIOCSTI|TIOCLINUX)$/.test(args.request ?? '');
  return call === 'prctl' && args.option === 'PR_SET_MM';
}

const isInternet = ({ domain }: Args): boolean => /^AF_INET6?$/.test(domain ?? '');

/** What is to be said of a use in other words than of the call: a row that fits it better. */
function useOf(call: string, args: Args): Partial<RefusalAdvice> | undefined {
  if (call === 'ioctl' && /^T[CI]/.test(args.request ?? ''))
    return {
      kind: 'terminal',
      cause: 'it would take over the terminal that you share with it',
    };
  if (call === 'ioctl' && /^FS_IOC_/.test(args.request ?? ''))
    return { cause: 'flags of a file are in no diff, and outlive the run' };
  if (call === 'prctl' && args.option === 'PR_SET_MM')
    return { cause: 'it rewrites what others see of a process' };
  if (call === 'setsockopt') return { proviso: whereModule };
  if (call !== 'socket' || args.domain === 'AF_NETLINK' || neverAllowed(call, args))
    return undefined;
  return { cause: loadsModule.risk, proviso: whereModule };
}

const whereModule = 'where the kernel has it';

/** Whose policy refused: the built-in one, one that was learned, or one with reasons of its own. */
export type PolicyOrigin = 'builtin' | 'learned' | 'own';

/** The cause of what a learned profile refuses and another run may teach it. */
export const unseen = 'the profile has not seen it';

const ownCause = 'your policy refuses it';

/** Flags of new namespaces, which no rule for new processes and threads should let in. */
const namespaces = '0x7e020000';

/** Conditions on these arguments of a call that say what was asked for. */
function conditionsOf(call: string, args: Args, names: readonly string[]): string[] {
  if (call === 'clone') return [];
  return names.flatMap((name) => {
    const value = args[name];
    if (value === undefined) return [];
    // Elsewhere a protocol says nothing beside its family.
    const vague = name === 'protocol' && args.domain !== 'AF_NETLINK' && !isInternet(args);
    if (vague) return [];
    return [`${name} == ${value}`];
  });
}

/**
 * What to say of a refused call.
 * @param byDefault whether the built-in policy allows this use; undefined where it is what refused it
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
    // An ordinary use, which the kernel does not refuse.
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
