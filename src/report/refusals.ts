/**
 * What the payload was refused: records of the launch stage become entries of the
 * report, with a cause and the option that would have allowed it.
 */
import {
  type RefusalRecords,
  type RefusedCall,
  readAddress,
  type SocketAddress,
} from '../native/index.js';
import { shellQuote } from '../options/index.js';
import type { Guards } from '../resolve/index.js';
import type { RefusalKind } from '../syscalls/index.js';
import { displayPath, displayText } from '../text/index.js';
import { causeEntries, type FileCause } from './file-causes.js';
import { splitLookups } from './lookups.js';
import { adviseRefusal, unseen } from './refusal-advice.js';

/** One kind of refusal in a report. Every text is safe to print. */
export interface ReportRefusal {
  readonly kind: RefusalKind;
  readonly call: string;
  /** The path or address that it was about. */
  readonly target?: string | undefined;
  readonly arguments: Readonly<Record<string, string>>;
  readonly count: number;
  /** What the program was told; absent where the kernel refused by itself. */
  readonly errno?: string | undefined;
  readonly cause: string;
  /** The option of `wasbox run` that would have allowed it; absent where none does. */
  readonly option?: string | undefined;
  /** What must hold on the machine beside the option. */
  readonly proviso?: string | undefined;
}

export interface ReportRefusals {
  /** `all` that the policy refused, or `none`: then the run was refused things unseen. */
  readonly watched: 'all' | 'none';
  /** Why `watched` is `none`. */
  readonly reason?: string | undefined;
  /** What is refused without being listed here. */
  readonly unwatched: readonly string[];
  readonly total: number;
  readonly dropped: number;
  readonly calls: readonly ReportRefusal[];
  /** The command that adds what this run does to its profile; where that was learned and lacks something. */
  readonly learn?: string | undefined;
}

/** What decides about causes and options. */
export interface RefusalContext {
  /** Whether the run had the built-in policy. */
  readonly builtin: boolean;
  /** Whether the payload's uid is 0 inside. */
  readonly insideRoot?: boolean | undefined;
  /** Where the policy was learned: the words of the command that adds this run to it. */
  readonly learned?: readonly string[] | undefined;
  /** What was refused whatever the policy says, and why. */
  readonly guards: Guards;
  /** Whether rules say what the network reaches: then net-guard.policy is in force as well. */
  readonly netRules?: boolean | undefined;
}

function describeTarget(target: RefusedCall['target']): string | undefined {
  if (target === undefined) return undefined;
  if (target.type === 'address') return readAddress(target.bytes).text;
  if (target.type === 'name') return displayText(Buffer.from(target.bytes).toString('latin1'));
  return `${displayPath(target.bytes)}${target.truncated ? '…' : ''}`;
}

/** The rule of `--net` for an address; what programs write in an IPv6 form of IPv4 is IPv4. */
function ruleFor({ host = '', port }: SocketAddress): string {
  const plain = host.replace(/^::ffff:(?=\d+\.)/, '');
  if (port === undefined || port === 0) return plain;
  return plain.includes(':') ? `[${plain}]:${port}` : `${plain}:${port}`;
}

function network(refused: RefusedCall): Pick<ReportRefusal, 'kind' | 'cause' | 'option'> {
  const { target } = refused;
  const address = target?.type === 'address' ? readAddress(target.bytes) : undefined;
  const cause = 'the network is off';
  if (address?.port === 53) {
    return { kind: 'network', cause: `to look up a name; ${cause}`, option: '--net internet' };
  }
  const option = address?.host === undefined ? '--net host' : `--net ${ruleFor(address)}`;
  return { kind: 'network', cause, option };
}

/** What net-guard.policy refuses, whatever the policy of the run says. */
function byNetGuard(
  { call, arguments: args, errno }: RefusedCall,
  { builtin, netRules = false }: RefusalContext,
): Pick<ReportRefusal, 'kind' | 'cause'> | undefined {
  const elsewhere = 'it could lead a connection of the host’s elsewhere';
  // Standard streams that are sockets have the guard without rules; the built-in policy allows these.
  const guarded = builtin || netRules;
  if (/^send(to|msg|mmsg)$/.test(call) && errno === 'EOPNOTSUPP') {
    return { kind: 'network', cause: elsewhere };
  }
  const above = /^(IPPROTO|SOL)_TCP$/.test(args.level ?? '') && args.optname === '31'; // TCP_ULP, which the policy refuses as well
  if (call === 'setsockopt' && guarded && (netRules || !above))
    return { kind: 'network', cause: elsewhere };
  if (call === 'io_uring_setup' && netRules) return { kind: 'network', cause: elsewhere };
  if (call === 'ioctl' && guarded && /^(SIOC|0x8[9b]..$)/.test(args.request ?? '')) {
    return { kind: 'network', cause: 'it tells of the host’s network or changes it' };
  }
  return undefined;
}

function byPolicy(
  refused: RefusedCall,
  context: RefusalContext,
): Pick<ReportRefusal, 'kind' | 'cause' | 'option' | 'proviso'> {
  const { call, arguments: args, verdict } = refused;
  const byGuard = verdict?.guarded === false ? undefined : guardReason(refused, context);
  if (byGuard !== undefined) return byGuard;
  const learned = context.learned === undefined ? 'own' : 'learned';
  const origin = context.builtin ? 'builtin' : learned;
  const advice = adviseRefusal(call, args, origin, verdict?.byDefault);
  const { kind, cause, allowable } = advice;
  // Linux 5.12: whoever maps uid 0 of the namespace above needs a capability there, and has none.
  const unmapped = context.insideRoot === true && /\bCLONE_NEWUSER\b/.test(args.flags ?? '');
  const proviso = unmapped ? "though root's id cannot be mapped in it" : advice.proviso;
  if (!allowable || call.includes(' ')) return { kind, cause };
  const rule = [call, advice.where.join(' and ')].filter(Boolean).join(' where ');
  const option = `--allow ${shellQuote(rule)}`;
  return proviso === undefined ? { kind, cause, option } : { kind, cause, option, proviso };
}

/** What stands beside the policy refuses it, if anything does. */
function guardReason(
  refused: RefusedCall,
  context: RefusalContext,
): Pick<ReportRefusal, 'kind' | 'cause'> | undefined {
  const { call, arguments: args } = refused;
  const { guards, builtin } = context;
  const writable = displayText(guards.files.join(', '));
  if (writable !== '' && builtin && guardedCalls.test(call)) {
    const cause = `set-id bits would stay on host files that the program can write to (${writable})`;
    return { kind: 'file', cause };
  }
  if (writable !== '' && call === 'io_uring_setup') {
    const cause = `it bypasses every filter, and the program can write to host files (${writable})`;
    return { kind: 'file', cause };
  }
  if (guards.terminal && call === 'ioctl' && /^T[CI]/.test(args.request ?? '')) {
    return {
      kind: 'terminal',
      cause: 'the program shares your terminal, and this would change it',
    };
  }
  return byNetGuard(refused, context);
}

/** Calls that set-id-guard.policy refuses and the built-in policy does not. */
const guardedCalls = /^(chmod|fchmod|fchmodat2?|open|openat|creat|mknod|mknodat)$/;

/** What a sandbox refuses without anybody hearing of it. */
const hiddenFiles = [
  'files and directories that are hidden or read-only (--audit tells which)',
  'ioctl requests that get the answer of a file that does not know them, ENOTTY (--audit tells which)',
];
const unwatched = [
  'limits (processes, open files, memory of /tmp)',
  'addresses given to sendmsg and sendmmsg',
  'abstract sockets and signals that Landlock keeps inside',
  'calls that the policy tells to be missing (ENOSYS), as for programs on an older kernel',
];

/** @param causes beyond the filter; undefined where nobody watched for them */
export function reportRefusals(
  records: RefusalRecords,
  context: RefusalContext,
  causes?: readonly FileCause[] | undefined,
): ReportRefusals {
  const { watched, reason, total, dropped } = records;
  const { lookups, others } = splitLookups(records.calls);
  const calls = [
    ...lookups,
    ...others.map((refused): ReportRefusal => {
      const { call, count, errno, arguments: args } = refused;
      const why = errno === undefined ? network(refused) : byPolicy(refused, context);
      const target = describeTarget(refused.target);
      return { call, target, arguments: args, count, errno, ...why };
    }),
    ...causeEntries(causes ?? []),
  ];
  const lacks = calls.some(({ cause }) => cause === unseen);
  // What cannot be printed as it is would be another word when it is typed.
  const word = (text: string) => (displayText(text) === text ? shellQuote(text) : '…');
  const learn = lacks ? context.learned?.map(word).join(' ') : undefined;
  return {
    watched: watched ? 'all' : 'none',
    ...(reason === undefined ? {} : { reason }),
    unwatched: causes === undefined ? [...hiddenFiles, ...unwatched] : unwatched,
    total: total + (causes ?? []).reduce((sum, { count }) => sum + count, 0),
    dropped,
    calls,
    ...(learn === undefined ? {} : { learn }),
  };
}
