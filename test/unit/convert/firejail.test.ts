/** firejail's profiles, held to the filters that firejail itself writes (fseccomp), and those that Debian ships. Needs: firejail. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compile, simulateProgram } from '../../../src/core/index.js';
import { importPolicy } from '../../../src/policy/formats/index.js';
import { init, PolicyError, simulate } from '../../../src/policy/index.js';
import { requestOf } from '../../../src/policy/source.js';
import { seedsFor } from '../../support/seeds.js';
import { Random, X86_64 } from './random-formats.js';

/** A busy machine takes long, in milliseconds. */
const busy = 1_800_000;

const fseccomp = '/usr/lib/x86_64-linux-gnu/firejail/fseccomp';
const allow = 0x7fff_0000;
const i386 = 0x4000_0003;

let folder: string;
beforeAll(async () => {
  await init();
  folder = mkdtempSync(join(tmpdir(), 'wasbox-firejail-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs fseccomp; `1` and `2` among the arguments are files that it writes. */
function filters(...args: readonly string[]): Uint8Array[] {
  const files = ['1', '2'].map((name) => join(folder, name));
  for (const file of files) rmSync(file, { force: true });
  const named = args.map((arg) => (arg === '1' || arg === '2' ? join(folder, arg) : arg));
  execFileSync(fseccomp, named, { stdio: 'pipe' });
  return files.filter(existsSync).map((file) => readFileSync(file));
}

interface Event {
  readonly arch: number;
  readonly nr: number;
  readonly args: readonly bigint[];
}

/** All of them together: the strictest, and of two errnos that of the later filter. */
function judge(all: readonly Uint8Array[], event: Event): number {
  const rank = (action: number) => (action & 0xffff_0000) | 0;
  return all.reduce((before, bpf) => {
    const { action = 0 } = simulateProgram(bpf, false, event);
    return rank(action) <= rank(before) ? action : before;
  }, allow);
}

const calls = [
  'read',
  'mount',
  'ptrace',
  'chroot',
  'socket',
  'openat',
  'personality',
  'no_such_call',
];
const groups = [
  '@clock',
  '@module',
  '@raw-io',
  '@system-service',
  '@default',
  '@network-io',
  '@obsolete',
  '@privileged',
];

function drawList(random: Random, excludes: boolean): string[] {
  return Array.from({ length: 1 + random.below(5) }, () => {
    const word = random.below(3) === 0 ? random.pick(groups) : random.pick(calls.slice(0, 7));
    if (excludes && random.below(4) === 0 && !word.startsWith('@')) return `!${word}`;
    if (excludes && random.below(6) === 0 && !word.startsWith('@')) return `${word}:ENOENT`;
    return random.below(12) === 0 ? '$39' : word;
  });
}

/** A random profile and the filters that firejail makes of it. */
function draw(random: Random): { text: string; all: Uint8Array[] } {
  const lines = ['# random', 'noroot', 'caps.drop all'];
  const all: Uint8Array[] = [];
  if (random.below(3) === 0) {
    const names = ['unix', 'inet', 'inet6', 'netlink'].filter(() => random.below(2) === 0);
    if (names.length > 0) {
      lines.push(`protocol ${names.join(',')}`);
      all.push(...filters('protocol', 'build', names.join(','), '1'));
    }
  }
  const debuggers = random.below(3) === 0;
  if (debuggers) lines.push('allow-debuggers');
  const more = debuggers ? ['allow-debuggers'] : [];
  const kind = random.below(4);
  const list = drawList(random, kind !== 3);
  if (kind === 0) {
    lines.push('seccomp');
    all.push(...filters('default', '1', ...more));
  } else if (kind === 1) {
    lines.push(`seccomp ${list.join(',')}`);
    all.push(...filters('default', 'drop', '1', '2', list.join(','), ...more));
  } else if (kind === 2) {
    lines.push(`seccomp.drop ${list.join(', ')}`);
    all.push(...filters('drop', '1', '2', list.join(','), ...more));
  } else {
    lines.push(`seccomp.keep ${list.join(',')}`);
    all.push(...filters('keep', '1', '2', list.join(',')));
  }
  if (random.below(3) === 0) {
    lines.push('memory-deny-write-execute');
    all.push(...filters('memory-deny-write-execute', '1'));
  }
  if (random.below(3) === 0) {
    lines.push('restrict-namespaces user,net');
    all.push(...filters('restrict-namespaces', '1', 'user,net'));
  }
  // Firejail has its own order of loading: the list comes last, so that its errno counts.
  return { text: `${lines.join('\n')}\n`, all };
}

const asked: readonly (readonly [number, (r: Random) => bigint[]])[] = [
  [9, (r) => [0n, 1n, BigInt(r.below(8))]],
  [10, (r) => [0n, 1n, BigInt(r.below(8))]],
  [30, (r) => [0n, 0n, BigInt(r.below(2)) * 0x8000n]],
  [41, (r) => [BigInt(r.below(46))]],
  [56, (r) => [r.pick([0x11n, 0x10000011n, 0x40000000n, 0x20000n])]],
  [272, (r) => [r.pick([0n, 0x10000000n, 0x40000000n, 0x20000n])]],
  [308, (r) => [3n, r.pick([0n, 0x10000000n, 0x20000n])]],
];

describe('profiles of firejail', () => {
  it('random ones decide as the filters that firejail writes', { timeout: busy }, () => {
    for (const seed of seedsFor('firejail', 10, 300)) {
      const random = new Random(seed);
      const { text, all } = draw(random);
      const imported = importPolicy(text, { from: 'firejail', arch: 'x86_64' }).text;
      const list: Event[] = Array.from({ length: 150 }, () => {
        const [nr, args] =
          random.below(2) === 0 ? random.pick(asked) : [random.below(463), () => []];
        return { arch: X86_64, nr, args: [...args(random), 0n, 0n, 0n, 0n, 0n, 0n].slice(0, 6) };
      });
      const result = compile({ ...requestOf({ text: imported }, {}), events: list });
      expect(result.ok, imported).toBe(true);
      for (const [i, event] of list.entries()) {
        const wanted = judge(all, event);
        const got = result.decisions[i]?.action;
        if (got !== wanted && (((got ?? 0) & 0xffff_0000) | 0) !== ((wanted & 0xffff_0000) | 0))
          expect.fail(
            `${event.nr}(${event.args.slice(0, 3).join(', ')}): ${got?.toString(16)} instead of ${wanted.toString(16)} in\n${text}\n${imported}`,
          );
      }
    }
  });

  it('have their own lists for the calls of i386', () => {
    const text = 'seccomp.drop mount\nseccomp.32.drop read\n';
    const imported = importPolicy(text, { from: 'firejail' }).text;
    const oracle = filters('drop32', '1', '2', 'read');
    for (const [nr, name] of [
      [3, 'read'],
      [21, 'mount'],
      [4, 'write'],
    ] as const) {
      const wanted = judge(oracle, { arch: i386, nr, args: [0n, 0n, 0n, 0n, 0n, 0n] });
      const said = simulate({ text: imported }, { call: name, arch: 'i386' }).actionText;
      expect([name, said]).toEqual([name, wanted === allow ? 'allow' : 'errno(EPERM)']);
    }
    expect(simulate({ text: imported }, { call: 'mount', arch: 'x86_64' }).actionText).toBe(
      'errno(EPERM)',
    );
    expect(simulate({ text: imported }, { call: 'read', arch: 'x86_64' }).actionText).toBe('allow');
  });

  const decide = (text: string, call: string) =>
    simulate({ text: importPolicy(text, { from: 'firejail', arch: 'x86_64' }).text }, { call })
      .actionText;

  it('have another action where they say so', () => {
    expect(decide('seccomp.drop mount\nseccomp-error-action kill\n', 'mount')).toBe('kill_process');
    expect(decide('seccomp-error-action ENOSYS\nseccomp.keep read\n', 'mount')).toBe(
      'errno(ENOSYS)',
    );
    expect(decide('seccomp.drop mount\nseccomp-error-action log\n', 'mount')).toBe('log');
  });

  it('include others, where those exist', () => {
    const includes = {
      'a.inc': 'seccomp.drop mount\ninclude b.inc\n',
      'b.inc': 'seccomp.drop reboot\n',
    };
    const { text } = importPolicy('include a.inc\ninclude missing.local\n', {
      from: 'firejail',
      includes,
      arch: 'x86_64',
    });
    expect(simulate({ text }, { call: 'mount' }).actionText).toBe('errno(EPERM)');
    expect(simulate({ text }, { call: 'reboot' }).actionText).toBe('errno(EPERM)');
  });

  it('are read and compile as Debian ships them', () => {
    const where = '/etc/firejail';
    const found = readdirSync(where).filter((name) => name.endsWith('.profile'));
    let read = 0;
    for (const name of found) {
      const text = readFileSync(join(where, name), 'utf8');
      if (!/^seccomp [!a-z]|^seccomp\.(?:drop|keep|32)|^restrict-namespaces/m.test(text)) continue;
      if (read >= 300) break;
      const imported = importPolicy(text, { from: 'firejail', name });
      if (read % 20 === 0)
        expect(compile(requestOf({ text: imported.text }, {})).ok, name).toBe(true);
      read++;
    }
    expect(read).toBeGreaterThan(50);
  });

  it.each<[string, RegExp, number]>([
    ['noroot\n', /no line that filters/, 1],
    ['seccomp.drop @nothing\n', /unknown group `@nothing`/, 1],
    ['noroot\nseccomp.drop read:EWHAT\n', /not an action: EWHAT/, 2],
    ['protocol tcp\n', /unknown protocol `tcp`/, 1],
    ['restrict-namespaces usr\n', /unknown kind of namespace `usr`/, 1],
    ['include a\n', /a includes itself/, 1],
  ])('with errors are refused with the place: %s', (text, message, line) => {
    try {
      importPolicy(text, { from: 'firejail', name: 'p', includes: { a: 'include a\n' } });
    } catch (error) {
      if (!(error instanceof PolicyError)) throw error;
      expect(error.diagnostics[0]?.message).toMatch(message);
      expect(error.diagnostics[0]?.line).toBe(line);
      return;
    }
    throw new Error('nothing was thrown');
  });
});
