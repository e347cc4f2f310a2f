/**
 * A {@link SandboxSpec}, the compiled filter and what the kernel offers become the
 * bytes that init carries out. Nothing is decided here that the spec has not decided.
 */
import type { LoweredSpec, NamespaceName } from '../backend/index.js';
import { UsageError } from '../errors/index.js';
import type { IdentitySpec, SandboxSpec, TerminalMode } from '../resolve/index.js';
import { sizeWord } from './exec.js';
import { idMaps, writeIdRanges } from './ids.js';
import { landlockRuleset } from './landlock.js';
import { networkFields } from './network.js';
import { hasLayer, operation } from './operations.js';
import { refuseKeyCalls } from './refused-calls.js';
import {
  landlockRuleLayout,
  landlockRuleSize,
  opLayout,
  opSize,
  planLayout,
  planSize,
  rlimitLayout,
  rlimitSize,
  WB_ARGS_MAX,
  WB_IDS_DROPPED,
  WB_IDS_KEPT,
  WB_IDS_NESTED,
  WB_IDS_PRIVILEGED,
  WB_IDS_SELF,
  WB_LAYER_CAPABILITIES,
  WB_LAYER_CLOSE_FDS,
  WB_LAYER_DUMPABLE,
  WB_LAYER_KEYRING,
  WB_LAYER_LANDLOCK,
  WB_LAYER_NO_NEW_PRIVS,
  WB_LAYER_QUOTAS,
  WB_LAYER_READ_ONLY_ROOT,
  WB_LAYER_SECCOMP,
  WB_LAYER_SESSION,
  WB_PLAN_MAGIC,
  WB_PLAN_MAX,
  WB_TERMINAL_ALWAYS,
  WB_TERMINAL_AUTO,
  WB_TERMINAL_NEVER,
  WB_WATCH_PATIENT,
  WB_WATCH_PORTS,
  WB_WATCH_REQUIRED,
  WB_WIRE_VERSION,
} from './wire.generated.js';
import { PlanWriter } from './writer.js';

export { onlyPlace } from './template.js';
export { uncountedCalls } from './watch.js';
export {
  stepNames,
  WB_NET_NAME_MAX,
  WB_NET_TCP,
  WB_NET_UDP,
} from './wire.generated.js';
export { type Fields, type FieldType, type Layout, PlanWriter } from './writer.js';

/** clone(2) flags of the namespaces that a run has to itself. */
const namespaceFlags = {
  mount: 0x00020000,
  cgroup: 0x02000000,
  uts: 0x04000000,
  ipc: 0x08000000,
  user: 0x10000000,
  pid: 0x20000000,
  net: 0x40000000,
} as const satisfies Record<NamespaceName, number>;

const layerFlags = {
  seccomp: WB_LAYER_SECCOMP,
  landlock: WB_LAYER_LANDLOCK,
  capabilities: WB_LAYER_CAPABILITIES,
  'no-new-privs': WB_LAYER_NO_NEW_PRIVS,
  descriptors: WB_LAYER_CLOSE_FDS,
  session: WB_LAYER_SESSION,
  keyring: WB_LAYER_KEYRING,
  dumpable: WB_LAYER_DUMPABLE,
  'read-only-root': WB_LAYER_READ_ONLY_ROOT,
  quotas: WB_LAYER_QUOTAS,
} as const;

export type LayerName = keyof typeof layerFlags;

const terminalModes: Readonly<Record<TerminalMode, number>> = {
  never: WB_TERMINAL_NEVER,
  auto: WB_TERMINAL_AUTO,
  always: WB_TERMINAL_ALWAYS,
};

/** What a plan needs beside the spec. */
export interface PlanInputs {
  /** The filter: `struct sock_filter[]`. */
  readonly bpf: Uint8Array;
  /** Of a run without namespaces: the directory that holds all that it may write. */
  readonly privateRoot?: string | undefined;
  /** A second filter, loaded beside it: nothing is allowed that it refuses. */
  readonly guard?: Uint8Array | undefined;
  /** Of the guard: {@link Filters.guardBehalf}. @default 0 */
  readonly guardBehalf?: number | undefined;
  /** The filter's watching variant (watch.ts), where refusals are to be told. */
  readonly watch?: Uint8Array | undefined;
  /** Directories that hold `upper` and `work`, one for each operation that writes to one, in their order. */
  readonly layers: readonly string[];
  /** Of a session: nothing is executed at the start. @default false */
  readonly session?: boolean | undefined;
  /**
   * Protections to leave out. Only the tests use it, to show that a missing one is noticed; no
   * option leads here.
   * @internal
   */
  readonly without?: ReadonlySet<LayerName | NamespaceName | 'watch'> | undefined;
}

const RLIMIT_FSIZE = 1;
const RLIMIT_CORE = 4;
const RLIMIT_NPROC = 6;
const RLIMIT_NICE = 13;
const RLIMIT_RTPRIO = 14;
const RLIMIT_NOFILE = 7;
const RLIMIT_MEMLOCK = 8;
const RLIMIT_SIGPENDING = 11;
const RLIMIT_MSGQUEUE = 12;

function resourceLimits(spec: SandboxSpec): [resource: number, limit: number][] {
  // 1, not 0: with 0 the kernel still starts a crash handler that core_pattern pipes to, as root of
  // the host, with the payload's memory (fs/coredump.c); with 1 it does not, nor writes a file.
  // No priority above others, even where the caller may: a busy loop would take the machine.
  const limits: [number, number][] = [
    [RLIMIT_CORE, 1],
    [RLIMIT_NICE, 0],
    [RLIMIT_RTPRIO, 0],
    // The kernel counts these for each user, namespaces or not: a part of what is usual (8 MiB of
    // locked memory, tens of thousands of signals and timers, 800 kB of message queues).
    [RLIMIT_MEMLOCK, 4 * 1024 ** 2],
    [RLIMIT_SIGPENDING, 4096],
    [RLIMIT_MSGQUEUE, 409_600],
  ];
  if (spec.limits.processes !== undefined) limits.push([RLIMIT_NPROC, spec.limits.processes]);
  if (spec.limits.openFiles !== undefined) limits.push([RLIMIT_NOFILE, spec.limits.openFiles]);
  if (spec.limits.fileSizeBytes !== undefined)
    limits.push([RLIMIT_FSIZE, spec.limits.fileSizeBytes]);
  return limits;
}

/** Message queues belong to an ipc namespace of the sandbox's own. */
function withoutQueues(lowered: LoweredSpec): LoweredSpec {
  const { spec, operations } = lowered;
  const queues = operations.filter(({ type }) => type === 'mqueue').map(({ target }) => target);
  return {
    ...lowered,
    spec: { ...spec, writable: spec.writable.filter((path) => !queues.includes(path)) },
    operations: operations.filter(({ target }) => !queues.includes(target)),
  };
}

function hasWritableRoot({ operations: [first] }: LoweredSpec): boolean {
  return first?.type === 'overlay' && first.target === '/' && first.readOnly !== true;
}

function idsMode(own: readonly NamespaceName[], { privileged, hostUid }: IdentitySpec): number {
  if (!own.includes('user')) return privileged ? WB_IDS_DROPPED : WB_IDS_KEPT;
  if (privileged) return WB_IDS_PRIVILEGED;
  return hostUid === 0 ? WB_IDS_NESTED : WB_IDS_SELF;
}

/** Init refuses such a plan, too, but cannot say what is too long. */
const tooLong = (count: number): UsageError =>
  new UsageError(
    'ERR_OPTION_VALUE',
    count >= WB_ARGS_MAX
      ? `too many arguments or variables: ${count} (at most ${WB_ARGS_MAX - 1})`
      : `the command is too long: more than ${WB_PLAN_MAX / 1024 ** 2} MiB with its script, arguments and environment`,
    { hint: 'Pass large data through a file or stdin.' },
  );

/** Encodes a launch plan (wire.h). */
export function buildPlan(wanted: LoweredSpec, inputs: PlanInputs): Uint8Array {
  const without = inputs.without ?? new Set();
  const lowered = without.has('ipc') ? withoutQueues(wanted) : wanted;
  const { spec, namespaces: own, operations, privateRoot } = lowered;
  const count = Math.max(spec.command.argv.length, Object.keys(spec.env).length);
  const writer = new PlanWriter();
  const header = writer.reserve(planSize);
  const landlock = without.has('landlock') ? undefined : landlockRuleset(lowered);
  const none = new Uint8Array();
  const bpf = without.has('seccomp') ? none : inputs.bpf;
  const guard = without.has('seccomp') ? none : (inputs.guard ?? none);
  const unwatched = without.has('seccomp') || without.has('watch');
  const watch = unwatched ? none : (inputs.watch ?? none);

  let layers = 0;
  for (const [name, flag] of Object.entries(layerFlags)) {
    if (name === 'landlock' ? landlock !== undefined : !without.has(name as LayerName))
      layers |= flag;
  }
  if (!own.includes('mount') || hasWritableRoot(lowered)) layers &= ~WB_LAYER_READ_ONLY_ROOT;
  if (!own.includes('user')) layers &= ~WB_LAYER_QUOTAS;
  // Every key counts toward the 200 of a user, so a keyring is made only for who can use it. user_keyrings(7)
  if (refuseKeyCalls([bpf, guard])) layers &= ~WB_LAYER_KEYRING;
  let namespaces = 0;
  for (const name of own) {
    if (!without.has(name)) namespaces |= namespaceFlags[name];
  }

  const context = { writer, spec };
  const layerDirectories = [...inputs.layers];
  const ops = writer.reserve(operations.length * opSize);
  for (const [i, mount] of operations.entries()) {
    const layer = hasLayer(mount) ? layerDirectories.shift() : undefined;
    writer.fields(ops + i * opSize, opLayout, operation(context, mount, layer));
  }
  const limits = resourceLimits(spec);
  const rlimits = writer.reserve(limits.length * rlimitSize);
  for (const [i, [resource, limit]] of limits.entries()) {
    writer.fields(rlimits + i * rlimitSize, rlimitLayout, { resource, soft: limit, hard: limit });
  }
  const rulesOfLandlock = landlock?.rules ?? [];
  const rules = writer.reserve(rulesOfLandlock.length * landlockRuleSize);
  for (const [i, rule] of rulesOfLandlock.entries()) {
    const path = writer.string(rule.path);
    writer.fields(rules + i * landlockRuleSize, landlockRuleLayout, { path, access: rule.access });
  }
  const environment = Object.entries(spec.env).map(([name, value]) => `${name}=${value}`);
  const { identity } = spec;
  const ids = own.includes('user') ? idMaps(identity) : { uids: [], gids: [] };
  // Without a listener nothing is started, then.
  const asks = spec.asking !== undefined;
  const network = networkFields(writer, spec.network);
  writer.fields(header, planLayout, {
    magic: WB_PLAN_MAGIC,
    version: WB_WIRE_VERSION,
    layers,
    namespaces: namespaces >>> 0,
    ids: idsMode(own, identity),
    uid: identity.uid,
    gid: identity.gid,
    uidRanges: writeIdRanges(writer, ids.uids),
    uidRangeCount: ids.uids.length,
    gidRanges: writeIdRanges(writer, ids.gids),
    gidRangeCount: ids.gids.length,
    ops,
    opCount: operations.length,
    argv: writer.ownVector(spec.command.argv),
    argc: spec.command.argv.length,
    envp: writer.vector(environment),
    envc: environment.length,
    execPath: writer.string(spec.command.path),
    cwd: writer.string(spec.realCwd),
    hostname: without.has('uts') || !own.includes('uts') ? 0 : writer.string(spec.hostname),
    filter: bpf.length === 0 ? 0 : writer.bytes(bpf, 8),
    filterCount: bpf.length / 8,
    guard: guard.length === 0 ? 0 : writer.bytes(guard, 8),
    guardCount: guard.length / 8,
    guardBehalf: guard.length === 0 ? 0 : (inputs.guardBehalf ?? 0),
    terminal: terminalModes[spec.terminal],
    watch: watch.length === 0 ? 0 : writer.bytes(watch, 8),
    watchCount: watch.length / 8,
    // A rename that the supervisor makes must not be made again, as after a signal. What is dialled may take long,
    // and a signal must end the wait.
    watchFlags:
      (asks || privateRoot !== undefined ? WB_WATCH_REQUIRED : 0) |
      (asks || spec.net !== 'rules' ? WB_WATCH_PATIENT : 0) |
      (spec.tellsPorts === true ? WB_WATCH_PORTS : 0),
    rlimits,
    rlimitCount: limits.length,
    rules,
    ruleCount: rulesOfLandlock.length,
    ...network,
    landlockFs: landlock?.handledFs ?? 0n,
    landlockNet: landlock?.handledNet ?? 0n,
    landlockScoped: landlock?.scoped ?? 0n,
    privateBytes: spec.limits.privateBytes,
    privateInodes: spec.limits.privateInodes,
    memoryBytes: spec.limits.memoryBytes ?? 0,
    cpuUs: (spec.limits.cpuMs ?? 0) * 1000,
    diskBytes: spec.limits.diskBytes ?? 0,
    diskInodes: spec.limits.inodes ?? 0,
    outputBytes: spec.limits.outputBytes ?? 0,
    processes: spec.limits.processes ?? 0,
    openFiles: spec.limits.openFiles ?? 0,
    session: inputs.session === true ? 1 : 0,
    cgroup: spec.limits.cgroup === undefined ? 0 : writer.string(spec.limits.cgroup),
    privateRoot: privateRoot === undefined ? 0 : writer.string(privateRoot.path),
    terminalSize: sizeWord(spec.terminalSize),
    imageLock: spec.image?.lock === undefined ? 0 : writer.string(spec.image.lock),
  });
  const plan = writer.finish();
  if (plan.length > WB_PLAN_MAX || count >= WB_ARGS_MAX) throw tooLong(count);
  new DataView(plan.buffer).setUint32(header + planLayout.size.offset, plan.length, true);
  return plan;
}
