/** Attacks 23, 24 and 26: what two sandboxes, or a sandbox and the host, could meet through. */
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as net from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventually, uniqueMarker } from '../support/host.js';
import { isolatedIdentities } from '../support/identity.js';
import { payloadText } from '../support/payload.js';
import { makeProject } from '../support/project.js';
import { runProgram, runWasbox, startProgram } from '../support/wasbox.js';

/** A server on the host that counts who comes. */
class Door {
  count = 0;
  readonly #server = net.createServer((socket) => {
    this.count += 1;
    socket.on('error', () => {}).destroy();
  });

  async open(where: string | net.ListenOptions): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(where, resolve));
    if (typeof where === 'string' && !where.startsWith('\0')) fs.chmodSync(where, 0o777);
    return this;
  }
  get port(): number {
    return (this.#server.address() as net.AddressInfo).port;
  }
  close(): void {
    this.#server.close();
  }
}

describe.each(isolatedIdentities())(
  'sockets and shared memory, as $label with $isolation',
  (as) => {
    const doors: Door[] = [];
    const open = async (where: string | net.ListenOptions): Promise<Door> => {
      const door = await new Door().open(where);
      doors.push(door);
      return door;
    };
    let cwd = '';
    let shown = '';
    beforeAll(() => {
      cwd = makeProject(as, { 'connect.py': payloadText('connect.py') });
      shown = makeProject(as, { 'file.txt': 'x' });
    });
    afterAll(() => {
      for (const door of doors) door.close();
    });

    const inside = async (options: string[], targets: string[]) =>
      runWasbox(['run', '-q', '--discard', ...options, 'connect.py', ...targets], { as, cwd });
    const outside = async (targets: string[]) =>
      runProgram(['python3', 'connect.py', ...targets], { as, cwd });

    test.each(['none', 'host'])('UNIX sockets of the host, with --net %s', async (network) => {
      const name = `${uniqueMarker()}.sock`;
      const places = [join(cwd, name), `/tmp/${name}`, join(as.home, name), join(shown, name)];
      const opened = await Promise.all(places.map(open));
      const targets = places.map((path) => `unix:${path}`);
      // Without mounts, a read-only place that holds a socket is refused.
      const mounted = as.isolation === 'landlock' ? [] : ['--ro', shown];
      const run = await inside(['--net', network, ...mounted], targets);
      expect(run.out.split('\n')).toHaveLength(places.length + 1);
      expect(Object.fromEntries(places.map((path, n) => [path, opened[n]?.count]))).toEqual(
        Object.fromEntries(places.map((path) => [path, 0])),
      );
      await outside(targets);
      expect(opened.map((door) => door.count)).toEqual(places.map(() => 1));
    });

    test.each(['none', 'internet', '192.0.2.1', 'host'])(
      'abstract sockets of the host, with --net %s',
      async (network) => {
        const name = uniqueMarker();
        // Node pads abstract names, so that the listener is a small program of its own.
        const listen = `import socket
s = socket.socket(socket.AF_UNIX); s.bind('\\0${name}'); s.listen(9); print('up', flush=True)
while True: s.accept()[0].close(); print('came', flush=True)`;
        const listener = startProgram(['python3', '-u', '-c', listen], { as });
        let heard = '';
        listener.stdout?.on('data', (chunk: Buffer) => {
          heard += chunk.toString();
        });
        try {
          expect(await eventually(() => heard === 'up\n')).toBe(true);
          const run = await inside(['--net', network], [`abstract:${name}`]);
          expect(run.out).toContain('errno');
          expect(heard).toBe('up\n');
          await outside([`abstract:${name}`]);
          expect(await eventually(() => heard === 'up\ncame\n')).toBe(true);
        } finally {
          listener.kill('SIGKILL');
        }
      },
    );

    test('TCP servers of the host, unless --net host', async () => {
      const door = await open({ host: '127.0.0.1', port: 0 });
      const target = [`tcp:${door.port}`];
      expect((await inside([], target)).out).toContain('errno');
      expect(door.count).toBe(0);
      await inside(['--net', 'host'], target);
      expect(door.count).toBe(1);
    });

    test('System V shared memory and /dev/shm of the host', async () => {
      const key = 0x57420000 + (process.pid % 65536);
      const made = execFileSync('python3', [
        '-c',
        `import ctypes; print(ctypes.CDLL(None).shmget(${key}, 4096, 0o1666))`,
      ]);
      const id = made.toString().trim();
      const file = `/dev/shm/${uniqueMarker()}`;
      fs.writeFileSync(file, 'x');
      try {
        const targets = [`shm:${key}`, `file:${file}`];
        expect((await inside([], targets)).out).not.toContain('reached');
        expect((await outside(targets)).out.match(/reached/g)).toHaveLength(2);
      } finally {
        execFileSync('ipcrm', ['-m', id]);
        fs.rmSync(file);
      }
    });

    test('two runs at a time share no memory, file or process', async () => {
      const marker = uniqueMarker();
      const key = 0x57430000 + (process.pid % 65536);
      const place = `import ctypes, sys
libc = ctypes.CDLL(None)
assert libc.shmget(${key}, 4096, 0o1666) >= 0
for d in ('/tmp', '/dev/shm', '/var/tmp'): open(d + '/${marker}', 'w').close()
print('placed', flush=True)
sys.stdin.read()`;
      const look = [
        `shm:${key}`,
        ...['/tmp', '/dev/shm', '/var/tmp'].map((d) => `file:${d}/${marker}`),
      ];
      const first = startProgram(
        [process.execPath, as.cli, 'run', '-q', '--discard', '--', 'python3', '-c', place],
        { as, cwd },
      );
      await new Promise((resolve) => first.stdout?.once('data', resolve));
      const second = await inside([], look);
      const host = await outside(look);
      first.stdin?.end();
      await new Promise((resolve) => first.once('close', resolve));
      expect(second.out).not.toContain('reached');
      expect(host.out).not.toContain('reached');

      const control = startProgram(['python3', '-c', place], { as, cwd });
      await new Promise((resolve) => control.stdout?.once('data', resolve));
      const seen = await outside(look);
      control.stdin?.end();
      await runProgram(['ipcrm', '-M', String(key)], { as });
      for (const d of ['/tmp', '/dev/shm', '/var/tmp']) fs.rmSync(`${d}/${marker}`);
      expect(seen.out.match(/reached/g)).toHaveLength(4);
    });
  },
);
