import { describe, expect, it } from 'vitest';
import type { Host } from '../../../src/host/index.js';
import type { RunOptions } from '../../../src/options/index.js';
import { resolveSpec } from '../../../src/resolve/resolve.js';
import { SpecCache } from '../../../src/resolve/spec-cache.js';
import { baseFiles, type FakeMachine, fakeHost, program } from './fake-host.js';

const machine: FakeMachine = { files: baseFiles, uid: 1000, cwd: '/home/ann/proj' };
const options: RunOptions = { command: 'script.py', changes: 'discard' };

function counted(host: Host): { host: Host; count: () => number } {
  let asked = 0;
  const files = Object.fromEntries(
    Object.entries(host.files).map(([name, ask]) => [
      name,
      (...args: unknown[]) => {
        asked += 1;
        return (ask as (...args: unknown[]) => unknown)(...args);
      },
    ]),
  ) as unknown as Host['files'];
  return { host: { ...host, files }, count: () => asked };
}

/** Specs that know the options on the machine already. */
function warm(now: () => number = () => 0, given: RunOptions = options, on = machine) {
  const specs = new SpecCache(now);
  specs.resolve(given, fakeHost(on));
  const spec = specs.resolve(given, fakeHost(on));
  return { specs, spec };
}

describe('options that were resolved before', () => {
  it('give the same, and ask little', () => {
    const { specs, spec } = warm();
    const first = counted(fakeHost(machine));
    expect(resolveSpec(options, first.host)).toEqual(spec);
    const again = counted(fakeHost(machine));
    expect(specs.resolve({ ...options }, again.host)).toBe(spec);
    expect(again.count()).toBeGreaterThan(3);
    expect(again.count()).toBeLessThan(first.count());
  });

  it('differ if the run can ask', () => {
    const { specs, spec } = warm();
    const asked = specs.resolve({ ...options, ask: () => 'deny' }, fakeHost(machine));
    expect([spec.net, asked.net]).toEqual(['none', 'rules']);
    expect(asked.network).toMatchObject({ allow: [], optional: true, text: 'none' });
    const file = asked.views.find(
      ({ type, target }) => type === 'file' && target.endsWith('resolv.conf'),
    );
    const text = file?.type === 'file' ? new TextDecoder().decode(file.content) : '';
    expect(text).toBe('nameserver 127.0.0.53\noptions timeout:30 attempts:5\n');
    expect(specs.resolve(options, fakeHost(machine)).net).toBe('none');
  });

  it('are not recorded the first time', () => {
    const specs = new SpecCache(() => 0);
    const spec = specs.resolve(options, fakeHost(machine));
    const recorded = specs.resolve(options, fakeHost(machine));
    expect(recorded).not.toBe(spec);
    expect(recorded).toEqual(spec);
  });

  it.each<[string, FakeMachine]>([
    ['a variable', { ...machine, env: { TERM: 'vt100' } }],
    [
      'the directory',
      {
        ...machine,
        files: { ...baseFiles, '/home/ann/proj': { directory: true, uid: 1000, mode: 0o700 } },
      },
    ],
    [
      'the script',
      { ...machine, files: { ...baseFiles, '/home/ann/proj/script.py': '#!/bin/sh\n' } },
    ],
    [
      'a new program in PATH',
      { ...machine, files: { ...baseFiles, '/usr/local/bin/python3': program } },
    ],
    ['the user', { ...machine, uid: 0 }],
  ])('are resolved anew after a change of %s', (_what, changed) => {
    const { specs, spec } = warm();
    const now = specs.resolve(options, fakeHost(changed));
    expect(now).not.toBe(spec);
    expect(now).toEqual(resolveSpec(options, fakeHost(changed)));
  });

  it('fail as always where they cannot be any more', () => {
    const there = { ...machine, files: { ...baseFiles, '/home/ann/proj/gone.py': 'print(2)\n' } };
    const given = { ...options, command: 'gone.py' };
    const { specs, spec } = warm(() => 0, given, there);
    const gone = () => specs.resolve(given, fakeHost(machine));
    expect(gone).toThrow(/gone\.py/);
    expect(gone).toThrow(/gone\.py/);
    expect(specs.resolve(given, fakeHost(there))).toEqual(spec);
  });

  it('hold for a second as to what only root can change', () => {
    let now = 0;
    const { specs, spec } = warm(() => now);
    const changed = {
      ...machine,
      files: { ...baseFiles, '/usr/bin/python3': { ...program, mode: 0o555 } },
    };
    now = 900;
    expect(specs.resolve(options, fakeHost(changed))).toBe(spec);
    now = 1100;
    expect(specs.resolve(options, fakeHost(changed))).not.toBe(spec);
  });

  it('are distinguished by their streams, and remembered for each', () => {
    const { specs, spec } = warm();
    const given = { ...machine, streams: ['pipe', 'file', 'file'] } as const;
    specs.resolve(options, fakeHost(given));
    const written = specs.resolve(options, fakeHost(given));
    expect(written.guards.files).toEqual(['stdout', 'stderr']);
    expect(specs.resolve(options, fakeHost(machine))).toBe(spec);
    expect(specs.resolve(options, fakeHost(given))).toBe(written);
  });

  it.each<[string, FakeMachine]>([
    ['Landlock', { ...machine, landlockAbi: 3 }],
    [
      'where mounts show the state directory',
      { ...machine, mounted: { '/home/ann/.local/state/wasbox': ['/usr/lib/wasbox'] } },
    ],
  ])('hold for a second as to %s', (_what, changed) => {
    let now = 0;
    const { specs, spec } = warm(() => now);
    now = 900;
    expect(specs.resolve(options, fakeHost(changed))).toBe(spec);
    now = 1100;
    expect(specs.resolve(options, fakeHost(changed))).toEqual(
      resolveSpec(options, fakeHost(changed)),
    );
  });

  it('are distinguished by everything but how to talk to the sandbox', () => {
    const { specs, spec } = warm();
    const call = {
      ...options,
      input: 'x',
      maxOutputBytes: 7,
      signal: new AbortController().signal,
    };
    expect(specs.resolve(call, fakeHost(machine))).toBe(spec);
    for (const other of [
      { args: ['x'] },
      { env: { A: 'b' } },
      { pids: 7 },
      { net: 'host' as const },
    ]) {
      const wanted = { ...options, ...other };
      expect(specs.resolve(wanted, fakeHost(machine))).toEqual(
        resolveSpec(wanted, fakeHost(machine)),
      );
    }
  });

  it('are checked if they are not plain data', () => {
    const { specs } = warm();
    const odd = { ...options, extra: () => {} } as RunOptions;
    expect(() => specs.resolve(odd, fakeHost(machine))).toThrow(/extra/);
    const date = { ...options, pids: Number.NaN };
    expect(() => specs.resolve(date, fakeHost(machine))).toThrow(/pids/);
  });

  it('draw ids of the run anew, as root, and ask little', () => {
    const root = { ...machine, uid: 0, random: 1 };
    const { specs, spec } = warm(() => 0, options, root);
    const first = counted(fakeHost(root));
    resolveSpec(options, first.host);
    const again = counted(fakeHost({ ...root, random: 2 }));
    const other = specs.resolve(options, again.host);
    expect(other.identity).toEqual({
      ...spec.identity,
      hostUid: spec.identity.hostUid + 65_536,
      hostGid: spec.identity.hostGid + 65_536,
    });
    expect({ ...other, identity: spec.identity }).toEqual(spec);
    expect(again.count()).toBeLessThan(first.count());
  });

  it('are resolved anew where an account has the ids that were drawn', () => {
    const root = { ...machine, uid: 0, random: 1 };
    const { specs, spec } = warm(() => 0, options, root);
    const { hostUid } = spec.identity;
    const host = fakeHost(root);
    const userById: Host['userById'] = (uid) =>
      uid === hostUid
        ? { name: 'eve', gid: uid, home: '/home/eve', shell: '/bin/sh' }
        : host.userById(uid);
    const files = { ...host.files };
    files.lstat = (path) =>
      host.files.lstat(path.startsWith('/home/eve/.local/state/wasbox/') ? '/home/ann/proj' : path);
    const found = specs.resolve(options, { ...host, userById, files });
    expect(found.state.paths).toContain('/home/eve/.local/state/wasbox');
    expect(spec.state.paths).not.toContain('/home/eve/.local/state/wasbox');
  });

  it('are not remembered where ids of no account are drawn, one by one', () => {
    const root = { ...machine, uid: 0 };
    const landlock: RunOptions = { ...options, isolation: 'landlock' };
    const { specs, spec } = warm(() => 0, landlock, root);
    expect(specs.resolve(landlock, fakeHost(root))).not.toBe(spec);
  });

  it('are forgotten, the oldest first', () => {
    const { specs, spec } = warm();
    for (let i = 0; i < 64; i++) specs.resolve({ ...options, args: [`${i}`] }, fakeHost(machine));
    expect(specs.resolve(options, fakeHost(machine))).not.toBe(spec);
  });
});
