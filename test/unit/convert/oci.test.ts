import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { conditionsOf, evaluator, namesOf, numbers, type Profile } from './evaluator.js';
import { furtherProfiles, REAL_PROFILES, realProfile, SMALL_PROFILES } from './profiles.js';
import { buildDriver, buildLimit, type Driver, type Event, TARGETS } from './support.js';

let driver: Driver;
beforeAll(() => {
  driver = buildDriver();
}, buildLimit);
afterAll(() => driver?.close());

const GO_NAMES: Record<string, string> = { i386: 'x86', x32: 'x32', arm: 'arm' };
const CAP_SYS_ADMIN = 1n << 21n;
const CAP_BPF = 1n << 39n;

/** Every value next to a constant of the call's conditions, within 32 bits. */
function interesting(profile: Profile, call: string, index: number): bigint[] {
  const values = new Set<bigint>([0n, 0xffffffffn]);
  for (const entry of profile.syscalls ?? []) {
    if (!namesOf(entry).includes(call)) continue;
    for (const c of conditionsOf(entry).filter((condition) => condition.index === index))
      for (const base of [BigInt(c.value), BigInt(c.valueTwo ?? 0)])
        for (const step of [-1n, 0n, 1n]) values.add(BigInt.asUintN(32, base + step));
  }
  return [...values];
}

/** All numbers of an architecture and beyond, with arguments where a rule looks at them. */
function eventsFor(profile: Profile, arch: string): Event[] {
  const { audit, base } = TARGETS[arch] ?? { audit: 0, base: 0 };
  const own = numbers[arch] ?? {};
  const events: Event[] = [];
  const first = arch === 'mips64el' ? 4990 : 0;
  const more = arch === 'arm' ? [0xf0001, 0xf0002, 0xf0005] : [];
  for (const nr of [...Array.from({ length: 620 }, (_, i) => first + i), ...more])
    events.push({ arch: audit, nr: nr + base, args: [] });
  const checked = new Set(
    (profile.syscalls ?? []).filter((e) => conditionsOf(e).length > 0).flatMap(namesOf),
  );
  for (const call of checked) {
    const nr = own[call];
    if (nr === undefined) continue;
    for (const a of interesting(profile, call, 0))
      for (const b of interesting(profile, call, 1))
        for (const c of interesting(profile, call, 2))
          events.push({ arch: audit, nr: nr + base, args: [a, b, c, 1n] });
  }
  return events;
}

function compare(profile: Profile, arch: string, caps: string[], kernel: [number, number]): number {
  const { bit = 0, base = 0, goArch = '' } = TARGETS[arch] ?? {};
  const bits = caps.includes('CAP_SYS_ADMIN') ? CAP_SYS_ADMIN | CAP_BPF : 0n;
  const imported = driver.importText(JSON.stringify(profile), { targets: bit, caps: bits });
  expect(imported.ok, imported.raw).toBe(true);
  const events = eventsFor(profile, arch);
  const version = (kernel[0] << 8) | kernel[1];
  const actual = driver.decide(imported.text, events, { kernel: version });
  // Without a map of subarchitectures, a machine's filter is for its own calls only.
  const machine = profile.archMap ? goArch : (GO_NAMES[arch] ?? goArch);
  const decide = evaluator(profile, { arch, goArch: machine, caps, kernel });
  const wrong = events.flatMap(({ nr, args }, i) => {
    const wanted = decide(nr - base, args);
    return actual[i] === wanted ? [] : [`${nr - base}(${args}): ${actual[i]} not ${wanted}`];
  });
  expect(wrong.slice(0, 10)).toEqual([]);
  return events.length;
}

const everyTarget = Object.keys(TARGETS);

describe.each(Object.entries(SMALL_PROFILES))('%s', (_, profile) => {
  it.each(everyTarget)('decides on %s as the evaluator says', (arch) => {
    expect(compare(profile, arch, [], [6, 12])).toBeGreaterThan(600);
  });
});

it('reads capabilities and kernels', () => {
  const profile = SMALL_PROFILES['architectures, kernels and capabilities'] as Profile;
  compare(profile, 'x86_64', ['CAP_SYS_ADMIN', 'CAP_BPF'], [6, 12]);
  compare(profile, 'x86_64', [], [4, 4]);
  compare(profile, 'aarch64', ['CAP_SYS_ADMIN', 'CAP_BPF'], [4, 8]);
});

/** Returns whether runc refuses it, too: an errno that the kernel would cut off. */
const hasLargeErrno = (profile: Profile): boolean =>
  (profile.syscalls ?? []).some((entry) => (entry.errnoRet ?? 0) > 4095);

function compareEverywhere(profile: Profile, arch: string): void {
  if (hasLargeErrno(profile)) {
    const output = driver.importText(JSON.stringify(profile));
    expect(output.ok).toBe(false);
    expect(output.notes.map(({ kind }) => kind)).toContain(3);
    return;
  }
  compare(profile, arch, [], [6, 12]);
  compare(profile, arch, ['CAP_SYS_ADMIN', 'CAP_BPF'], [4, 4]);
}

describe.each(Object.entries(REAL_PROFILES))('%s', (_, path) => {
  it.each(everyTarget)('decides on %s as the evaluator says, for every number', (arch) => {
    compareEverywhere(realProfile(path), arch);
  });
});

describe.each([...furtherProfiles()])('%s', (_, profile) => {
  it.each(everyTarget)('decides on %s as the evaluator says, for every number', (arch) => {
    compareEverywhere(profile, arch);
  });
});

it('the importer takes at least six real profiles without a refusal', () => {
  const profiles = Object.values(REAL_PROFILES).map(realProfile);
  expect(profiles.filter((profile) => !hasLargeErrno(profile)).length).toBeGreaterThan(5);
});

it('would notice a wrong decision (control)', () => {
  const profile = SMALL_PROFILES['allow list'] as Profile;
  const other: Profile = { ...profile, defaultErrnoRet: 1 };
  const imported = driver.importText(JSON.stringify(other), { targets: 1 });
  const events = eventsFor(profile, 'x86_64');
  const actual = driver.decide(imported.text, events);
  const decide = evaluator(profile, {
    arch: 'x86_64',
    goArch: 'amd64',
    caps: [],
    kernel: [6, 12],
  });
  expect(events.filter(({ nr, args }, i) => decide(nr, args) !== actual[i]).length).toBeGreaterThan(
    100,
  );
});

describe('entries of one call that overlap', () => {
  type Args = [index: number, op: string, value: number, valueTwo?: number][];
  const entry = (call: string, action: string, ...args: Args): object => ({
    names: [call],
    action: `SCMP_ACT_${action}`,
    args: args.map(([index, op, value, valueTwo = 0]) => ({
      index,
      op: `SCMP_CMP_${op}`,
      value,
      valueTwo,
    })),
  });
  const importEntries = (...syscalls: object[]) =>
    driver.importText(JSON.stringify({ defaultAction: 'SCMP_ACT_TRAP', syscalls }), { targets: 1 });
  const OVERLAP = 9;

  it.each<[string, object, object, string]>([
    [
      'a kill below an allow',
      entry('kill', 'ALLOW', [0, 'GT', 3]),
      entry('kill', 'KILL_PROCESS', [1, 'EQ', 9]),
      'kill(4, 9) on x86_64',
    ],
    [
      'an allow below an errno',
      entry('socket', 'ERRNO', [0, 'EQ', 40]),
      entry('socket', 'ALLOW', [1, 'EQ', 1]),
      'socket(40, 1, 0) on x86_64',
    ],
    [
      'a value and all but another',
      entry('socket', 'ERRNO', [0, 'EQ', 16]),
      entry('socket', 'ALLOW', [0, 'NE', 40]),
      'socket(16, 0, 0) on x86_64',
    ],
    [
      'masks',
      entry('mmap', 'ALLOW', [2, 'MASKED_EQ', 4, 4]),
      entry('mmap', 'ERRNO', [2, 'MASKED_EQ', 2, 2]),
      'mmap(0, 0, 6, 0, 0, 0) on x86_64',
    ],
    [
      'one of several conditions on an argument',
      entry('dup', 'ERRNO', [0, 'EQ', 3], [0, 'EQ', 5]),
      entry('dup', 'ALLOW', [0, 'GE', 5]),
      'dup(5) on x86_64',
    ],
  ])('are refused with the call and both places: %s', (_, first, second, call) => {
    for (const entries of [
      [first, second],
      [second, first],
    ]) {
      const output = importEntries(...entries);
      expect(output.ok).toBe(false);
      expect(output.notes).toContainEqual({ kind: OVERLAP, detail: call });
    }
  });

  it('are taken where the actions agree or no call is in both (control)', () => {
    const first = entry('kill', 'ALLOW', [0, 'GT', 3]);
    for (const second of [
      entry('kill', 'ALLOW', [1, 'EQ', 9]),
      entry('kill', 'KILL_PROCESS', [1, 'EQ', 9], [0, 'LE', 3]),
      entry('tkill', 'KILL_PROCESS', [1, 'EQ', 9]),
      { names: ['kill'], action: 'SCMP_ACT_KILL_PROCESS' },
    ])
      expect(importEntries(first, second).ok).toBe(true);
  });

  it('are refused on the kernels only on which both count', () => {
    const first = { ...entry('kill', 'ALLOW', [0, 'GT', 3]), includes: { minKernel: '5.10' } };
    const second = (kernel: string) => ({
      ...entry('kill', 'ERRNO', [1, 'EQ', 9]),
      excludes: { minKernel: kernel },
    });
    expect(importEntries(first, second('5.10')).ok).toBe(true);
    expect(importEntries(first, second('5.11')).ok).toBe(false);
  });

  it('mask both sides of a masked comparison, as libseccomp does', () => {
    const { text } = importEntries(entry('read', 'ERRNO', [2, 'MASKED_EQ', 40, 5]));
    const read = (size: bigint): Event => ({ arch: 0xc000003e, nr: 0, args: [0n, 0n, size] });
    expect(driver.decide(text, [read(7n), read(8n)])).toEqual([0x50001, 0x30000]);
  });
});

describe('a filter that asks for what the kernel does not read', () => {
  const high = 0xdeadbeef00000000n;
  const denying = (value: number, op = 'SCMP_CMP_EQ'): string =>
    driver.importText(
      JSON.stringify({
        defaultAction: 'SCMP_ACT_ALLOW',
        syscalls: [
          { names: ['socket'], action: 'SCMP_ACT_ERRNO', args: [{ index: 0, value, op }] },
        ],
      }),
    ).text;

  it('does not open a denied socket domain', () => {
    const event = { arch: 0xc000003e, nr: 41, args: [high | 16n, 3n, 0n] };
    expect(driver.decide(denying(16), [event])).toEqual([0x00050001]);
    // Control: another domain is let through.
    expect(driver.decide(denying(17), [event])).toEqual([0x7fff0000]);
  });

  it('leaves out a rule that an int can never meet', () => {
    const output = driver.importText(
      '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["socket"],"action":"SCMP_ACT_ERRNO",' +
        '"args":[{"index":0,"value":4294967296,"op":"SCMP_CMP_EQ"}]}]}',
    );
    expect(output.notes.map(({ detail }) => detail)).toEqual(['socket']);
    expect(output.text).not.toContain('socket');
  });

  it('compares all 64 bits of an unsigned long', () => {
    const policy = driver.importText(
      '{"defaultAction":"SCMP_ACT_ERRNO","syscalls":[{"names":["mmap"],"action":"SCMP_ACT_ALLOW",' +
        '"args":[{"index":1,"value":18446744073709551615,"op":"SCMP_CMP_NE"}]}]}',
    ).text;
    const call = (size: bigint): Event => ({ arch: 0xc000003e, nr: 9, args: [0n, size] });
    expect(driver.decide(policy, [call(0xffffffffn), call(0xffffffffffffffffn)])).toEqual([
      0x7fff0000, 0x00050001,
    ]);
  });
});

describe('bad input', () => {
  it.each([
    ['nothing', ''],
    ['no JSON', 'default allow'],
    ['a cut-off profile', '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["re'],
    ['trailing text', '{"defaultAction":"SCMP_ACT_ALLOW"} x'],
    ['an array', '[]'],
    ['no default', '{}'],
    ['an unknown action', '{"defaultAction":"SCMP_ACT_MAYBE"}'],
    ['a number for the action', '{"defaultAction":7}'],
    ['calls that are not a list', '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":{}}'],
    ['a call that is not an object', '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[1]}'],
    [
      'an unknown operator',
      '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["read"],"action":"SCMP_ACT_KILL","args":[{"index":0,"value":1,"op":"="}]}]}',
    ],
    [
      'an index above 5',
      '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["read"],"action":"SCMP_ACT_KILL","args":[{"index":6,"value":1,"op":"SCMP_CMP_EQ"}]}]}',
    ],
    [
      'a negative value',
      '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["read"],"action":"SCMP_ACT_KILL","args":[{"index":0,"value":-1,"op":"SCMP_CMP_EQ"}]}]}',
    ],
    ['an errno above 4095', '{"defaultAction":"SCMP_ACT_ERRNO","defaultErrnoRet":5000}'],
    ['deep nesting', '['.repeat(100_000)],
    ['a bad escape', '{"defaultAction":"\\x"}'],
    ['half an escape', '{"defaultAction":"\\u12'],
  ])('refuses %s', (_, text) => {
    const output = driver.importText(text);
    expect(output.ok).toBe(false);
    expect(output.text).toBe('');
    expect(output.notes.length).toBeGreaterThan(0);
  });

  it('survives cuts and flipped bytes of a profile', () => {
    const text = Buffer.from(JSON.stringify(SMALL_PROFILES['every action, allowed by default']));
    for (let at = 0; at < text.length; at += 23) {
      driver.importText(text.subarray(0, at));
      const flipped = Buffer.from(text);
      flipped[at] = (flipped[at] ?? 0) ^ 0xa5;
      driver.importText(flipped);
    }
  });

  it('puts no name of the profile into the policy that is none of the tables', () => {
    const output = driver.importText(
      JSON.stringify({
        defaultAction: 'SCMP_ACT_ERRNO',
        syscalls: [{ names: ['read\nallow mount'], action: 'SCMP_ACT_ALLOW' }],
      }),
    );
    expect(output.text).not.toContain('mount');
  });
});
