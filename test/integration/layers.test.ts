/**
 * Each layer of protection, seen from the host: a sandbox has it, and the same sandbox without that
 * one layer does not. So the suite fails when a layer is switched off, whichever it is.
 *
 * Needs: user namespaces, overlayfs in them, seccomp, Landlock ABI 6 (Linux 6.12).
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, openSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { LayerName, NamespaceName } from '../../src/plan/index.js';
import {
  descriptorsOf,
  environmentOf,
  findSandbox,
  namespaceOf,
  ownerOfPrivateFiles,
  processStatus,
  rootMountOptions,
  sessionOf,
} from '../support/inspect.js';
import { type TestUser, testUsers } from '../support/users.js';
import { weakenedCommand } from '../support/weaken.js';

type Layer = LayerName | NamespaceName;

interface Running {
  readonly starter: ChildProcess;
  readonly init: number;
  readonly payload: number;
}

const running: ChildProcess[] = [];
const directories: string[] = [];
afterEach(() => {
  for (const child of running.splice(0)) child.kill('SIGKILL');
  for (const directory of directories.splice(0))
    rmSync(directory, { recursive: true, force: true });
});

function projectOf(user: TestUser): string {
  const directory = mkdtempSync(join(user.scratch, 'layers-'));
  user.own(directory);
  directories.push(directory);
  return directory;
}

/** A sandbox whose payload sleeps, with a descriptor too many and a secret in its environment. */
async function sleeper(user: TestUser, without: readonly Layer[]): Promise<Running> {
  const [command = '', ...args] = user.command([
    ...weakenedCommand(...without),
    '--',
    'sleep',
    '60',
  ]);
  const starter = spawn(command, args, {
    cwd: projectOf(user),
    env: { ...user.env, AWS_SECRET_ACCESS_KEY: 'secret' },
    stdio: ['ignore', 'ignore', 'pipe', openSync('/etc/passwd', 'r')],
  });
  running.push(starter);
  const failed = new Promise<never>((_, reject) => {
    let text = '';
    starter.stderr?.on('data', (chunk) => {
      text += chunk;
    });
    starter.on('exit', () => reject(new Error(`wasbox ended: ${text}`)));
  });
  failed.catch(() => {});
  const found = await Promise.race([findSandbox(starter.pid ?? 0, 'sleep'), failed]);
  return { starter, ...found };
}

/** What a host sees of a payload that has the layer. */
const visible: Partial<Record<Layer, (running: Running) => boolean>> = {
  seccomp: ({ payload }) => processStatus(payload).get('Seccomp') === '2',
  'no-new-privs': ({ payload }) => processStatus(payload).get('NoNewPrivs') === '1',
  capabilities: ({ payload }) =>
    ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'].every(
      (set) => processStatus(payload).get(set) === '0000000000000000',
    ),
  descriptors: ({ payload }) => descriptorsOf(payload).join() === '0,1,2',
  session: ({ payload, starter }) => sessionOf(payload) !== sessionOf(starter.pid ?? 0),
  dumpable: ({ init }) => ownerOfPrivateFiles(init) === 0,
  'read-only-root': ({ payload }) => rootMountOptions(payload).includes('ro'),
  pid: ({ payload }) => namespaceOf(payload, 'pid') !== namespaceOf('self', 'pid'),
  net: ({ payload }) => namespaceOf(payload, 'net') !== namespaceOf('self', 'net'),
  ipc: ({ payload }) => namespaceOf(payload, 'ipc') !== namespaceOf('self', 'ipc'),
  uts: ({ payload }) => namespaceOf(payload, 'uts') !== namespaceOf('self', 'uts'),
  cgroup: ({ payload }) => namespaceOf(payload, 'cgroup') !== namespaceOf('self', 'cgroup'),
};

/** seccomp(2) and landlock(7) want no_new_privs or a capability, so one goes only with the other. */
const leftOutWith: Partial<Record<Layer, readonly Layer[]>> = {
  'no-new-privs': ['no-new-privs', 'capabilities'],
};

function runToEnd(user: TestUser, without: readonly Layer[], args: readonly string[]) {
  const [command = '', ...rest] = user.command([...weakenedCommand(...without), ...args]);
  return spawnSync(command, rest, { cwd: projectOf(user), env: user.env, encoding: 'utf8' });
}

describe.each(testUsers())('as $name', (user) => {
  it('a default run has every layer', async () => {
    const sandbox = await sleeper(user, []);
    for (const [layer, present] of Object.entries(visible)) {
      expect(present(sandbox), layer).toBe(true);
    }
    expect(environmentOf(sandbox.payload).join('\n')).not.toContain('secret');
  });

  it.each(Object.keys(visible) as Layer[])('without %s, that is noticed', async (layer) => {
    const left = leftOutWith[layer] ?? [layer];
    const sandbox = await sleeper(user, left);
    for (const [name, present] of Object.entries(visible)) {
      expect(present(sandbox), name).toBe(!left.includes(name as Layer));
    }
  });

  it('without no_new_privs alone, nothing starts: the kernel refuses the filter', () => {
    const { status, stderr } = runToEnd(user, ['no-new-privs'], ['--', 'true']);
    expect(status).not.toBe(0);
    expect(stderr).toMatch(/landlock|seccomp/);
  });

  it.each(['user', 'mount'] as const)('a plan without a %s namespace is refused', (layer) => {
    const { status, stderr } = runToEnd(user, [layer], ['--', 'true']);
    expect(status).not.toBe(0);
    expect(stderr).toContain('plan');
  });

  it('the environment passes what is asked for, and only that', () => {
    const withSecret = { ...user, env: { ...user.env, GITHUB_TOKEN: 'secret' } };
    const print = ['--', 'printenv', 'GITHUB_TOKEN'];
    expect(runToEnd(withSecret, [], print).stdout).toBe('');
    expect(runToEnd(withSecret, [], ['--env', 'GITHUB_TOKEN', ...print]).stdout).toBe('secret\n');
  });

  it('Landlock keeps abstract sockets of the host away where the network is shared', async () => {
    const name = `wasbox-test-${process.pid}-${user.name}`;
    let connections = 0;
    const server: Server = createServer((socket) => {
      connections++;
      socket.on('error', () => {});
    });
    await new Promise<void>((resolve) => server.listen(`\0${name}`, resolve));
    const connect = [
      ...['--net', 'host', '--lang', 'python', '-c'],
      `import socket; socket.socket(socket.AF_UNIX).connect("\\0${name}")`,
    ];
    const attempt = async (without: readonly Layer[]) => {
      const [command = '', ...rest] = user.command([...weakenedCommand(...without), ...connect]);
      const child = spawn(command, rest, { cwd: projectOf(user), env: user.env, stdio: 'ignore' });
      return new Promise((resolve) => child.on('exit', resolve));
    };
    try {
      expect(await attempt([])).toBe(1);
      expect(connections).toBe(0);
      expect(await attempt(['landlock'])).toBe(0);
      await expect.poll(() => connections).toBe(1);
    } finally {
      server.close();
    }
  });

  it('the session keyring is a new one', () => {
    // keyctl(KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0); the filter would refuse it.
    const number = process.arch === 'arm64' ? 219 : 250;
    const ask = `import ctypes; print(ctypes.CDLL(None).syscall(${number}, 0, -3, 0))`;
    const inside = (without: readonly Layer[]) =>
      runToEnd(user, ['seccomp', ...without], ['--lang', 'python', '-c', ask]).stdout.trim();
    const [command = '', ...args] = user.command(['/usr/bin/python3', '-c', ask]);
    const outside = spawnSync(command, args, { env: user.env, encoding: 'utf8' }).stdout.trim();
    expect(inside([])).toMatch(/^\d+$/);
    expect(inside([])).not.toBe(outside);
    expect(inside(['keyring'])).toBe(outside);
  });
});
