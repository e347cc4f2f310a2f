/** Profiles: what they may say, where an error is, and what one from the sandboxed directory may not. */
import { describe, expect, it } from 'vitest';
import type { RunOptions } from '../../../src/options/run-options.js';
import { baseFiles, directory } from '../resolve/fake-host.js';
import { mountAt, refusal, resolve, resolveCode } from '../resolve/support.js';

const outside = '/home/ann/.config/wasbox/p.toml';
const inside = '/home/ann/proj/p.toml';

function machine(path: string, text: string) {
  return {
    files: {
      ...baseFiles,
      [path]: text,
      '/home/ann/data': directory,
      '/home/ann/.config/wasbox/near': directory,
    },
  };
}
const load = (text: string, options: RunOptions = {}, path = outside) =>
  resolve({ profile: path, ...options }, machine(path, text));
const broken = (text: string, options: RunOptions = {}, path = outside) =>
  refusal({ profile: path, ...options }, machine(path, text));

describe('a profile', () => {
  it('holds the options of the command line', () => {
    const spec = load(`
net = "none"
allow = ["ptrace"]
[files]
read-only = ["~/data", "near"]
hide = ["**/.env"]
[limits]
timeout = "30s"
pids = 77
[env]
COLOUR = "blue"
`);
    expect(spec.limits).toMatchObject({ timeoutMs: 30_000, processes: 77 });
    expect(mountAt(spec, '/home/ann/data')).toMatchObject({ type: 'host', access: 'read' });
    expect(mountAt(spec, '/home/ann/.config/wasbox/near')).toMatchObject({ access: 'read' });
    expect(spec.env.COLOUR).toBe('blue');
    expect(spec.policy.text).toContain('allow ptrace');
  });

  it('gives way to the command line, and adds to its lists', () => {
    const spec = load(
      'net = "host"\nallow = ["ptrace"]\n[limits]\npids = 5\n[env]\nA = "1"\nB = "1"',
      {
        net: 'none',
        allow: ['kcmp'],
        pids: 6,
        env: { B: '2' },
      },
    );
    expect(spec.net).toBe('none');
    expect(spec.limits.processes).toBe(6);
    expect(spec.policy.text).toMatch(/allow ptrace\nallow kcmp\n/);
    expect(spec.env).toMatchObject({ A: '1', B: '2' });
  });

  it('may hold a policy', () => {
    const text = "policy-text = '''\ndefault allow\n'''";
    expect(load(text).policy).toEqual({
      name: outside,
      builtin: false,
      kernel: '6.1.0-50-amd64',
      text: '\ndefault allow\n',
      includes: {},
    });
    expect(load(text, { policy: '/home/ann/.config/wasbox/p.toml' }).policy.text).toBe(text);
  });

  it('is nothing that is picked up by itself', () => {
    const files = {
      ...baseFiles,
      '/home/ann/proj/wasbox.toml': 'net = "host"',
      '/home/ann/proj/.wasbox.toml': 'net = "host"',
    };
    expect(resolve({}, { files }).net).toBe('none');
  });

  it('leaves what was learned alone', () => {
    const text = '[learned]\nruns = 2\n[learned.calls]\nread = 3';
    expect(load(text).net).toBe('none');
    expect(load("net = 'none'").policy.learned).toBeUndefined();
  });

  it('knows the command that adds a run to it if it was learned', () => {
    const learn = ['wasbox', 'learn', '-o', outside];
    const text = [
      ...["policy-text = ''", 'net = "none"'],
      ...['[files]', 'read-only = ["/home/ann/data/in"]', '[limits]', 'timeout = "30s"'],
      ...['[env]', 'TOKEN = "secret"', 'LANG = true', '[learned]', 'shown = ["/home/ann/data"]'],
    ].join('\n');
    const files = { ...machine(outside, text).files, '/home/ann/data/in': directory };
    const given = { profile: outside, command: 'sh', args: ['-c', 'x y'], hideSecrets: true };
    expect(resolve(given, { files }).policy.learned).toEqual([
      ...[...learn, '--ro', '/home/ann/data', '--hide-secrets', '--timeout', '30s'],
      ...['--env', 'TOKEN=…', '--env', 'LANG', '--', 'sh', '-c', 'x y'],
    ]);
    const code = resolveCode(
      { profile: outside, code: 'id', lang: 'sh' },
      machine(outside, text.replace('data/in', 'data')),
    );
    expect(code.policy.learned?.slice(0, 6)).toEqual([...learn, '--lang', 'sh']);
    expect(code.policy.learned?.slice(-2)).toEqual(['-c', 'id']);
    const other = { profile: outside, policy: '/home/ann/p.policy' };
    expect(
      resolve(other, { files: { ...files, '/home/ann/p.policy': 'default allow' } }).policy.learned,
    ).toBeUndefined();
  });
});

describe('an error in a profile', () => {
  it.each([
    ['net = "none"\npids = ', ':2:8', 'TOML'],
    ['# one\n[limits]\npids = "many"', ':3: limits.pids', 'limits.pids 512'],
    ['[limits]\nnope = 1', ':2: limits.nope: unknown key', 'limits'],
    ['[files]\nread-onyl = []', ':2: files.read-onyl: unknown key', 'files.read-only'],
    ['[files]\nread-only = "x"', ':2: files.read-only: must be a list', '["'],
    ['[file]\nhide = []', ':1: file: unknown key', 'files'],
    ['hide = []', ':1: hide: unknown key', 'files.hide'],
    ['limits = 3', ':1: limits: must be a table', '[limits]'],
    ['[learned]\nshown = 3', ':1: learned: `shown` must be', 'again'],
    ['root = 1', ':1: root: must be true or false', 'true'],
    ['env = 3', ':1: env', 'NAME'],
    ["a = '''\nroot = 1\n'''\nroot = 1", ':1: a: unknown key', 'Keys of a profile'],
    ["policy = 'x'\npolicy-text = ''", ':2: policy-text', 'Remove one'],
  ])('says where: %j', (text, place, hint) => {
    const error = broken(text);
    expect(error.code).toBe('ERR_PROFILE');
    expect(error.message).toContain(`${outside}${place}`);
    expect(error.hint).toContain(hint);
  });

  it.each([
    ['net = "none"\n[files]\nread-only = ["~/data", "gone"]', ':3: files.read-only'],
    ['[files]\nread-only = [\n  "~/data",\n  "gone",  # x\n]', ':4: files.read-only'],
    ["[files]\nwritable = ['gone']", ':2: files.writable'],
    ['[files]\ncopy-on-write = ["gone"]', ':2: files.copy-on-write'],
    ['# one\nsockets = ["gone"]', ':2: sockets'],
    ['policy = "gone"', ':1: policy'],
  ])('says where a path stands that is not there: %j', (text, place) => {
    const { message } = broken(text, { ro: ['/home/ann/data'] });
    expect(message).toContain(`${outside}${place} /home/ann/.config/wasbox/gone: no such file`);
    // Paths from the command line are still reported by their option.
    const { message: own } = broken('[files]\nread-only = ["~/data"]', { ro: ['/none'] });
    expect(own).toBe('--ro /none: no such file or directory');
  });

  it('reports a policy at its position in the file', () => {
    const lines = (text: string) => load(text).policy.text?.split('\n').findIndex(Boolean);
    expect(lines("net = 'none'\npolicy-text = '''\ndefault allow\n'''")).toBe(2);
    expect(lines("net = 'none'\npolicy-text = 'default allow'")).toBe(1);
  });

  it('says which file is missing', () => {
    expect(refusal({ profile: 'none.toml' }).message).toContain(
      '--profile none.toml: no such file',
    );
  });
});

describe('a profile in the sandboxed directory', () => {
  it.each([
    '[files]\nread-only = ["/home/ann/.ssh"]',
    '[files]\nwritable = ["/home/ann"]',
    '[files]\ncopy-on-write = ["/home/ann/data"]',
    'net = "host"',
    'net = "example.com"',
    'allow = ["ptrace"]',
    'policy = "/home/ann/proj/loose"',
    '[env]\nTOKEN = true',
    'root = true',
    '[limits]\npids = 100000',
    '[limits]\nmemory = "1T"',
    '[files]\nhide-secrets = false',
  ])('cannot loosen it: %j', (text) => {
    const error = broken(text, {}, inside);
    expect(error.message).toContain('can only tighten');
    expect(error.message).toMatch(/p\.toml:\d/);
    expect(
      load(text.replace('/home/ann/proj/loose', outside).replace('"/home/ann"', '"~/data"')),
    ).toBeDefined();
  });

  it('can tighten it', () => {
    const text =
      'net = "none"\n[files]\nhide = ["**/.env"]\nhide-secrets = true\n[limits]\ntimeout = 5';
    expect(load(text, {}, inside).limits.timeoutMs).toBe(5000);
  });

  it('has its policy held within the one that would be in force', () => {
    const { policy } = load("policy-text = 'default allow'", { allow: ['kcmp'] }, inside);
    expect(policy.within).toMatchObject({ builtin: true, text: 'allow kcmp\ninclude "default"\n' });
    expect(load("policy-text = 'default allow'").policy.within).toBeUndefined();
  });

  it.each([
    [
      'through a link that lies there',
      inside,
      { [inside]: { link: outside }, [outside]: 'root = true' },
    ],
    [
      'through a linked directory',
      '/home/ann/proj/d/p.toml',
      {
        '/home/ann/proj/d': { link: '/home/ann/.config/wasbox' },
        [outside]: 'root = true',
      },
    ],
    ['by a link to it', outside, { [outside]: { link: inside }, [inside]: 'root = true' }],
    [
      'in a directory that is writable',
      '/home/ann/data/p.toml',
      { '/home/ann/data/p.toml': 'root = true' },
    ],
  ])('is known %s', (_how, profile, files) => {
    const error = refusal(
      { profile, rw: ['/home/ann/data'] },
      { files: { ...baseFiles, '/home/ann/data': directory, ...files } },
    );
    expect(error.message).toContain('can only tighten');
  });
});
