/**
 * A {@link SandboxSpec}, the compiled filter and what the kernel offers become the
 * bytes that init carries out. Nothing is decided here that the spec has not decided.
 */
import type { LoweredSpec, NamespaceName } from '../backend/index.js';
import { UsageError } from '../errors/index.js';
import type { IdentitySpec, TerminalMode } from '../resolve/index.js';
import { sizeWord } from './exec.js';
import { idMaps, writeIdRanges } from './ids.js';
import { landlockRuleset } from './landlock.js';
import { limitFields, writeResourceLimits } from './limits.js';
import { networkFields } from './network.js';
import { operation } from './operations.js';
import { refuseKeyCalls } from './refused-calls.js';
import {
  landlockRuleLayout,
  landlockRuleSize,
  opLayout,
  opSize,
  planLayout,
  planSize,
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
  WB_WATCH_DIRECTORIES,
  WB_WATCH_PATIENT,
  WB_WATCH_PORTS,
  WB_WATCH_REQUIRED,
  WB_WIRE_VERSION,
} from './wire.generated.js';
import { PlanWriter } from './writer.js';

export { uncountedCalls } from './watch.js';
export {
  stepNames,
  WB_NET_NAME_MAX,
  WB_NET_TCP,
  WB_NET_UDP,
} from './wire.generated.js';
export { type Fields, type FieldType, type Layout, PlanWriter, runIdMark } from './writer.js';

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

/** The inputs that a plan needs beside the spec. */
export interface PlanInputs {
  /** The filter: `struct sock_filter[]`. */
  readonly bpf: Uint8Array;
  /** The private root of a run without namespaces: the directory that holds all that it may write, {@link runIdMark} in it. */
  readonly privateRoot?: string | undefined;
  /** A second filter, loaded beside it: nothing is allowed that it refuses. */
  readonly guard?: Uint8Array | undefined;
  /** The value for the guard: {@link Filters.guardBehalf}. @default 0 */
  readonly guardBehalf?: number | undefined;
  /** The filter's watching variant (watch.ts), where refusals are to be told. */
  readonly watch?: Uint8Array | undefined;
  /** True for a session: nothing is executed at the start. @default false */
  readonly session?: boolean | undefined;
  /**
   * Protections to leave out. Only the tests use it, to show that a missing one is noticed; no
   * option leads here.
   * @internal
   */
  readonly without?: ReadonlySet<LayerName | NamespaceName | 'watch'> | undefined;
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

/** Protections that the plan leaves out, for tests. */
type Without = NonNullable<PlanInputs['without']>;

/** The filters as the plan has them; empty ones are not loaded. */
interface PlannedFilters {
  readonly bpf: Uint8Array;
  readonly guard: Uint8Array;
  readonly watch: Uint8Array;
}

function filtersOf(inputs: PlanInputs, without: Without): PlannedFilters {
  const none = new Uint8Array();
  if (without.has('seccomp')) return { bpf: none, guard: none, watch: none };
  const watch = without.has('watch') ? none : (inputs.watch ?? none);
  return { bpf: inputs.bpf, guard: inputs.guard ?? none, watch };
}

/** The bits WB_LAYER_*. */
function layerBits(
  lowered: LoweredSpec,
  without: Without,
  hasLandlock: boolean,
  { bpf, guard }: PlannedFilters,
): number {
  const { namespaces: own } = lowered;
  let layers = 0;
  for (const [name, flag] of Object.entries(layerFlags)) {
    if (name === 'landlock' ? hasLandlock : !without.has(name as LayerName)) layers |= flag;
  }
  if (!own.includes('mount') || hasWritableRoot(lowered)) layers &= ~WB_LAYER_READ_ONLY_ROOT;
  if (!own.includes('user')) layers &= ~WB_LAYER_QUOTAS;
  // Every key counts toward the 200 of a user, so a keyring is made only for who can use it. user_keyrings(7)
  if (refuseKeyCalls([bpf, guard])) layers &= ~WB_LAYER_KEYRING;
  return layers;
}

function namespaceBits({ namespaces: own }: LoweredSpec, without: Without): number {
  let namespaces = 0;
  for (const name of own) {
    if (!without.has(name)) namespaces |= namespaceFlags[name];
  }
  return namespaces >>> 0;
}

function writeOperations(writer: PlanWriter, { spec, operations }: LoweredSpec) {
  const context = { writer, spec };
  const ops = writer.reserve(operations.length * opSize);
  for (const [i, mount] of operations.entries()) {
    writer.fields(ops + i * opSize, opLayout, operation(context, mount));
  }
  return { ops, opCount: operations.length };
}

function writeLandlock(writer: PlanWriter, landlock: ReturnType<typeof landlockRuleset>) {
  const all = landlock?.rules ?? [];
  const rules = writer.reserve(all.length * landlockRuleSize);
  for (const [i, rule] of all.entries()) {
    const path = writer.string(rule.path);
    writer.fields(rules + i * landlockRuleSize, landlockRuleLayout, { path, access: rule.access });
  }
  return {
    rules,
    ruleCount: all.length,
    landlockFs: landlock?.handledFs ?? 0n,
    landlockNet: landlock?.handledNet ?? 0n,
    landlockScoped: landlock?.scoped ?? 0n,
  };
}

function writeProgram(writer: PlanWriter, { spec, namespaces: own }: LoweredSpec, uts: boolean) {
  const environment = Object.entries(spec.env).map(([name, value]) => `${name}=${value}`);
  const { identity, command } = spec;
  const ids = own.includes('user') ? idMaps(identity) : { uids: [], gids: [] };
  return {
    ids: idsMode(own, identity),
    uid: identity.uid,
    gid: identity.gid,
    uidRanges: writeIdRanges(writer, ids.uids),
    uidRangeCount: ids.uids.length,
    gidRanges: writeIdRanges(writer, ids.gids),
    gidRangeCount: ids.gids.length,
    argv: writer.vector(command.argv),
    argc: command.argv.length,
    envp: writer.vector(environment),
    envc: environment.length,
    execPath: writer.string(command.path),
    cwd: writer.string(spec.realCwd),
    hostname: uts && own.includes('uts') ? writer.string(spec.hostname) : 0,
    terminal: terminalModes[spec.terminal],
    terminalSize: sizeWord(spec.terminalSize),
  };
}

function writeFilters(
  writer: PlanWriter,
  { spec, privateRoot }: LoweredSpec,
  { bpf, guard, watch }: PlannedFilters,
  guardBehalf = 0,
) {
  // Nothing is started without a listener, then.
  const asks = spec.asking !== undefined;
  return {
    filter: bpf.length === 0 ? 0 : writer.bytes(bpf, 8),
    filterCount: bpf.length / 8,
    guard: guard.length === 0 ? 0 : writer.bytes(guard, 8),
    guardCount: guard.length / 8,
    guardBehalf: guard.length === 0 ? 0 : guardBehalf,
    watch: watch.length === 0 ? 0 : writer.bytes(watch, 8),
    watchCount: watch.length / 8,
    // A rename that the supervisor makes must not be made again, as after a signal. What is dialled may take long,
    // and a signal must end the wait.
    watchFlags:
      (asks || privateRoot !== undefined ? WB_WATCH_REQUIRED : 0) |
      (asks || spec.net !== 'rules' ? WB_WATCH_PATIENT : 0) |
      (spec.tellsPorts === true ? WB_WATCH_PORTS : 0) |
      (spec.policy.within === undefined ? WB_WATCH_DIRECTORIES : 0),
  };
}

/** Encodes a launch plan (wire.h). */
export function buildPlan(wanted: LoweredSpec, inputs: PlanInputs): Uint8Array {
  const without = inputs.without ?? new Set();
  const lowered = without.has('ipc') ? withoutQueues(wanted) : wanted;
  const { spec, privateRoot } = lowered;
  const count = Math.max(spec.command.argv.length, Object.keys(spec.env).length);
  const writer = new PlanWriter();
  const header = writer.reserve(planSize);
  const landlock = without.has('landlock') ? undefined : landlockRuleset(lowered);
  const filters = filtersOf(inputs, without);
  writer.fields(header, planLayout, {
    magic: WB_PLAN_MAGIC,
    version: WB_WIRE_VERSION,
    layers: layerBits(lowered, without, landlock !== undefined, filters),
    namespaces: namespaceBits(lowered, without),
    ...writeOperations(writer, lowered),
    ...writeResourceLimits(writer, spec),
    ...writeLandlock(writer, landlock),
    ...networkFields(writer, spec.network),
    ...writeProgram(writer, lowered, !without.has('uts')),
    ...writeFilters(writer, lowered, filters, inputs.guardBehalf),
    ...limitFields(spec),
    session: inputs.session === true ? 1 : 0,
    cgroup: spec.limits.cgroup === undefined ? 0 : writer.string(spec.limits.cgroup),
    privateRoot: privateRoot === undefined ? 0 : writer.string(privateRoot.path),
    imageLock: spec.image?.lock === undefined ? 0 : writer.string(spec.image.lock),
  });
  const { runIds } = writer;
  const places = writer.bytes(new Uint8Array(Uint32Array.from(runIds).buffer), 4);
  writer.fields(header, planLayout, { runIds: places, runIdCount: runIds.length });
  const plan = writer.finish();
  if (plan.length > WB_PLAN_MAX || count >= WB_ARGS_MAX) throw tooLong(count);
  new DataView(plan.buffer).setUint32(header + planLayout.size.offset, plan.length, true);
  return plan;
}
