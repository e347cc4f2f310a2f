import { describe, expect, it } from 'vitest';
import { namespaceBackend } from '../../../src/backend/index.js';
import { buildPlan as encodePlan, type PlanInputs } from '../../../src/plan/index.js';
import { landlockRuleset as rulesetOf } from '../../../src/plan/landlock.js';
import {
  idRangeLayout,
  idRangeSize,
  landlockRuleLayout,
  landlockRuleSize,
  lowerLayout,
  lowerSize,
  opLayout,
  opSize,
  planLayout,
  planSize,
  WB_IDS_KEPT,
  WB_IDS_PRIVILEGED,
  WB_IDS_SELF,
  WB_LAYER_LANDLOCK,
  WB_LAYER_QUOTAS,
  WB_LAYER_READ_ONLY_ROOT,
  WB_LAYER_SECCOMP,
  WB_OP_BIND,
  WB_OP_CHECK_IDENTITY,
  WB_OP_HANDED_OVER,
  WB_OP_IDMAP,
  WB_OP_IS_DIRECTORY,
  WB_OP_OVERLAY,
  WB_OP_READ_ONLY,
  WB_PLAN_MAGIC,
} from '../../../src/plan/wire.generated.js';
import type { Layout } from '../../../src/plan/writer.js';
import type { SandboxSpec, View } from '../../../src/resolve/index.js';
import { passedView } from '../../../src/resolve/views.js';

const spec: SandboxSpec = {
  isolation: 'namespaces',
  command: { path: '/usr/bin/env', argv: ['env', '-0', 'ä'], display: 'env' },
  identity: {
    uid: 1000,
    gid: 100,
    hostUid: 1000,
    hostGid: 100,
    count: 1,
    name: 'u',
    home: '/home/u',
    idmap: false,
    privileged: false,
  },
  hostname: 'wasbox',
  cwd: '/home/u/project',
  realCwd: '/home/u/project',
  views: [
    {
      type: 'host',
      source: '/usr',
      target: '/usr',
      access: 'read',
      persistence: 'host',
      directory: true,
      origin: 'system',
    },
    {
      type: 'host',
      source: '/home/u/tool',
      target: '/home/u/tool',
      access: 'read',
      persistence: 'host',
      directory: false,
      origin: 'user',
      // major 259, minor 1048577: both beyond what the old 16-bit encoding holds
      identity: {
        dev: ((259n & 0xfffn) << 8n) | (0x100001n & 0xffn) | ((0x100001n & ~0xffn) << 12n),
        ino: 7n,
      },
    },
    {
      type: 'host',
      source: '/home/u/project',
      target: '/home/u/project',
      access: 'copy-on-write',
      persistence: 'kept',
      directory: true,
      origin: 'workdir',
    },
    { type: 'device', name: 'null', target: '/dev/null' },
    {
      type: 'private',
      target: '/tmp',
      access: 'write',
      persistence: 'private',
      mode: 0o1777,
      origin: 'system',
    },
    {
      type: 'file',
      target: '/run/x',
      content: new TextEncoder().encode('script'),
      mode: 0o444,
    },
  ],
  writable: ['/home/u/project', '/tmp', '/dev/null'],
  net: 'none',
  env: { PATH: '/usr/bin', EMPTY: '' },
  limits: {
    timeoutMs: undefined,
    graceMs: 2000,
    processes: 10,
    openFiles: undefined,
    cpuMs: 3000,
    memoryBytes: 1 << 26,
    fileSizeBytes: 1 << 23,
    diskBytes: 1 << 24,
    inodes: 1000,
    outputBytes: undefined,
    privateBytes: 1 << 20,
    privateInodes: 100,
    cgroup: '/sys/fs/cgroup/user',
  },
  policy: { name: 'default', builtin: true, text: undefined, includes: {} },
  guards: { files: [], terminal: false, sockets: false },
  terminal: 'never',
  landlockAbi: 6,
  state: { directory: '/state', named: '/state', paths: ['/state'] },
  changes: 'keep',
  notes: [],
};

const inputs: PlanInputs = {
  bpf: new Uint8Array([6, 0, 0, 0, 0, 0, 255, 127]),
};

const buildPlan = (wanted: SandboxSpec, given: PlanInputs) =>
  encodePlan(namespaceBackend.lower(wanted), given);
const landlockRuleset = (wanted: SandboxSpec) => rulesetOf(namespaceBackend.lower(wanted));

class Reader {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }
  field(at: number, layout: Layout, name: string): bigint {
    const field = layout[name];
    if (field === undefined) throw new Error(`no field ${name}`);
    const offset = at + field.offset;
    if (field.type === 'uint64') return this.view.getBigUint64(offset, true);
    return BigInt(this.view.getUint32(offset, true));
  }
  header(name: keyof typeof planLayout): number {
    return Number(this.field(0, planLayout, name));
  }
  op(index: number, name: keyof typeof opLayout): number {
    return Number(this.field(this.header('ops') + index * opSize, opLayout, name));
  }
  string(offset: number): string {
    const end = this.bytes.indexOf(0, offset);
    return new TextDecoder().decode(this.bytes.subarray(offset, end));
  }
  vector(offset: number, count: number): string[] {
    expect(offset % 8).toBe(0);
    expect(this.view.getBigUint64(offset + count * 8, true)).toBe(0n);
    return Array.from({ length: count }, (_, i) =>
      this.string(Number(this.view.getBigUint64(offset + i * 8, true))),
    );
  }
}

describe('buildPlan', () => {
  const plan = new Reader(buildPlan(spec, inputs));

  it('writes a header that describes the whole', () => {
    expect(plan.header('magic')).toBe(WB_PLAN_MAGIC);
    expect(plan.header('size')).toBe(plan.bytes.length);
    expect(plan.bytes.at(-1)).toBe(0);
    expect(plan.header('ids')).toBe(WB_IDS_SELF);
    expect(plan.header('opCount')).toBe(spec.views.length);
    expect(planSize % 8).toBe(0);
    for (const section of ['ops', 'argv', 'envp', 'filter', 'rlimits', 'rules'] as const) {
      expect(plan.header(section) % 8, section).toBe(0);
    }
  });

  it('keeps arguments and environment apart and whole', () => {
    expect(plan.vector(plan.header('argv'), plan.header('argc'))).toEqual(['env', '-0', 'ä']);
    expect(plan.vector(plan.header('envp'), plan.header('envc'))).toEqual([
      'PATH=/usr/bin',
      'EMPTY=',
    ]);
  });

  it('refuses text that holds a NUL rather than cut it', () => {
    const bad = { ...spec, command: { ...spec.command, argv: ['a\0b'] } };
    expect(() => buildPlan(bad, inputs)).toThrow(RangeError);
  });

  it('splits device numbers as makedev(3) joins them', () => {
    const at = plan.header('ops') + opSize;
    expect(plan.field(at, opLayout, 'device')).toBe((259n << 32n) | 0x100001n);
    expect(plan.field(at, opLayout, 'inode')).toBe(7n);
    expect(plan.field(plan.header('ops') + 3 * opSize, opLayout, 'device')).toBe((1n << 32n) | 3n);
  });

  it('leaves the layer of an overlay to its operation', () => {
    expect(plan.op(2, 'kind')).toBe(WB_OP_OVERLAY);
    expect(plan.string(plan.op(2, 'layer'))).toBe('layers/0');
  });

  it('lets a privileged supervisor open what is not the system’s', () => {
    const root = {
      ...spec,
      identity: { ...spec.identity, idmap: true, privileged: true, count: 65536 },
    };
    const privileged = new Reader(buildPlan(root, inputs));
    expect(privileged.header('ids')).toBe(WB_IDS_PRIVILEGED);
    expect(privileged.op(0, 'kind')).toBe(WB_OP_BIND);
    expect(privileged.op(0, 'flags')).toBe(WB_OP_READ_ONLY | WB_OP_IS_DIRECTORY);
    expect(privileged.op(1, 'flags') & WB_OP_IDMAP).toBe(WB_OP_IDMAP);
    expect(privileged.op(2, 'flags') & WB_OP_HANDED_OVER).toBe(WB_OP_HANDED_OVER);
    expect(plan.op(1, 'flags') & (WB_OP_IDMAP | WB_OP_HANDED_OVER)).toBe(0);
  });

  it('leaves a protection out only where a test says so', () => {
    const weak = new Reader(buildPlan(spec, { ...inputs, without: new Set(['seccomp', 'net']) }));
    expect(plan.header('layers') & WB_LAYER_SECCOMP).toBe(WB_LAYER_SECCOMP);
    expect(weak.header('layers') & WB_LAYER_SECCOMP).toBe(0);
    expect(weak.header('filterCount')).toBe(0);
    expect(plan.header('namespaces') - weak.header('namespaces')).toBe(0x40000000);
  });

  it('has one line in each id map: a range from 0 on, or the payload itself', () => {
    const ranges = (of: Reader, name: 'uid' | 'gid') =>
      Array.from({ length: of.header(`${name}RangeCount`) }, (_, i) =>
        (['inside', 'outside', 'count'] as const).map((field) =>
          Number(of.field(of.header(`${name}Ranges`) + i * idRangeSize, idRangeLayout, field)),
        ),
      );
    expect([ranges(plan, 'uid'), ranges(plan, 'gid')]).toEqual([
      [[1000, 1000, 1]],
      [[100, 100, 1]],
    ]);
    const block = {
      uid: 0,
      gid: 0,
      hostUid: 70_000,
      hostGid: 80_000,
      count: 65_536,
      privileged: true,
    };
    const root = { ...spec, identity: { ...spec.identity, ...block } };
    const one = new Reader(buildPlan(root, inputs));
    expect(ranges(one, 'uid')).toEqual([[0, 70_000, 65_536]]);
    expect(ranges(one, 'gid')).toEqual([[0, 80_000, 65_536]]);
    const uids = [
      { inside: 0, outside: 70_000, count: 1000 },
      { inside: 1000, outside: 5000, count: 1 },
    ];
    const maps = { uids, gids: uids.slice(0, 1) };
    const two = new Reader(buildPlan({ ...root, identity: { ...root.identity, maps } }, inputs));
    expect(ranges(two, 'uid')).toEqual([
      [0, 70_000, 1000],
      [1000, 5000, 1],
    ]);
    expect(ranges(two, 'gid')).toEqual([[0, 70_000, 1000]]);
  });

  it('gives a root that can be written to no read-only mount, and lists lower directories', () => {
    const lowers = [
      { source: '/image/1', identity: { dev: 0x801n, ino: 5n } },
      { source: '/image/0' },
    ];
    const root: View = {
      type: 'host',
      source: '/image/2',
      lowers,
      target: '/',
      access: 'copy-on-write',
      persistence: 'kept',
      directory: true,
      origin: 'user',
    };
    // The file is left out, which could not be made on it.
    const rest = spec.views.slice(0, -1);
    const written = new Reader(buildPlan({ ...spec, views: [root, ...rest] }, inputs));
    expect(plan.header('layers') & WB_LAYER_READ_ONLY_ROOT).toBe(WB_LAYER_READ_ONLY_ROOT);
    expect(written.header('layers') & WB_LAYER_READ_ONLY_ROOT).toBe(0);
    expect(written.string(written.op(0, 'layer'))).toBe('trees/1/layers/0');
    const field = (i: number, name: keyof typeof lowerLayout) =>
      Number(written.field(written.op(0, 'lowers') + i * lowerSize, lowerLayout, name));
    expect(written.op(0, 'lowerCount')).toBe(2);
    expect([0, 1].map((i) => written.string(field(i, 'path')))).toEqual(['/image/1', '/image/0']);
    expect([0, 1].map((i) => field(i, 'flags'))).toEqual([WB_OP_CHECK_IDENTITY, 0]);
    expect(field(0, 'inode')).toBe(5);

    const readOnly: View = { ...root, access: 'read', persistence: 'host' };
    const closed = new Reader(buildPlan({ ...spec, views: [readOnly, ...rest] }, inputs));
    expect(closed.op(0, 'layer')).toBe(0);
    expect(closed.op(0, 'flags')).toBe(WB_OP_READ_ONLY | WB_OP_IS_DIRECTORY);
    expect(closed.header('layers') & WB_LAYER_READ_ONLY_ROOT).toBe(WB_LAYER_READ_ONLY_ROOT);
    expect(closed.string(closed.op(3, 'layer'))).toBe('layers/0');
  });

  it('leaves out with a namespace what it would hold', () => {
    const bare = new Reader(encodePlan({ spec, namespaces: [], operations: [] }, inputs));
    for (const name of [
      'namespaces',
      'opCount',
      'uidRangeCount',
      'gidRangeCount',
      'hostname',
    ] as const)
      expect(bare.header(name), name).toBe(0);
    expect(bare.header('ids')).toBe(WB_IDS_KEPT);
    expect(bare.header('layers') & (WB_LAYER_READ_ONLY_ROOT | WB_LAYER_QUOTAS)).toBe(0);
    expect(bare.header('layers') & WB_LAYER_LANDLOCK).toBe(WB_LAYER_LANDLOCK);
  });
});

describe('landlockRuleset', () => {
  const TRUNCATE = 1n << 14n;
  const IOCTL_DEV = 1n << 15n;
  const MAKE_CHAR = 1n << 6n;
  const WRITE_FILE = 1n << 1n;

  it.each([0, 1])('is left out with ABI %i', (abi) => {
    expect(landlockRuleset({ ...spec, landlockAbi: abi })).toBeUndefined();
    const plan = new Reader(buildPlan({ ...spec, landlockAbi: abi }, inputs));
    expect(plan.header('layers') & WB_LAYER_LANDLOCK).toBe(0);
  });

  it.each([
    [2, 0n, 0n],
    [3, TRUNCATE, 0n],
    [4, TRUNCATE, 0n],
    [5, TRUNCATE | IOCTL_DEV, 0n],
    [6, TRUNCATE | IOCTL_DEV, 3n],
    [7, TRUNCATE | IOCTL_DEV, 3n],
  ])('handles with ABI %i only what that ABI knows', (abi, late, scoped) => {
    const ruleset = landlockRuleset({ ...spec, landlockAbi: abi });
    expect((ruleset?.handledFs ?? 0n) & (TRUNCATE | IOCTL_DEV)).toBe(late);
    expect(ruleset?.scoped).toBe(scoped);
    for (const rule of ruleset?.rules ?? []) {
      expect(rule.access & ~(ruleset?.handledFs ?? 0n)).toBe(0n);
    }
  });

  it.each([
    [8, 0n, 3n],
    [9, 1n << 16n, 3n],
    [10, 1n << 16n, 15n],
  ])('opens only sockets that the user shows with ABI %i', (landlockAbi, socket, net) => {
    const view = { source: '/x', directory: true, origin: 'user' } as const;
    const views = [
      passedView(true, { ...view, target: '/read' }),
      passedView(false, { ...view, target: '/cache', origin: 'cache' }),
      passedView(false, { ...view, target: '/write' }),
      passedView(true, { ...view, target: '/socket', directory: false }),
    ];
    const ruleset = landlockRuleset({ ...spec, views, landlockAbi });
    expect((ruleset?.handledFs ?? 0n) & (1n << 16n)).toBe(socket);
    const open = ruleset?.rules.filter(({ access }) => (access & (1n << 16n)) !== 0n);
    expect(open?.map(({ path }) => path)).toEqual(socket ? ['/write', '/socket'] : []);
    const privateRoot = { grants: [{ path: '/write', access: 'write', directory: true }] } as never;
    const sole = rulesetOf({
      spec: { ...spec, landlockAbi },
      operations: [],
      namespaces: [],
      privateRoot,
    });
    expect(sole?.handledNet).toBe(net);
    expect((sole?.rules[0]?.access ?? 0n) & (1n << 16n)).toBe(socket);
  });

  it('allows writing in the named places only, and device nodes nowhere', () => {
    const rules = landlockRuleset(spec)?.rules ?? [];
    const writable = rules.filter(({ access }) => (access & WRITE_FILE) !== 0n);
    expect(writable.map(({ path }) => path)).toEqual(spec.writable);
    expect(rules.every(({ access }) => (access & MAKE_CHAR) === 0n)).toBe(true);
  });

  it('gives a file the accesses that a file can have', () => {
    // The kernel refuses directory accesses on a file with EINVAL.
    const rule = landlockRuleset(spec)?.rules.find(({ path }) => path === '/dev/null');
    const directoryOnly = (1n << 3n) | ((0x3ffn << 4n) & ~((1n << 14n) | (1n << 15n)));
    expect((rule?.access ?? 0n) & directoryOnly).toBe(0n);
  });

  it('is encoded rule by rule', () => {
    const plan = new Reader(buildPlan(spec, inputs));
    const at = plan.header('rules') + landlockRuleSize;
    expect(plan.string(Number(plan.field(at, landlockRuleLayout, 'path')))).toBe(spec.writable[0]);
    expect(plan.header('ruleCount')).toBe(spec.writable.length + 1);
  });
});
