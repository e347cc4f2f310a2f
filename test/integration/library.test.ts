/** `run` and `spawn` as a program uses them. Needs: user namespaces, overlayfs in them. */
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import {
  AbortError,
  PolicyError,
  type RunSettings,
  run,
  spawn,
  UsageError,
} from '../../src/index.js';
import { processesWith } from '../support/host.js';
import { libraryPlace } from '../support/library-place.js';
import { freePort } from '../support/network/index.js';

const { workdir, state } = libraryPlace('library');

const shell = (code: string, options: RunSettings = {}) =>
  run({ code, workdir, changes: 'discard', ...options });

describe('run', () => {
  it('collects output, and takes arguments as they are', async () => {
    const result = await run('printf', ['%s|', 'a b', '$HOME', '*'], { workdir });
    expect(result).toMatchObject({
      exitCode: 0,
      signal: undefined,
      timedOut: false,
      stdout: 'a b|$HOME|*|',
      stderr: '',
      truncated: false,
      changes: undefined,
    });
    expect(result.durationMs).toBeGreaterThan(0);
    expect(result.report).toMatchObject({
      schemaVersion: 1,
      outcome: { kind: 'exited', status: 0 },
    });
  });

  it('gives bytes that are not text', async () => {
    const { stdoutBytes } = await shell("printf '\\377\\000\\001'");
    expect([...stdoutBytes]).toEqual([255, 0, 1]);
  });

  it('feeds stdin', async () => {
    expect((await shell('cat', { input: 'x'.repeat(300_000) })).stdout).toHaveLength(300_000);
    expect((await shell('cat')).stdout).toBe('');
  });

  it('has a failure as a result, not as an error', async () => {
    expect(await shell('echo no >&2; exit 7')).toMatchObject({ exitCode: 7, stderr: 'no\n' });
    expect(await shell('kill -SEGV $$')).toMatchObject({
      exitCode: undefined,
      signal: 'SIGSEGV',
      report: { outcome: { kind: 'signaled', status: 139 } },
    });
  });

  it('says when the time limit ended it', async () => {
    const result = await shell('sleep 60', { timeoutMs: 300 });
    expect(result).toMatchObject({ timedOut: true, report: { outcome: { status: 124 } } });
  });

  it('keeps, applies and discards changes', async () => {
    const code = 'echo inside > data.txt';
    const onHost = () => readFileSync(join(workdir, 'data.txt'), 'utf8');
    const kept = await run({ code, workdir, changes: 'keep' });
    expect(kept.changes).toMatchObject({
      disposition: 'kept',
      counts: { modified: 1 },
    });
    expect((await shell(code)).changes).toMatchObject({ disposition: 'discarded' });
    expect(onHost()).toBe('host\n');
    const applied = await run({ code, workdir, changes: 'apply' });
    expect(applied.changes).toMatchObject({ disposition: 'applied' });
    expect(onHost()).toBe('inside\n');
    writeFileSync(join(workdir, 'data.txt'), 'host\n');
  });

  it('drops what is longer than asked for, and says so', async () => {
    const result = await shell('head -c 100000 /dev/zero', { maxOutputBytes: 1000 });
    expect(result.stdoutBytes).toHaveLength(1000);
    expect(result).toMatchObject({ truncated: true, exitCode: 0 });
  });

  it('reaches what rules allow, a socket, and is reached at a published port', async () => {
    const came = createServer((socket) => socket.end('host')).listen(join(state, 'socket'));
    await once(came, 'listening');
    const port = await freePort();
    const code = `
import socket
server = socket.create_server(('127.0.0.1', 80))
unix = socket.socket(socket.AF_UNIX)
unix.connect('${join(state, 'socket')}')
print(unix.recv(9).decode())
for host in ('192.0.2.7', '192.0.2.8', '198.51.100.7'):
    s = socket.socket()
    s.setblocking(False)
    print(s.connect_ex((host, 9)))
server.accept()[0].sendall(b'inside')`;
    const running = run({
      ...{ code, lang: 'python', workdir, changes: 'discard' },
      ...{ net: ['192.0.2.0/24:9'], netDeny: ['192.0.2.8'] },
      ...{ publish: [`${port}:80`], socket: [join(state, 'socket')] },
    });
    let heard = '';
    let isOver = false;
    const over = () => {
      isOver = true;
    };
    running.then(over, over);
    // Until a server listens inside, connections fail as without one.
    while (heard === '' && !isOver) {
      heard = await text(connect(port, '127.0.0.1')).catch(() => '');
    }
    const { stdout, report } = await running;
    came.close();
    expect(heard).toBe('inside');
    const [said, first, ...others] = stdout.trim().split('\n');
    expect([said, ...others]).toEqual(['host', '13', '13']);
    expect(['115', '101']).toContain(first); // EINPROGRESS, or no route from here
    const told = report.network?.destinations.map(({ address, allowed }) => [address, allowed]);
    expect(told).toEqual([
      ['192.0.2.7', true],
      ['192.0.2.8', false],
      ['198.51.100.7', false],
    ]);
  });

  it('runs several at a time', async () => {
    const results = await Promise.all(
      Array.from({ length: 8 }, (_, n) => shell(`echo ${n}; hostname`)),
    );
    expect(results.map(({ stdout }) => stdout)).toEqual(results.map((_, n) => `${n}\nwasbox\n`));
  });

  it('rejects with typed errors that say what to do', async () => {
    await expect(run('no-such-program', [], { workdir })).rejects.toThrow(UsageError);
    await expect(run({ code: 'true', workdir: homedir() })).rejects.toMatchObject({
      code: 'ERR_WORKDIR',
      hint: expect.stringContaining('--workdir'),
    });
    writeFileSync(join(state, 'bad.policy'), 'alow read\n');
    const bad = run({ code: 'true', workdir, policy: join(state, 'bad.policy') });
    await expect(bad).rejects.toThrow(PolicyError);
    await expect(bad).rejects.toMatchObject({ diagnostics: [{ line: 1, column: 1 }] });
    const misspelt = { workdir, timout: 5 } as RunSettings;
    await expect(run({ code: 'true', ...misspelt })).rejects.toThrow(UsageError);
  });
});

describe('AbortSignal', () => {
  it('ends everything in the sandbox', async () => {
    const marker = `3600.${process.pid}`;
    const controller = new AbortController();
    const running = shell(`sleep ${marker} & sleep ${marker}`, { signal: controller.signal });
    await expect.poll(() => processesWith(marker).length, { timeout: 60_000 }).toBeGreaterThan(0);
    controller.abort(new Error('enough'));
    await expect(running).rejects.toMatchObject({
      code: 'ERR_ABORTED',
      cause: { message: 'enough' },
    });
    expect(processesWith(marker)).toEqual([]);
  });

  it('drops changes that were to be dropped, and keeps others', async () => {
    const runs = () =>
      ['runs', 'saved'].flatMap((place) => {
        const directory = join(state, 'wasbox', place);
        return existsSync(directory) ? readdirSync(directory) : [];
      }).length;
    for (const [changes, kept] of [
      ['discard', 0],
      ['keep', 1],
    ] as const) {
      const before = runs();
      const controller = new AbortController();
      const sandbox = await spawn({
        code: 'echo x > new; echo ready; sleep 60',
        workdir,
        changes,
        signal: controller.signal,
      });
      sandbox.stdout.once('data', () => controller.abort());
      await expect(sandbox.result).rejects.toMatchObject({ code: 'ERR_ABORTED' });
      expect(runs() - before).toBe(kept);
    }
  });

  it('starts nothing if it is aborted already', async () => {
    await expect(shell('true', { signal: AbortSignal.abort() })).rejects.toThrow(AbortError);
  });
});

describe('spawn', () => {
  it('gives streams and a handle', async () => {
    const code = 'trap "echo caught; exit 3" USR1; echo ready; while :; do sleep 0.05; done';
    const sandbox = await spawn({ code, workdir, changes: 'discard' });
    expect(sandbox.pid).toBeGreaterThan(1);
    let heard = '';
    sandbox.stdout.on('data', (chunk) => {
      heard += chunk;
      if (heard === 'ready\n') sandbox.kill('SIGUSR1');
    });
    const isRead = once(sandbox.stdout, 'end');
    expect(await sandbox.result).toMatchObject({ exitCode: 3 });
    await isRead;
    expect(heard).toBe('ready\ncaught\n');
  });

  it('talks both ways', async () => {
    const sandbox = await spawn({ code: 'read x; echo "got $x"', workdir, changes: 'discard' });
    sandbox.stdin.end('hello\n');
    expect(await text(sandbox.stdout)).toBe('got hello\n');
  });

  it('ends the sandbox with SIGKILL, whatever is in it', async () => {
    const sandbox = await spawn({ code: 'trap "" TERM; sleep 60', workdir, changes: 'discard' });
    sandbox.kill('SIGKILL');
    expect(await sandbox.result).toMatchObject({ exitCode: undefined, signal: 'SIGKILL' });
    sandbox.kill(); // harmless afterwards
  });

  it('can leave streams alone', async () => {
    const stdio = ['ignore', 'ignore', 'pipe'] as const;
    const sandbox = await spawn({ code: 'echo out; echo err >&2', workdir, stdio });
    expect(sandbox.stdin).toBeNull();
    expect(sandbox.stdout).toBeNull();
    expect(await text(sandbox.stderr)).toBe('err\n');
  });
});
