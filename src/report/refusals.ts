/** Makes entries of the report from refused calls: each with its cause and the option that allows it. */
import {
  type RefusalRecords,
  type RefusedCall,
  readAddress,
  type SocketAddress,
} from '../native/index.js';
import { hostOption, shellQuote } from '../options/index.js';
import { type Guards, type Isolation, ownOf, type SandboxSpec } from '../resolve/index.js';
import { displayPath, displayText } from '../text/index.js';
import { causeEntries, type FileCause } from './file-causes.js';
import { splitLookups } from './lookups.js';
import { adviseRefusal, type RefusalAdvice, unseen } from './refusal-advice.js';
import {
  hostUnknown,
  noUnixSockets,
  type ReportRefusal,
  type ReportRefusals,
} from './refusal-types.js';
import { timeOf } from './time-of.js';

/** The facts that causes and options depend on. */
export interface RefusalContext {
  /** Says what isolated the run. @default 'namespaces' */
  readonly isolation?: Isolation | undefined;
  /** True if the run had the built-in policy. */
  readonly builtin: boolean;
  /** True if the payload's uid is 0 inside. */
  readonly insideRoot?: boolean | undefined;
  /** If the policy was learned: the words of the command that adds this run to it. */
  readonly learned?: readonly string[] | undefined;
  /** The guards, which refuse calls whatever the policy says. */
  readonly guards: Guards;
  /** The start from which times count, where an audit tells it; nanoseconds of CLOCK_MONOTONIC. */
  readonly startedNs?: number | undefined;
  /** True if the run had network rules: then net-guard.policy applies as well. */
  readonly netRules?: boolean | undefined;
}

function describeTarget(target: RefusedCall['target']): string | undefined {
  if (target === undefined) return undefined;
  if (target.type === 'address') return readAddress(target.bytes).text;
  if (target.type === 'name') return displayText(Buffer.from(target.bytes).toString('latin1'));
  return `${displayPath(target.bytes)}${target.truncated ? '…' : ''}`;
}

/** The option for an address; an IPv4-mapped address is IPv4. */
const optionFor = ({ host = '', port }: SocketAddress): string | undefined =>
  hostOption('address', host.replace(/^::ffff:(?=\d+\.)/, ''), port);

function network(refused: RefusedCall): Pick<ReportRefusal, 'kind' | 'cause' | 'option'> {
  const { target } = refused;
  const address = target?.type === 'address' ? readAddress(target.bytes) : undefined;
  const cause = 'the network is off';
  if (address?.port === 53) {
    return {
      kind: 'network',
      cause: `${cause} (it tried to look up a name: allow that with --net NAME)`,
      option: optionFor(address),
    };
  }
  const option = address?.host === undefined ? undefined : optionFor(address);
  return { kind: 'network', cause, option };
}

/** Returns what net-guard.policy refuses whatever the policy of the run says. */
function byNetGuard(
  { call, arguments: args, errno, target }: RefusedCall,
  { builtin, netRules = false }: RefusalContext,
): Pick<ReportRefusal, 'kind' | 'cause'> | undefined {
  const elsewhere = 'it could redirect a connection of this machine';
  // Standard streams that are sockets bring the guard without rules; the built-in policy allows these calls.
  const guarded = builtin || netRules;
  // The built-in policy refuses MSG_OOB with the same error. The report has sendto's address, not its flags.
  const fastOpen = call === 'sendto' ? target !== undefined : !args.flags?.includes('MSG_OOB');
  if (/^send(to|msg|mmsg)$/.test(call) && errno === 'EOPNOTSUPP' && fastOpen) {
    return { kind: 'network', cause: elsewhere };
  }
  const above = /^(IPPROTO|SOL)_TCP$/.test(args.level ?? '') && args.optname === '31'; // TCP_ULP, which the policy also refuses
  if (call === 'setsockopt' && guarded && (netRules || !above))
    return { kind: 'network', cause: elsewhere };
  if (call === 'io_uring_setup' && netRules) return { kind: 'network', cause: elsewhere };
  if (call === 'ioctl' && guarded && /^(SIOC|0x8[9b]..$)/.test(args.request ?? '')) {
    return { kind: 'network', cause: 'it reads or changes the network settings of this machine' };
  }
  return undefined;
}

/** Returns what Landlock isolation refuses, whatever the policy says; its other refusals look like a missing call. */
function byLandlock(
  { call, arguments: args, errno }: RefusedCall,
  { isolation }: RefusalContext,
): Pick<ReportRefusal, 'kind' | 'cause' | 'option'> | undefined {
  if (isolation === undefined || ownOf({ isolation }).tree || errno !== 'EPERM') return undefined;
  if (call === 'socket' && args.domain === 'AF_UNIX') {
    return { kind: 'socket', cause: noUnixSockets };
  }
  if (call === 'socket' && /^AF_INET6?$/.test(args.domain ?? '')) {
    return { kind: 'network', cause: hostUnknown };
  }
  if (unconfined.test(call)) {
    return {
      kind: 'file',
      cause: 'Landlock isolation cannot confine this call to files of the run',
    };
  }
  if (ofOthers.test(call)) {
    return {
      kind: 'process',
      cause: 'Landlock isolation cannot confine this call to processes of the run',
    };
  }
  return undefined;
}

const unconfined =
  /^(f?chmod|fchmodat2?|[fl]?chown|fchownat|f?utimes?|utimensat|futimesat|inotify_add_watch)$/;
const ofOthers = /^(setpriority|ioprio_set|sched_set\w+|prlimit64)$/;

function byPolicy(
  refused: RefusedCall,
  context: RefusalContext,
): Pick<ReportRefusal, 'kind' | 'cause' | 'option' | 'proviso'> {
  const { call, arguments: args, verdict } = refused;
  const bySole = byLandlock(refused, context);
  if (bySole !== undefined) return bySole;
  const byGuard = verdict?.guarded === false ? undefined : guardReason(refused, context);
  if (byGuard !== undefined) return byGuard;
  const learned = context.learned === undefined ? 'own' : 'learned';
  const origin = context.builtin ? 'builtin' : learned;
  const advice = adviseRefusal(call, args, origin, verdict?.byDefault);
  const { kind, cause, allowable } = advice;
  // Since Linux 5.12, mapping uid 0 of the parent namespace needs a capability there.
  const unmapped = context.insideRoot === true && /\bCLONE_NEWUSER\b/.test(args.flags ?? '');
  const proviso = advice.proviso ?? (unmapped ? "but root's id cannot be mapped in it" : undefined);
  if (!allowable || call.includes(' ')) return { kind, cause };
  const option = allowOption(call, advice);
  return proviso === undefined ? { kind, cause, option } : { kind, cause, option, proviso };
}

/** The option that allows this use of a call, and no more. */
export function allowOption(call: string, { where }: RefusalAdvice): string {
  const rule = [call, where.join(' and ')].filter(Boolean).join(' where ');
  return `--allow ${shellQuote(rule)}`;
}

/** The guard that refuses it beside the policy, if one does. */
function guardReason(
  refused: RefusedCall,
  context: RefusalContext,
): Pick<ReportRefusal, 'kind' | 'cause'> | undefined {
  const { call, arguments: args } = refused;
  const { guards, builtin } = context;
  const writable = displayText(guards.files.join(', '));
  if (writable !== '' && builtin && guardedCalls.test(call)) {
    const cause = `it would leave set-id bits on real files that the program can write (${writable})`;
    return { kind: 'file', cause };
  }
  if (writable !== '' && call === 'io_uring_setup') {
    const cause = `it bypasses every filter, and the program can write real files (${writable})`;
    return { kind: 'file', cause };
  }
  if (guards.terminal && call === 'ioctl' && /^T[CI]/.test(args.request ?? '')) {
    return {
      kind: 'terminal',
      cause: 'it would change the terminal that you share with the program',
    };
  }
  return byNetGuard(refused, context);
}

/** Returns the facts that causes and advice depend on, of a run's spec. */
export const refusalContext = (spec: SandboxSpec): RefusalContext => ({
  isolation: spec.isolation,
  builtin: spec.policy.builtin,
  insideRoot: spec.identity.uid === 0,
  learned: spec.policy.learned,
  guards: spec.guards,
  netRules: spec.net === 'rules',
});

/** Calls that set-id-guard.policy refuses and the built-in policy does not. */
const guardedCalls = /^(chmod|fchmod|fchmodat2?|open|openat|creat|mknod|mknodat)$/;

/** Files that a sandbox refuses unnoticed. */
const hiddenFiles = [
  'files and directories that are hidden or read-only (--audit lists them)',
  'ioctl requests that get ENOTTY (--audit lists them)',
];
const unwatched = [
  'limits (processes, open files, size of /tmp)',
  'addresses given to sendmsg and sendmmsg',
  'abstract sockets and signals that Landlock blocks',
  'calls that get ENOSYS, as on an older kernel',
];

/**
 * @param causes why files could not be used; undefined without an audit
 * @param services entries for servers of this machine
 */
export function reportRefusals(
  records: RefusalRecords,
  context: RefusalContext,
  causes?: readonly FileCause[] | undefined,
  services: readonly ReportRefusal[] = [],
): ReportRefusals {
  const { watched, reason, total, dropped } = records;
  const { startedNs } = context;
  const { lookups, others } = splitLookups(records.calls, startedNs);
  const calls = [
    ...lookups,
    ...others.map((refused): ReportRefusal => {
      const { call, count, errno, arguments: args } = refused;
      const why = errno === undefined ? network(refused) : byPolicy(refused, context);
      const target = describeTarget(refused.target);
      const at = timeOf(refused.lastNs, startedNs);
      return { call, target, arguments: args, count, errno, ...why, ...at };
    }),
    ...causeEntries(causes ?? []),
    ...services,
  ];
  const lacks = calls.some(({ cause }) => cause === unseen);
  // A word that has to be escaped would be another one when it is typed.
  const word = (text: string) => (displayText(text) === text ? shellQuote(text) : '…');
  const learn = lacks ? context.learned?.map(word).join(' ') : undefined;
  return {
    watched: watched ? 'all' : 'none',
    ...(reason === undefined ? {} : { reason }),
    unwatched: causes === undefined ? [...hiddenFiles, ...unwatched] : unwatched,
    total: total + [...(causes ?? []), ...services].reduce((sum, { count }) => sum + count, 0),
    dropped,
    calls,
    ...(learn === undefined ? {} : { learn }),
  };
}
