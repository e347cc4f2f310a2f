/**
 * The native search for what `--home cow` and `--hide` close finds what a walk through every directory finds, with an
 * index and without, whatever is made, moved, closed or removed between two searches, and whatever becomes of the index.
 */
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Host, realHost, recordedHost } from '../../../src/host/index.js';
import { encodeRequest, nameTest } from '../../../src/host/search-request.js';
import { loadNative } from '../../../src/native/index.js';
import type { ResolveOptions } from '../../../src/options/run-options.js';
import { resolveSpec } from '../../../src/resolve/resolve.js';
import { numbers, oneOf } from '../../support/random.js';
import { seedsFor } from '../../support/seeds.js';

/** Removes directories that are closed, too, which an ordinary user cannot empty. */
function removeAll(path: string): void {
  spawnSync('chmod', ['-R', 'u+rwx', path]);
  fs.rmSync(path, { recursive: true, force: true });
}

const top = fs.mkdtempSync(join(tmpdir(), 'wasbox-search-'));
const home = join(top, 'home');
const state = join(home, '.local/state');
const searches = join(state, 'wasbox/searches');
const { native } = loadNative();
const isRoot = process.getuid?.() === 0;

/** Kinds of secrets, in directories of each depth. */
const secrets = [
  '.ssh/id_rsa',
  '.aws/credentials',
  '.config/gh/hosts.yml',
  '.config/google-chrome-beta/Cookies',
  '.local/share/keyrings/login',
  '.local/share/fish/fish_history',
  '.bash_history',
  'work/.env',
  'work/a/b/c/d/e/f/.env.production',
  'work/a/key.pem',
  'work/a/b/service-account-1.json',
  'work/secrets.yaml',
  'other/.docker/config.json',
  'other/deep/.cargo/credentials.toml',
];
/** Names that only look like them. */
const harmless = ['.environment', 'pem', 'id_rsa.pub', '.config/ghost/x', 'service-account.txt'];

function put(name: string): void {
  const path = join(home, name);
  fs.mkdirSync(join(path, '..'), { recursive: true });
  fs.writeFileSync(path, 'x');
}

function hostWith(search: boolean): Host {
  const env = { HOME: home, XDG_STATE_HOME: state, PATH: '/usr/bin:/bin' };
  const host = realHost({ native, env, cwd: join(home, 'demo') });
  return search ? host : { ...host, files: { ...host.files, search: undefined } };
}

/** Returns what is shown and hidden, or why nothing is. */
function views(search: boolean, options: ResolveOptions = {}): unknown {
  try {
    const asked = {
      command: 'true',
      home: 'cow',
      workdir: join(home, 'demo'),
      ...options,
    } as const;
    const { views: all, notes } = resolveSpec(asked, hostWith(search));
    return { all: [...all].sort((a, b) => (a.target < b.target ? -1 : 1)), notes };
  } catch (error) {
    return String(error);
  }
}

const hidden = (options?: ResolveOptions): string[] =>
  (views(true, options) as { all: { type: string; target: string }[] }).all
    .filter(({ type, target }) => type === 'hidden' && target.startsWith(home))
    .map(({ target }) => target.slice(home.length + 1));

function index(): string {
  const [name] = fs.readdirSync(searches).filter((one) => !one.includes('.'));
  return join(searches, name ?? 'none');
}

/** A search that reads a hundred directories or more writes the index anew. */
const identity = (): string => {
  const { ino, mtimeNs } = fs.statSync(index(), { bigint: true });
  return `${ino} ${mtimeNs}`;
};

beforeAll(async () => {
  fs.mkdirSync(join(home, 'demo'), { recursive: true });
  fs.mkdirSync(join(state, 'wasbox'), { recursive: true });
  fs.chmodSync(join(state, 'wasbox'), 0o700);
  put('.local/state/wasbox/saved/x/.env'); // the state directory is not searched
  put('demo/.env'); // nor what is shown as ever
  for (const name of [...secrets, ...harmless]) put(name);
  for (let i = 0; i < 150; i++) put(`many/d${i % 12}/e${i}/file`);
  // A directory that changed in the last two seconds is not in an index.
  await sleep(2100);
});

afterAll(() => {
  removeAll(top);
});

describe('the native search', () => {
  it('hides each kind of secret at each depth, and nothing else', () => {
    const found = hidden();
    const isHidden = (name: string): boolean =>
      found.some((path) => name === path || name.startsWith(`${path}/`));
    expect(secrets.filter((name) => !isHidden(name))).toEqual([]);
    expect(harmless.filter(isHidden)).toEqual([]);
    expect(views(true)).toEqual(views(false));
  });

  it('keeps an index in the state directory, and reads nothing anew that is as it was', () => {
    views(true);
    const before = identity();
    expect(fs.statSync(index()).mode & 0o777).toBe(0o600);
    expect(views(true)).toEqual(views(false));
    expect(identity()).toBe(before);
    // The control: without it, all is read, and it is written.
    fs.rmSync(index());
    views(true);
    expect(identity()).not.toBe(before);
  });

  it('hides a secret that was made in the moment before', () => {
    const next = numbers(1);
    for (let i = 0; i < 60; i++) {
      const directory = `many/d${Math.floor(next() * 12)}`;
      const name = `${directory}/${oneOf(next, ['.env', 'id_rsa', 'x.pem', '.netrc'])}`;
      put(name);
      expect(hidden()).toContain(name);
      fs.rmSync(join(home, name));
      expect(hidden()).not.toContain(name);
    }
  });

  it('hides a secret whose directory got its name, or came from elsewhere, since', () => {
    const there = join(home, 'plain');
    put('plain/gh/hosts.yml');
    put('plain/share/keyrings/login');
    expect(hidden()).not.toContain('plain/gh');
    fs.mkdirSync(join(home, 'up'));
    fs.renameSync(there, join(home, 'up/.config'));
    expect(hidden()).toContain('up/.config/gh');
    fs.renameSync(join(home, 'up/.config'), join(home, 'up/.local'));
    expect(hidden()).toContain('up/.local/share/keyrings');
    expect(views(true)).toEqual(views(false));
    fs.rmSync(join(home, 'up'), { recursive: true });
  });

  it('finds the same with other patterns beside it, in other directories, and in what is mounted there', () => {
    put('many/d1/e1/note.txt');
    const hide = [
      ['**/*.txt'],
      [`${home}/many/**/e1*`],
      [`${home}/*/a`],
      ['**/work/**/b'],
      ['**/[k]ey.pem', '**/?id*'],
      [`${home}/**/b/**`],
      ['/**/.env'],
    ];
    for (const one of hide) expect(views(true, { hide: one })).toEqual(views(false, { hide: one }));
    for (const more of [
      { hideSecrets: true },
      { rw: [join(home, 'work/a')] },
      { ro: [join(home, '.config/gh')] },
      { rw: [`${join(home, 'work')}:${join(home, 'many/d2')}`], hide: ['**/c'] },
      { workdir: join(home, 'work/a') },
    ]) {
      expect(views(true, more)).toEqual(views(false, more));
    }
  });

  it('is no start that is recorded', () => {
    const recording = recordedHost(hostWith(true));
    resolveSpec({ command: 'true', home: 'cow', workdir: join(home, 'demo') }, recording.host);
    expect(recording.obstacle()).toBeDefined();
  });

  const damage: Record<string, (path: string) => void> = {
    'is empty': (path) => fs.writeFileSync(path, ''),
    'is cut off': (path) => fs.truncateSync(path, fs.statSync(path).size - 9),
    'is longer': (path) => fs.appendFileSync(path, 'xxxxxxxx'),
    'can be read by others': (path) => fs.chmodSync(path, 0o644),
    'is a link': (path) => {
      fs.renameSync(path, join(top, 'elsewhere'));
      fs.symlinkSync(join(top, 'elsewhere'), path);
    },
    'is of another version': (path) => {
      const bytes = fs.readFileSync(path);
      bytes[7] = (bytes[7] ?? 0) ^ 1;
      fs.writeFileSync(path, bytes);
    },
    ...(isRoot ? { 'belongs to another user': (path) => fs.chownSync(path, 1, 1) } : {}),
  };
  it.each(Object.entries(damage))('uses no index that %s', (_, harm) => {
    views(true);
    put('many/d3/.env');
    harm(index());
    const before = identity();
    expect(hidden()).toContain('many/d3/.env');
    expect(identity()).not.toBe(before);
    fs.rmSync(join(home, 'many/d3/.env'));
    expect(views(true)).toEqual(views(false));
  });

  it('uses no index in which any byte was changed', () => {
    const next = numbers(2);
    const reference = views(false);
    for (let i = 0; i < 100; i++) {
      const bytes = fs.readFileSync(index());
      const at = i < 64 ? i : Math.floor(next() * bytes.length);
      bytes[at] = (bytes[at] ?? 0) ^ (1 << Math.floor(next() * 8));
      fs.writeFileSync(index(), bytes);
      const before = identity();
      expect(views(true)).toEqual(reference);
      expect(identity()).not.toBe(before);
    }
  });

  it('needs no state directory, and makes none', () => {
    fs.renameSync(join(state, 'wasbox'), join(top, 'away'));
    expect(views(true)).toEqual(views(false));
    expect(fs.existsSync(join(state, 'wasbox'))).toBe(false);
    fs.renameSync(join(top, 'away'), join(state, 'wasbox'));
  });

  it('finds what a walk finds after random changes', { timeout: 120_000 }, () => {
    const names = [
      'a',
      'b',
      '.config',
      'gh',
      '.env',
      'x.pem',
      '.ssh',
      'é',
      'work',
      '.local',
      'share',
    ];
    for (const seed of seedsFor('searches', 20, 200)) {
      const next = numbers(seed);
      const place = (): string => {
        const depth = 1 + Math.floor(next() * 4);
        const base = next() < 0.5 ? 'random' : `many/d${Math.floor(next() * 12)}`;
        return [base, ...Array.from({ length: depth }, () => oneOf(next, names))].join('/');
      };
      for (let i = 0; i < 6; i++) change(next, join(home, place()), join(home, place()));
      expect([seed, views(true)]).toEqual([seed, views(false)]);
    }
    removeAll(join(home, 'random'));
  });

  it('searches no directory that it is told is a state directory', () => {
    const test = nameTest('**/.env') ?? { exact: false, parts: [] };
    const searchWithout = (states: { dev: bigint; ino: bigint }[]) => {
      const request = encodeRequest({ context: '', states, skipped: [], tests: [test] });
      const [found, names] = native.search(home, request, undefined, () => {});
      return { found: Buffer.from(found).toString().includes('saved/x/.env'), names };
    };
    const { dev, ino } = fs.statSync(join(state, 'wasbox'), { bigint: true });
    const all = searchWithout([]);
    const rest = searchWithout([{ dev, ino }]);
    expect([all.found, rest.found]).toEqual([true, false]);
    expect(all.names - rest.names).toBeGreaterThan(3);
  });

  it('refuses a request that is none', () => {
    const good = encodeRequest({
      context: '',
      states: [],
      skipped: ['x'],
      tests: [nameTest('**/a/b*') ?? { exact: false, parts: [] }],
    });
    for (let size = 0; size < good.length; size++) {
      // A request that is cut at the end of the skipped paths has no tests.
      if (size === good.length - (2 + 3 + 1 + 3 + 1)) continue;
      expect(() => native.search(home, good.slice(0, size), undefined, () => {})).toThrow('EINVAL');
    }
    expect(native.search(home, good, undefined, () => {})[1]).toBeGreaterThan(100);
  });
});

/** A change that fails, as a move of a directory into itself, changes nothing. */
function change(next: () => number, path: string, other: string): void {
  const kinds = [
    () => fs.mkdirSync(path, { recursive: true }),
    () => {
      fs.mkdirSync(join(path, '..'), { recursive: true });
      fs.writeFileSync(path, '');
    },
    () => fs.rmSync(path, { recursive: true, force: true }),
    () => fs.renameSync(path, other),
    () => fs.symlinkSync(other, path),
    () => fs.chmodSync(path, oneOf(next, [0o111, 0, 0o755, 0o755])),
    () => fs.mkdirSync(Buffer.concat([Buffer.from(`${path}/`), Buffer.from([0xff])])),
  ];
  // A name that is not UTF-8 is refused as a whole: few of them.
  const kind = next() < 0.01 ? kinds[6] : kinds[Math.floor(next() * 6)];
  try {
    kind?.();
  } catch (error) {
    expect((error as NodeJS.ErrnoException).code).toMatch(/^E[A-Z]+$/);
  }
}
