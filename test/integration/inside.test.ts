/**
 * Tests what a default run is like from inside and, looking at the running payload through /proc, from
 * the host. The control is the same probe, and the same look, at a program without a sandbox.
 */
import * as fs from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventually, processesWith, uniqueMarker } from '../support/host.js';
import { type Identity, identities, ordinaryUser } from '../support/identity.js';
import { payloadText } from '../support/payload.js';
import { makeProject } from '../support/project.js';
import { runProgram, runWasbox, startProgram, wasboxArgv } from '../support/wasbox.js';

const secrets = {
  AWS_ACCESS_KEY_ID: 'secret-1',
  AWS_SECRET_ACCESS_KEY: 'secret-2',
  GITHUB_TOKEN: 'secret-3',
  GH_TOKEN: 'secret-4',
  NPM_TOKEN: 'secret-5',
  NODE_AUTH_TOKEN: 'secret-6',
  SSH_AUTH_SOCK: '/tmp/secret-7',
  DBUS_SESSION_BUS_ADDRESS: 'unix:path=/tmp/secret-8',
  DATABASE_URL: 'postgres://secret-9',
  OPENAI_API_KEY: 'secret-10',
  KUBECONFIG: '/secret-11',
  MY_OWN_VARIABLE: 'secret-12',
};

interface Probe {
  readonly pids: number[];
  readonly pid1: string;
  readonly commands: string[];
  readonly devices: string[];
  readonly routes: string[];
  readonly home: string;
  readonly homeEntries: string[];
  readonly canary: string;
  readonly homes: string[];
  readonly hostname: string;
  readonly env: Record<string, string>;
  readonly fds: number[];
  readonly mounts: string[];
  readonly cgroup: string;
  readonly shadow: string;
  readonly sys: string[];
  readonly dev: string[];
  readonly top: string[];
  readonly tmp: string[];
  readonly wrote: Record<string, boolean>;
  readonly sysctl: Record<string, boolean>;
  readonly kcore: string;
  readonly uid: number;
  readonly cwd: string;
  readonly setgroups: string;
  readonly init: Record<string, boolean>;
}

const namespaces = ['user', 'mnt', 'pid', 'net', 'ipc', 'uts', 'cgroup'] as const;
const hostNamespace = (name: string): string => fs.readlinkSync(`/proc/self/ns/${name}`);

/** Returns what everybody may know of a process. */
function statusOf(pid: number) {
  const status = new Map(
    fs
      .readFileSync(`/proc/${pid}/status`, 'utf8')
      .split('\n')
      .map((line) => [line.split(':')[0] ?? '', line.slice(line.indexOf(':') + 1).trim()]),
  );
  const words = (name: string): string[] =>
    (status.get(name) ?? '').split(/\s+/).filter((text) => text !== '');
  return {
    seccomp: status.get('Seccomp'),
    noNewPrivs: status.get('NoNewPrivs'),
    capabilities: ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'].map((name) =>
      Number.parseInt(status.get(name) ?? '1', 16),
    ),
    uids: words('Uid').map(Number),
    gids: words('Gid').map(Number),
    groups: words('Groups'),
    parent: Number(status.get('PPid')),
    innerPid: words('NSpid').map(Number),
  };
}

/** Returns what the host says about one process to its user. */
function look(pid: number) {
  return {
    ...statusOf(pid),
    own: namespaces.filter(
      (name) => fs.readlinkSync(`/proc/${pid}/ns/${name}`) !== hostNamespace(name),
    ),
    descriptors: fs.readdirSync(`/proc/${pid}/fd`).map(Number).sort(),
    environment: fs.readFileSync(`/proc/${pid}/environ`, 'utf8'),
  };
}

async function probe(as: Identity, mark: string, sandboxed: boolean): Promise<Probe> {
  const cwd = makeProject(as, { 'probe.py': payloadText('probe.py'), 'mine.txt': 'mine' });
  const options = { as, cwd, env: secrets };
  const run = sandboxed
    ? await runWasbox(['run', '-q', '--discard', 'probe.py', mark], options)
    : await runProgram(['python3', 'probe.py', mark], options);
  expect(run.err).toBe('');
  expect(run.status).toBe(0);
  return JSON.parse(run.out) as Probe;
}

describe.each(identities())('a default run as $label', (as) => {
  const mark = uniqueMarker();
  // As root, the control is the user's, whose marks must not be taken for the sandbox's.
  const outsideMark = as.uid === 0 ? uniqueMarker() : mark;
  const user = ordinaryUser();
  const canary = join(as.home, `.${mark}`);
  let inside: Probe;
  let outside: Probe;

  beforeAll(async () => {
    fs.writeFileSync(canary, 'canary');
    if (process.getuid?.() !== as.uid) fs.chownSync(canary, as.uid, as.gid);
    inside = await probe(as, mark, true);
    // As root, the probe's writes would really reach the system's directories.
    outside = await probe(user, outsideMark, false);
  });
  afterAll(() => {
    fs.rmSync(canary);
    for (const directory of [user.home, '/tmp', '/var/tmp', '/dev/shm']) {
      fs.rmSync(join(directory, outsideMark), { force: true });
    }
  });

  test('sees its own processes only, and init as the first', () => {
    expect(inside.pids.length).toBeLessThanOrEqual(3);
    expect(inside.pid1).toMatch(/^wasbox-init/);
    expect(inside.commands.join('\0')).not.toContain('vitest');
    expect(outside.pids.length).toBeGreaterThan(3);
    expect(outside.pid1).not.toMatch(/wasbox/);
  });

  test('has no network but the loopback, and no route', () => {
    expect(inside.devices).toEqual(['lo']);
    expect(inside.routes).toEqual([]);
    // The control: this process is in another network namespace, checked below.
  });

  test('sees an empty home and no other', () => {
    expect(inside.home).toBe(as.home);
    const allowed = makePathPrefixes(as.home, as.scratch);
    expect(inside.homeEntries.filter((name) => !allowed.has(name))).toEqual([]);
    expect(inside.canary).toBe('<2>');
    const others = inside.homes.filter((name) => `/home/${name}` !== as.home);
    expect(others.filter((name) => !name.startsWith('<'))).toEqual([]);
    if (as.uid !== 0) expect(outside.canary).toBe('canary');
  });

  test('cannot write to the system’s directories', () => {
    const own = ['/tmp/', '/var/tmp/', '/dev/shm/', `${as.home}/`];
    for (const [path, wrote] of Object.entries(inside.wrote)) {
      const writable = own.some(
        (prefix) => path.startsWith(prefix) && !path.slice(prefix.length).includes('/'),
      );
      if (!writable) expect(wrote, path).toBe(false);
    }
    for (const path of Object.keys(inside.wrote))
      expect(fs.existsSync(path)).toBe(as.uid !== 0 && outside.wrote[path] === true);
    expect(outside.wrote[`/tmp/${as.uid === 0 ? '' : mark}`] ?? true).toBe(true);
  });

  test('has a private /tmp', () => {
    const allowed = makePathPrefixes('/tmp', as.scratch);
    expect(inside.tmp.filter((name) => !allowed.has(name))).toEqual([]);
    expect(outside.tmp.length).toBeGreaterThan(0);
  });

  test('cannot reach kernel settings, and reads little of the host', () => {
    for (const [path, wrote] of Object.entries(inside.sysctl)) expect(wrote, path).toBe(false);
    expect(inside.shadow).toMatch(/^<\d+>$/);
    expect(inside.kcore).toMatch(/^(<\d+>)?$/);
    expect(inside.cgroup.replace(/^\d+:[^:]*:/gm, '')).toMatch(/^(\/\n?)+$/);
    for (const name of inside.dev) {
      expect([
        'console',
        'fd',
        'full',
        'mqueue',
        'null',
        'ptmx',
        'pts',
        'random',
        'shm',
        'stderr',
        'stdin',
        'stdout',
        'tty',
        'urandom',
        'zero',
        'core',
      ]).toContain(name);
    }
    for (const name of ['boot', 'mnt', 'media', 'srv', 'lost+found', 'opt-host']) {
      expect(
        inside.top.includes(name) && fs.readdirSync('/').includes(name) && name !== 'mnt',
      ).toBe(false);
    }
    expect(inside.mounts.length).toBeLessThan(80);
    expect(inside.mounts.join('\n')).not.toMatch(/\/(oldroot|put_old|\.old)/);
    expect(inside.init).toEqual({ environ: false, mem: false, maps: false, auxv: false });
    expect(outside.dev).toContain('kmsg');
  });

  test('does not get the caller’s secrets', () => {
    const text = JSON.stringify(inside.env);
    for (const [name, value] of Object.entries(secrets)) {
      expect(inside.env[name]).toBeUndefined();
      expect(text).not.toContain(`${value}"`);
      expect(outside.env[name]).toBe(value);
    }
    expect(inside.env.WASBOX).toBe('1');
  });

  test('has a host name of its own, and the working directory', () => {
    expect(inside.hostname).not.toBe(hostname());
    expect(outside.hostname).toBe(hostname());
    expect(inside.cwd.startsWith(as.scratch)).toBe(true);
  });

  test('is confined by every layer, as the host sees it', async () => {
    const marker = uniqueMarker();
    const cwd = makeProject(as);
    const sleeper = ['sh', '-c', 'echo ready; read wait', marker];
    const options = { as, cwd, env: secrets };
    const box = startProgram(
      [...wasboxArgv(as, ['run', '-q', '--discard', '--', ...sleeper])],
      options,
    );
    const free = startProgram(sleeper, options);
    try {
      const inBox = (pid: number): boolean => {
        try {
          return fs.readlinkSync(`/proc/${pid}/ns/pid`) !== hostNamespace('pid');
        } catch {
          return false;
        }
      };
      const payload = () => processesWith(marker).filter(inBox);
      // Until it speaks, the process with these arguments may be one that still builds the sandbox.
      let spoken = '';
      box.stdout?.on('data', (chunk: Buffer) => {
        spoken += chunk.toString();
      });
      expect(await eventually(() => spoken === 'ready\n' && payload().length > 0)).toBe(true);
      const seen = look(payload()[0] ?? 0);
      const control = look(free.pid ?? 0);

      expect(seen.own).toEqual([...namespaces]);
      expect(control.own).toEqual([]);
      expect([seen.seccomp, control.seccomp]).toEqual(['2', '0']);
      expect([seen.noNewPrivs, control.noNewPrivs]).toEqual(['1', '0']);
      expect(seen.capabilities).toEqual([0, 0, 0, 0, 0]);
      expect(control.capabilities.some((set) => set !== 0)).toBe(true);
      expect(seen.descriptors).toEqual([0, 1, 2]);
      expect(seen.uids).not.toContain(0);
      expect(seen.gids).not.toContain(0);
      expect(seen.groups).not.toContain('0');
      expect(seen.environment).not.toContain('secret-');
      expect(control.environment).toContain('secret-1');

      // Init cannot be looked into by its own user, so that the payload cannot either.
      const init = statusOf(seen.parent);
      expect(init.innerPid.at(-1)).toBe(1);
      expect(init.noNewPrivs).toBe('1');
      expect(init.capabilities).toEqual([0, 0, 0, 0, 0]);
    } finally {
      box.stdin?.end();
      free.stdin?.end();
      box.kill();
      free.kill();
    }
  });
});

/** The first path element below `parent` that leads to `path`, if it does. */
function makePathPrefixes(parent: string, path: string): Set<string> {
  const below = path.startsWith(`${parent}/`) ? path.slice(parent.length + 1).split('/')[0] : '';
  return new Set(below === '' ? [] : [below ?? '']);
}

describe.each(identities())('a working directory behind a symbolic link, as $label', (as) => {
  test.each(['$PWD', '--workdir', 'below the link'])('named by %s', async (way) => {
    const real = makeProject(as, { 'sub/a': 'a' });
    const link = `${real}-link`;
    fs.symlinkSync(real, link);
    const [cwd, name] =
      way === 'below the link' ? [join(real, 'sub'), join(link, 'sub')] : [real, link];
    const options = way === '--workdir' ? ['--workdir', name] : [];
    const args = [
      'run',
      '--discard',
      ...options,
      '--',
      'sh',
      '-c',
      'pwd; pwd -P; echo x > new; ls',
    ];
    const run = await runWasbox(args, { as, cwd, env: { PWD: way === '--workdir' ? cwd : name } });
    expect([run.err, run.status]).toEqual(['', 0]);
    const listed = way === 'below the link' ? ['a', 'new'] : ['new', 'sub'];
    expect(run.out.trim().split('\n')).toEqual([name, cwd, ...listed]);
    expect(fs.readdirSync(cwd)).not.toContain('new');
  });
});
