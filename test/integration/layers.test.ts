/**
 * Each layer of protection, seen from the host: a sandbox has it, and the same sandbox without that
 * one layer does not. So the suite fails when a layer is switched off, whichever it is.
 *
 * Needs: user namespaces, overlayfs in them, seccomp, Landlock ABI 6 (Linux 6.12).
 */
import type { ChildProcess } from 'node:child_process';
import { chownSync, closeSync, mkdtempSync, openSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { type Identity, identities } from '../support/identity.js';
import {
  descriptorsOf,
  environmentOf,
  findSandbox,
  namespaceOf,
  processStatus,
  rootMountOptions,
  sessionOf,
} from '../support/inspect.js';
import { runProgram, type StartOptions, startProgram } from '../support/wasbox.js';
import { type Layer, weakenedArgv } from '../support/weaken.js';

interface Running {
  readonly starter: number;
  readonly payload: number;
}

const running: ChildProcess[] = [];
const machineName = hostname();
afterEach(() => {
  for (const child of running.splice(0)) child.kill('SIGKILL');
  // Without a UTS namespace, a sandbox that named itself would name the machine.
  expect(hostname()).toBe(machineName);
});

function project(as: Identity): string {
  const directory = mkdtempSync(join(as.scratch, 'layers-'));
  chownSync(directory, as.uid, as.gid);
  return directory;
}

/** A sandbox whose payload sleeps, with a descriptor too many and a secret in its environment. */
async function sleeper(as: Identity, without: readonly Layer[]): Promise<Running> {
  const surplus = openSync('/etc/passwd', 'r');
  const child = startProgram(weakenedArgv(as, without, ['--', 'sleep', '60']), {
    as,
    cwd: project(as),
    env: { AWS_SECRET_ACCESS_KEY: 'secret' },
    stdio: ['ignore', 'ignore', 'pipe', surplus],
  });
  closeSync(surplus);
  running.push(child);
  const failed = new Promise<never>((_, reject) => {
    let text = '';
    child.stderr?.on('data', (chunk) => {
      text += chunk;
    });
    child.on('exit', () => reject(new Error(`wasbox ended: ${text}`)));
  });
  failed.catch(() => {});
  const starter = child.pid ?? 0;
  const found = await Promise.race([findSandbox(starter, 'sleep'), failed]);
  return { starter, ...found };
}

const capabilitySets = ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'];
const ownNamespace =
  (kind: string) =>
  ({ payload }: Running): boolean =>
    namespaceOf(payload, kind) !== namespaceOf('self', kind);

/** Says what the host sees of a payload that has the layer. */
const visible: Partial<Record<Layer, (running: Running) => boolean>> = {
  seccomp: ({ payload }) => processStatus(payload).get('Seccomp') === '2',
  'no-new-privs': ({ payload }) => processStatus(payload).get('NoNewPrivs') === '1',
  capabilities: ({ payload }) =>
    capabilitySets.every((set) => processStatus(payload).get(set) === '0000000000000000'),
  descriptors: ({ payload }) => descriptorsOf(payload).join() === '0,1,2',
  session: ({ payload, starter }) => sessionOf(payload) !== sessionOf(starter),
  'read-only-root': ({ payload }) => rootMountOptions(payload).includes('ro'),
  pid: ownNamespace('pid'),
  net: ownNamespace('net'),
  ipc: ownNamespace('ipc'),
  uts: ownNamespace('uts'),
  cgroup: ownNamespace('cgroup'),
};

/** seccomp(2) and landlock(7) want no_new_privs or a capability, so one goes only with the other. */
const leftOutWith: Partial<Record<Layer, readonly Layer[]>> = {
  'no-new-privs': ['no-new-privs', 'capabilities'],
};

const runWithout = (
  as: Identity,
  without: readonly Layer[],
  args: readonly string[],
  options: Partial<StartOptions> = {},
) => runProgram(weakenedArgv(as, without, args), { as, cwd: project(as), ...options });

describe.each(identities())('as $label', (as) => {
  it('a default run has every layer', async () => {
    const sandbox = await sleeper(as, []);
    for (const [layer, present] of Object.entries(visible)) {
      expect(present(sandbox), layer).toBe(true);
    }
    expect(environmentOf(sandbox.payload).join('\n')).not.toContain('secret');
  });

  it.each(Object.keys(visible) as Layer[])('without %s, that is noticed', async (layer) => {
    const left = leftOutWith[layer] ?? [layer];
    const sandbox = await sleeper(as, left);
    for (const [name, present] of Object.entries(visible)) {
      expect(present(sandbox), name).toBe(!left.includes(name as Layer));
    }
  });

  it('without no_new_privs alone, nothing starts: the kernel refuses the filter', async () => {
    const { status, err } = await runWithout(as, ['no-new-privs'], ['--', 'true']);
    expect(status).not.toBe(0);
    expect(err).toMatch(/step (landlock|seccomp)/);
  });

  it.each(['user', 'mount'] as const)('a plan without a %s namespace is refused', async (layer) => {
    const { status, err } = await runWithout(as, [layer], ['--', 'true']);
    expect(status).not.toBe(0);
    expect(err).toContain('step plan');
  });

  it('the environment passes what is asked for, and only that', async () => {
    const env = { GITHUB_TOKEN: 'secret' };
    const print = ['--', 'printenv', 'GITHUB_TOKEN'];
    expect((await runWithout(as, [], print, { env })).out).toBe('');
    const asked = await runWithout(as, [], ['--env', 'GITHUB_TOKEN', ...print], { env });
    expect(asked.out).toBe('secret\n');
  });

  it('Landlock keeps abstract sockets of the host away where the network is shared', async () => {
    const name = `wasbox-test-${process.pid}-${as.uid}`;
    // Node pads abstract names with NULs, so that the listener is a small program of its own.
    const listen = [
      'import socket',
      `s = socket.socket(socket.AF_UNIX); s.bind("\\0${name}"); s.listen(9)`,
      'print("listening", flush=True)',
      'while True: s.accept(); print("came", flush=True)',
    ].join('\n');
    const listener = startProgram(['/usr/bin/python3', '-c', listen], { as });
    running.push(listener);
    let heard = '';
    listener.stdout?.on('data', (chunk) => {
      heard += chunk;
    });
    await expect.poll(() => heard).toBe('listening\n');
    const code = `import socket; socket.socket(socket.AF_UNIX).connect("\\0${name}")`;
    const connect = ['--net', 'host', '--lang', 'python', '-c', code];
    expect((await runWithout(as, [], connect)).status).toBe(1);
    expect(heard).toBe('listening\n');
    expect((await runWithout(as, ['landlock'], connect)).status).toBe(0);
    await expect.poll(() => heard).toBe('listening\ncame\n');
  });

  it('init cannot be looked into: not even where Landlock would let it', async () => {
    const look = ['--', 'readlink', '/proc/1/exe'];
    expect((await runWithout(as, [], look)).status).toBe(1);
    expect((await runWithout(as, ['landlock'], look)).status).toBe(1);
    // Under root the kernel itself closes it, when init changes its ids.
    const open = await runWithout(as, ['landlock', 'dumpable'], look);
    expect(open.out.includes('wasbox-init')).toBe(as.label === 'ordinary user');
  });

  it('the session keyring is a new one', async () => {
    // keyctl(2): the filter would refuse it. Without a session keyring of the caller's there would
    // be nothing to share, so it joins one first.
    const keyctl = `import ctypes, os, sys
call = ctypes.CDLL(None).syscall
keyctl = lambda *words: call(${process.arch === 'arm64' ? 219 : 250}, *words)
`;
    const show = `${keyctl}print(keyctl(0, -3, 0))`;
    const inSession = `${keyctl}keyctl(1, None); print(keyctl(0, -3, 0), flush=True)
os.execvp(sys.argv[1], sys.argv[1:])`;
    const ask = async (without: readonly Layer[]) => {
      const inside = weakenedArgv(as, without, ['--lang', 'python', '-c', show]);
      const { out } = await runProgram(['/usr/bin/python3', '-c', inSession, ...inside], {
        as,
        cwd: project(as),
      });
      const [outer = '', inner = ''] = out.trim().split('\n');
      expect(outer).toMatch(/^\d+$/);
      expect(inner).toMatch(/^\d+$/);
      return inner === outer;
    };
    expect(await ask(['seccomp'])).toBe(false);
    expect(await ask(['seccomp', 'keyring'])).toBe(true);
  });
});
