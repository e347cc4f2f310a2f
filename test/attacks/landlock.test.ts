/**
 * Attack 60: what the other attacks try, where no namespace is around the program. Each attempt is made on
 * something of the host: outside, as a control, it succeeds and leaves its mark; inside it leaves none.
 */
import { type ChildProcess, spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import * as fs from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Identity, identities } from '../support/identity.js';
import { compilePayload, payloadText } from '../support/payload.js';
import { makeProject } from '../support/project.js';
import { runProgram, runWasbox, startProgram } from '../support/wasbox.js';

/** The parts of the host, for one attempt of everything. */
interface Victims {
  readonly directory: string;
  readonly argv: readonly string[];
  /** Returns what is to be seen of it on the host. */
  readonly seen: () => unknown;
  readonly close: () => Promise<void>;
}

const listening = (server: Server, where: object): Promise<void> =>
  new Promise((resolve) => {
    server.listen(where, resolve);
  });

/** Waits until it is what it is to be: a victim that sleeps. */
function victimProcess(as: Identity): ChildProcess {
  return startProgram(['/bin/sleep', '1000'], { as, env: { SECRET: 'secret' } });
}

/** Makes a file of each datagram that arrives, named as what it says. Node has no such sockets. */
const receiveDatagrams = `import os, socket
one = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
one.bind('datagrams')
os.chmod('datagrams', 0o777)
print('ready', flush=True)
while True: open('got-' + one.recv(100).decode(), 'w').close()`;

async function datagramReceiver(as: Identity, cwd: string): Promise<ChildProcess> {
  const receiver = startProgram(['python3', '-c', receiveDatagrams], { as, cwd });
  await new Promise((resolve) => receiver.stdout?.once('data', resolve));
  return receiver;
}

const makeShared = `import ctypes; print(ctypes.CDLL(None).shmget(0, 4096, 0o1600))`;

async function makeVictims(as: Identity): Promise<Victims> {
  const directory = makeProject(as, { victim: 'v', moved: 'm', taken: 't', unlinked: 'u' });
  const connections: string[] = [];
  const servers = ['unix', 'tcp'].map((name) =>
    createServer((socket) => {
      connections.push(name);
      socket.on('error', () => {}).resume();
      socket.end();
    }),
  ) as [Server, Server];
  await listening(servers[1], { port: 0, host: '127.0.0.1' });
  const { port } = servers[1].address() as AddressInfo;
  await listening(servers[0], { path: join(directory, 'socket') });
  fs.chmodSync(join(directory, 'socket'), 0o777);
  const udp = createSocket('udp4', () => connections.push('udp'));
  await new Promise<void>((resolve) => udp.bind(0, '127.0.0.1', resolve));
  const sleeper = victimProcess(as);
  const receiver = await datagramReceiver(as, directory);
  const shared = (await runProgram(['python3', '-c', makeShared], { as })).out.trim();
  const { pid = 0 } = sleeper;
  const seen = () => {
    const names = fs.readdirSync(directory).sort();
    const files = names.map((name) => {
      const { mode, mtimeMs, uid, gid, nlink, size } = fs.lstatSync(join(directory, name));
      return { name, mode, mtimeMs, uid, gid, nlink, size };
    });
    const attached = spawnSync('ipcs', ['-m', '-i', shared], { encoding: 'utf8' }).stdout;
    return {
      files,
      connections: [...connections].sort(),
      nice: fs.readFileSync(`/proc/${pid}/stat`, 'utf8').split(' ')[18],
      score: fs.readFileSync(`/proc/${pid}/oom_score_adj`, 'utf8'),
      attached: /att_time=(.*)/.exec(attached)?.[1],
    };
  };
  return {
    directory,
    argv: [directory, String(port), String(udp.address().port), String(pid), shared],
    seen,
    async close() {
      sleeper.kill('SIGKILL');
      receiver.kill('SIGKILL');
      spawnSync('ipcrm', ['-m', shared]);
      udp.close();
      await Promise.all(servers.map((server) => new Promise((done) => server.close(done))));
    },
  };
}

/** The things that an ordinary user can do to its own things; root's victims are closed to root's payload anyway. */
const open = [
  ...['read', 'write', 'create', 'rename', 'take', 'link', 'unlink', 'list', 'chmod', 'chown'],
  ...['chmod-descriptor', 'chmod-path-descriptor', 'utime', 'watch', 'unix-socket', 'tcp', 'udp'],
  ...['datagram-pair', 'raw-pair'],
  ...['signal', 'priority', 'affinity', 'scheduler', 'limit', 'environ'],
  ...['descriptors', 'oom', 'shared-memory', 'cwd', 'fchmodat', 'utime-descriptor'],
];

describe.each(identities())('Landlock isolation, as $label', (as) => {
  test('keeps a program from everything of the host that it can name', async () => {
    const outside = await makeVictims(as);
    const inside = await makeVictims(as);
    try {
      const cwd = makeProject(as, { 'landlock.py': payloadText('landlock.py') });
      const control = await runProgram(['python3', 'landlock.py', ...outside.argv], { as, cwd });
      expect(control.out.split('\n')).toEqual(expect.arrayContaining(open));
      const before = inside.seen();
      const args = ['run', '-q', '--isolation', 'landlock', '--', 'python3', 'landlock.py'];
      const run = await runWasbox([...args, ...inside.argv], { as, cwd });
      expect(run.err).toBe('');
      expect(run.out).toBe('');
      expect(inside.seen()).toEqual(before);
      expect(outside.seen()).not.toEqual(before);
    } finally {
      await Promise.all([outside.close(), inside.close()]);
    }
  });

  test('sets modes and times of the files of the run alone, whatever changes meanwhile', async () => {
    const cwd = makeProject(as, { 'work/x': '' });
    compilePayload(as, 'swap', cwd);
    const outside = makeProject(as, { victim: 'v' });
    const inside = makeProject(as, { victim: 'v' });
    const look = (directory: string) => {
      const { mode, mtimeMs } = fs.statSync(join(directory, 'victim'));
      return { mode, mtimeMs };
    };
    const before = look(inside);
    const argv = (victim: string) => ['./swap', 'work', '3', join(victim, 'victim')];
    expect((await runProgram(argv(outside), { as, cwd })).status).toBe(0);
    expect(look(outside)).toMatchObject({ mode: 0o100777, mtimeMs: 1000 });
    // Readable inside, so that a descriptor of it is to be had.
    const args = ['run', '-q', '--isolation', 'landlock', '--ro', inside, '--', ...argv(inside)];
    const run = await runWasbox(args, { as, cwd });
    expect(run.status, run.err).toBe(0);
    expect(Number(run.out)).toBeGreaterThan(100);
    expect(look(inside)).toEqual(before);
  });

  test('gives a program no capabilities, no way to more, and no other ids', async () => {
    const cwd = makeProject(as);
    const args = ['run', '-q', '--isolation', 'landlock', '--', 'cat', '/proc/self/status'];
    const { out } = await runWasbox(args, { as, cwd });
    for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapAmb']) {
      expect(out).toMatch(new RegExp(`^${set}:\t0+$`, 'm'));
    }
    expect(out).toMatch(/^NoNewPrivs:\t1$/m);
    expect(out).not.toMatch(/^[UG]id:.*\b0\b/m);
    if (as.uid === 0) expect(out).toMatch(/^CapBnd:\t0+$/m);
  });

  test('refuses the same under a policy that allows everything', async () => {
    const cwd = makeProject(as);
    const policy = 'target x86_64, aarch64\ndefault allow\nunknown allow\n';
    fs.writeFileSync(join(cwd, 'open.policy'), policy);
    const args = ['run', '-q', '--isolation', 'landlock', '--policy', 'open.policy'];
    const victims = makeProject(as, { victim: 'v' });
    const { mode } = fs.statSync(join(victims, 'victim'));
    const change = ['python3', '-c', `import os; os.chmod("${victims}/victim", 0o777)`];
    const run = await runWasbox([...args, '--', ...change], { as, cwd });
    expect(run.err).toContain('PermissionError');
    expect(fs.statSync(join(victims, 'victim')).mode).toBe(mode);
    expect((await runProgram(change, { as })).status).toBe(0);
    expect(fs.statSync(join(victims, 'victim')).mode).not.toBe(mode);
  });
});
