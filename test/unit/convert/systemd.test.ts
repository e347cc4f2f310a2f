/**
 * systemd's units, held to systemd's own library: random ones, and those that Debian ships. The oracle links
 * libseccomp; needs: libseccomp-dev, libsystemd-shared.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compile, simulateProgram } from '../../../src/core/index.js';
import { importPolicy } from '../../../src/policy/formats/index.js';
import { init, PolicyError, simulate } from '../../../src/policy/index.js';
import { requestOf } from '../../../src/policy/source.js';
import { seedsFor } from '../../support/seeds.js';
import { Random, X86_64 } from './random-formats.js';

/** A busy machine takes long, in milliseconds. */
const busy = 1_800_000;

let folder: string;
let oracle: string;

const libraries = '/usr/lib/x86_64-linux-gnu/systemd';

beforeAll(async () => {
  await init();
  folder = mkdtempSync(join(tmpdir(), 'wasbox-systemd-'));
  oracle = join(folder, 'oracle');
  const source = fileURLToPath(new URL('systemd_oracle.c', import.meta.url));
  execFileSync('cc', [
    '-std=c17',
    '-Wall',
    '-Werror',
    '-rdynamic',
    source,
    '-o',
    oracle,
    '-lseccomp',
    '-ldl',
  ]);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const allow = 0x7fff_0000;
const kill = 0x8000_0000;
const errno = (value: number) => 0x0005_0000 + value;

/** Returns what the kernel makes of two results: the smaller one as a signed number, and of two errnos the later. */
function stricter(before: number, later: number): number {
  const rank = (action: number) => (action & 0xffff_0000) | 0;
  return rank(later) <= rank(before) ? later : before;
}

/** The oracle's filters of each unit, in the order of loading. */
function filtersOf(units: readonly (readonly string[])[]): Uint8Array[][] {
  const library = readdirSync(libraries).find((name) => /^libsystemd-shared-.*\.so$/.test(name));
  if (library === undefined) throw new Error(`no libsystemd-shared in ${libraries}`);
  const input = units.map((lines, i) => `unit ${folder}/u${i}\n${lines.join('\n')}\n`).join('');
  const { status, stderr } = spawnSync(oracle, [join(libraries, library)], { input });
  if (status !== 0) throw new Error(`oracle: ${status} ${stderr}`);
  return units.map((_, i) => {
    const found: Uint8Array[] = [];
    for (let n = 0; existsSync(`${folder}/u${i}/${n}.bpf`); n++)
      found.push(readFileSync(`${folder}/u${i}/${n}.bpf`));
    rmSync(`${folder}/u${i}`, { recursive: true });
    return found;
  });
}

interface Event {
  readonly arch: number;
  readonly nr: number;
  readonly args: readonly bigint[];
}

function judge(filters: readonly Uint8Array[], event: Event): number {
  return filters.reduce((before, bpf) => {
    const { action } = simulateProgram(bpf, false, event);
    if (action === undefined) throw new Error('the oracle wrote an invalid filter');
    return stricter(before, action);
  }, allow);
}

/** Calls by number, with the arguments that the settings look at; none sets bits that the kernel ignores. */
const asked: readonly (readonly [number, (random: Random) => bigint[]])[] = [
  [9, (r) => [0n, 1n, BigInt(r.below(8))]],
  [10, (r) => [0n, 1n, BigInt(r.below(8))]],
  [329, (r) => [0n, 1n, BigInt(r.below(8))]],
  [30, (r) => [0n, 0n, BigInt(r.below(2)) * 0x8000n]],
  [144, (r) => [0n, BigInt(r.below(8))]],
  [90, (r) => [0n, BigInt(r.below(0o10000))]],
  [268, (r) => [0n, 0n, BigInt(r.below(0o10000))]],
  [452, (r) => [0n, 0n, BigInt(r.below(0o10000))]],
  [2, (r) => [0n, r.pick([0n, 0x40n, 0x241n]), BigInt(r.below(0o10000))]],
  [257, (r) => [0n, 0n, r.pick([0n, 0x40n, 0x241n]), BigInt(r.below(0o10000))]],
  [437, () => []],
  [56, (r) => [r.pick([0x11n, 0x10000011n, 0x40000000n, 0x20000n, 0x80n])]],
  [272, (r) => [r.pick([0n, 0x10000000n, 0x40000000n, 0x20000n, 0x80n, 0x2000000n])]],
  [308, (r) => [3n, r.pick([0n, 0x10000000n, 0x40000000n, 0x20000n])]],
  [435, () => []],
  [41, (r) => [BigInt(r.below(46))]],
  [135, (r) => [r.pick([0n, 8n, 0xffff_ffffn])]],
  [170, () => []],
  [171, () => []],
  [103, () => []],
  [156, () => []],
  [175, () => []],
  [227, () => []],
  [172, () => []],
];

function events(random: Random, count: number): Event[] {
  return Array.from({ length: count }, () => {
    const [nr, args] = random.below(2) === 0 ? random.pick(asked) : [random.below(463), () => []];
    return { arch: X86_64, nr, args: [...args(random), 0n, 0n, 0n, 0n, 0n, 0n].slice(0, 6) };
  });
}

const groups = [
  ...['@system-service', '@privileged', '@resources', '@clock', '@module', '@mount', '@network-io'],
  ...['@basic-io', '@process', '@file-system', '@default', '@debug', '@known', '@obsolete'],
];
const words = [
  ...groups,
  'read',
  'socket',
  'mount',
  'sethostname',
  'mmap',
  'openat',
  'clone',
  'personality',
  'no_such_call',
  '@no-such-set',
];

/** Flags of seccomp_parse_syscall_filter: inverted, allow list, permissive. */
const flagsOf = (inverted: boolean, allows: boolean) => (inverted ? 1 : 0) | (allows ? 2 : 0) | 8;

/** A random unit, and what systemd's manager does with it, as commands. */
function drawUnit(random: Random): { text: string; commands: string[] } {
  const lines: string[] = ['[Unit]', 'Description=random', '', '[Service]', 'ExecStart=/bin/true'];
  const features: string[] = [];
  const yes = (chance = 3) => random.below(chance) === 0;
  const simple: readonly (readonly [string, string])[] = [
    ['MemoryDenyWriteExecute', 'call seccomp_memory_deny_write_execute'],
    ['RestrictRealtime', 'realtime'],
    ['RestrictSUIDSGID', 'call seccomp_restrict_suid_sgid'],
    ['ProtectHostname', 'call seccomp_protect_hostname'],
    ['ProtectKernelLogs', 'call seccomp_protect_syslog'],
    ['ProtectKernelModules', 'set @module'],
    ['ProtectClock', 'set @clock'],
    ['PrivateDevices', 'set @raw-io'],
    ['LockPersonality', 'personality 0'],
  ];
  for (const [name, command] of simple) {
    if (!yes()) continue;
    const on = random.below(4) !== 0;
    lines.push(
      `${name}=${on ? random.pick(['yes', 'true', '1', 'on']) : random.pick(['no', '0'])}`,
    );
    if (on) features.push(command);
  }
  if (yes()) {
    const bits: Record<string, number> = {
      user: 0x1000_0000,
      net: 0x4000_0000,
      mnt: 0x2_0000,
      pid: 0x2000_0000,
    };
    const all = 0x7e02_0080;
    const chosen = Object.keys(bits).filter(() => random.below(2) === 0);
    const kind = random.below(3);
    if (kind === 0 || chosen.length === 0) {
      lines.push('RestrictNamespaces=yes');
      features.push('namespaces 0');
    } else {
      const sum = chosen.reduce((mask, name) => mask | (bits[name] ?? 0), 0);
      lines.push(`RestrictNamespaces=${kind === 1 ? '' : '~'}${chosen.join(' ')}`);
      features.push(`namespaces ${((kind === 1 ? sum : all & ~sum) >>> 0).toString(16)}`);
    }
  }
  if (yes()) {
    const known: Record<string, number> = {
      AF_UNIX: 1,
      AF_INET: 2,
      AF_INET6: 10,
      AF_NETLINK: 16,
      AF_VSOCK: 40,
    };
    const chosen = Object.keys(known).filter(() => random.below(2) === 0);
    const denies = chosen.length > 0 && random.below(2) === 0;
    lines.push(
      `RestrictAddressFamilies=${denies ? '~' : ''}${chosen.length > 0 ? chosen.join(' ') : 'none'}`,
    );
    features.push(...chosen.map((name) => `family ${known[name]}`), `families ${denies ? 0 : 1}`);
  }
  let refusal = kill;
  if (yes(2)) {
    const [word, value] = random.pick([
      ['EPERM', 1],
      ['13', 13],
      ['ENOSYS', 38],
      ['kill', -1],
    ] as const);
    lines.push(`SystemCallErrorNumber=${word}`);
    refusal = value < 0 ? kill : errno(value);
  }
  let list: string[] = [];
  let allows: boolean | undefined;
  for (let n = random.below(4); n > 0; n--) {
    if (random.below(8) === 0) {
      lines.push('SystemCallFilter=');
      list = [];
      allows = undefined;
      continue;
    }
    const inverted = random.below(2) === 0;
    if (allows === undefined) {
      allows = !inverted;
      if (allows) list.push(`word @default -1 ${flagsOf(false, true)}`);
    }
    const chosen = Array.from({ length: 1 + random.below(4) }, () => {
      const word = random.pick(words);
      const code =
        inverted && random.below(3) === 0 ? random.pick(['EPERM', '7', 'kill']) : undefined;
      const value = code === undefined ? -1 : code === 'EPERM' ? 1 : code === '7' ? 7 : 2147483646;
      list.push(`word ${word} ${value} ${flagsOf(inverted, allows ?? false)}`);
      return code === undefined ? word : `${word}:${code}`;
    });
    lines.push(
      `SystemCallFilter=${inverted ? '~' : ''}${chosen.join(random.pick([' ', ' \\\n  ']))}`,
    );
  }
  const filter: string[] = [];
  if (allows !== undefined) {
    const asHex = (action: number) => action.toString(16);
    // The manager needs write(2) to report; it adds or takes it after all settings.
    filter.push(...list, `word write -1 ${flagsOf(false, allows)}`);
    filter.push(`load ${asHex(allows ? refusal : allow)} ${asHex(allows ? allow : refusal)}`);
  }
  if (!lines.some((line) => /^(System|Restrict|Protect|Memory|Lock|Private)/.test(line)))
    lines.push('LockPersonality=no');
  return { text: `${lines.join('\n')}\n`, commands: [...features, ...filter] };
}

function difference(text: string, filters: readonly Uint8Array[], random: Random, count: number) {
  const imported = importPolicy(text, { from: 'systemd', arch: 'x86_64' }).text;
  const list = events(random, count);
  const result = compile({ ...requestOf({ text: imported }, {}), events: list });
  expect(result.ok, imported).toBe(true);
  for (const [i, event] of list.entries()) {
    const wanted = judge(filters, event);
    const got = result.decisions[i]?.action;
    if (got !== wanted)
      return `${event.nr}(${event.args.slice(0, 4).join(', ')}): ${got?.toString(16)} instead of ${wanted.toString(16)} in\n${text}\n${imported}`;
  }
  return undefined;
}

describe('units of systemd', () => {
  it('random ones decide as systemd decides', { timeout: busy }, () => {
    for (const seed of seedsFor('systemd', 10, 300)) {
      const { text, commands } = drawUnit(new Random(seed));
      const [filters = []] = filtersOf([commands]);
      const wrong = difference(text, filters, new Random(seed + 999), 200);
      if (wrong !== undefined) expect.fail(wrong);
    }
  });

  it('are read without an error as Debian ships them', () => {
    const where = ['/usr/lib/systemd/system', '/lib/systemd/system'].find(existsSync) ?? '';
    let read = 0;
    for (const name of readdirSync(where)) {
      if (!name.endsWith('.service')) continue;
      const text = readFileSync(join(where, name), 'utf8');
      if (
        !/^(?:SystemCall|Restrict|MemoryDeny|LockPersonality|Protect(?:Clock|Hostname|Kernel))/m.test(
          text,
        )
      )
        continue;
      const { text: policy } = importPolicy(text, { from: 'systemd', name });
      expect(compile(requestOf({ text: policy }, {})).ok, name).toBe(true);
      read++;
    }
    expect(read).toBeGreaterThan(5);
  });

  const decide = (text: string, call: string, ...args: (number | bigint | string)[]) =>
    simulate({ text: importPolicy(text, { from: 'systemd', arch: 'x86_64' }).text }, { call, args })
      .actionText;

  it('open nothing through bits that the kernel does not read', () => {
    const text = 'RestrictAddressFamilies=~AF_INET\n';
    expect(decide(text, 'socket', 2n)).toBe('errno(EAFNOSUPPORT)');
    expect(decide(text, 'socket', 2n + (1n << 32n))).toBe('errno(EAFNOSUPPORT)');
    expect(decide(text, 'socket', 1n)).toBe('allow');
  });

  it('log what they allow and SystemCallLog= names', () => {
    const text =
      'SystemCallFilter=read mount\nSystemCallErrorNumber=EPERM\nSystemCallLog=mount reboot\n';
    expect([decide(text, 'read'), decide(text, 'mount'), decide(text, 'reboot')]).toEqual([
      'allow',
      'log',
      'errno(EPERM)',
    ]);
    const others = 'SystemCallLog=~read\n';
    expect([decide(others, 'read'), decide(others, 'mount')]).toEqual(['allow', 'log']);
  });

  it('have the architectures that they name, or those of the machine', () => {
    const head = (text: string) => importPolicy(text, { from: 'systemd' }).text.split('\n')[0];
    expect(head('SystemCallFilter=read\n')).toBe('target x86_64, i386, x32');
    expect(head('SystemCallFilter=read\nSystemCallArchitectures=native\n')).toBe('target x86_64');
    expect(head('SystemCallFilter=read\nSystemCallArchitectures=native x86\n')).toBe(
      'target x86_64, i386',
    );
  });

  it.each<[string, RegExp, number]>([
    ['SystemCallFilter', /not NAME=VALUE/, 1],
    ['[Service]\nSystemCallErrorNumber=EWHAT', /not an errno: EWHAT/, 2],
    ['[Service]\nExecStart=/bin/true', /no setting that filters/, 1],
    ['SystemCallArchitectures=pdp11', /unknown architecture `pdp11`/, 1],
    ['RestrictNamespaces=usr', /unknown kind of namespace `usr`/, 1],
    ['MemoryDenyWriteExecute=maybe', /not yes or no: maybe/, 1],
    ['SystemCallFilter=~read:EWHAT', /not an errno: EWHAT/, 1],
  ])('with errors are refused with the place: %s', (text, message, line) => {
    try {
      importPolicy(text, { from: 'systemd', name: 'unit' });
    } catch (error) {
      if (!(error instanceof PolicyError)) throw error;
      expect(error.diagnostics[0]).toMatchObject({ line, file: 'unit' });
      expect(error.diagnostics[0]?.message).toMatch(message);
      return;
    }
    throw new Error('nothing was thrown');
  });
});
