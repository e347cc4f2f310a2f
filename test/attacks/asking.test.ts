/**
 * Attacks on questions that are open (33, 36): what was shown is what is had, whoever changes it
 * meanwhile; and nothing that a program does while somebody is asked holds anybody up.
 */

import { once } from 'node:events';
import * as fs from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { processesWith } from '../support/host.js';
import { type Identity, identities, stateOf } from '../support/identity.js';
import { runLibrary, startLibrary } from '../support/library-child.js';
import { compilePayload, parseAttempts } from '../support/payload.js';
import { makeProject, writeFiles } from '../support/project.js';
import { runProgram, wasboxArgv } from '../support/wasbox.js';

interface Told {
  readonly stdout: string;
  readonly exitCode?: number;
  readonly signal?: string;
  /** Texts of the questions, in their order. */
  readonly asked: readonly string[];
  /** Of those whose signal was aborted. */
  readonly withdrawn: number;
  readonly milliseconds: number;
}

/** A program that runs `command` and decides by `ask`, a function body over `question`, `signal`. */
const program = (
  command: readonly string[],
  ask: string,
  options: Readonly<Record<string, unknown>> = {},
): string => `
  import fs from 'node:fs';
  const asked = [];
  let withdrawn = 0;
  const begin = performance.now();
  const result = await lib.run({
    command: ${JSON.stringify(command[0])},
    args: ${JSON.stringify(command.slice(1))},
    changes: 'discard',
    ...${JSON.stringify(options)},
    ask: async (question, { signal }) => {
      asked.push(question.text);
      signal.addEventListener('abort', () => { withdrawn += 1; });
      ${ask}
    },
  });
  const { stdout, exitCode, signal } = result;
  const milliseconds = performance.now() - begin;
  console.log(JSON.stringify({ stdout, exitCode, signal, asked, withdrawn, milliseconds }));
`;

/** A project with the payload in it, and a directory beside it that no sandbox shows. */
function places(as: Identity) {
  const cwd = makeProject(as);
  compilePayload(as, 'asker', cwd);
  const hidden = makeProject(as, { good: 'good\n', bad: 'bad\n' }, 'hidden');
  return { cwd, hidden, good: join(hidden, 'good'), bad: join(hidden, 'bad') };
}

async function told(as: Identity, cwd: string, text: string): Promise<Told> {
  const run = await runLibrary(text, { as, cwd });
  expect(run.err).toBe('');
  return JSON.parse(run.out) as Told;
}

describe.each(identities())('questions, as $label', (as) => {
  test('a file that is not shown can be had, for once, for the run, or not', async () => {
    const { cwd, good } = places(as);
    const command = ['./asker', 'read', good, good];
    const [once, always, never] = await Promise.all(
      ['allow', 'allow-run', 'deny'].map((answer) =>
        told(as, cwd, program(command, `return '${answer}'`)),
      ),
    );
    const text = `read ${good}`;
    expect(once).toMatchObject({ stdout: 'good\ngood\n', asked: [text, text] });
    expect(always).toMatchObject({ stdout: 'good\ngood\n', asked: [text] });
    expect(never).toMatchObject({ stdout: 'errno 2\nerrno 2\n', asked: [text] });
    const stopped = await told(as, cwd, program(command, `return 'stop'`));
    expect(stopped).toMatchObject({ signal: 'SIGKILL', stdout: '', asked: [text] });
  });

  test('what nobody answers in time is denied, and so is what throws', async () => {
    const { cwd, good } = places(as);
    const command = ['./asker', 'read', good];
    const silent = program(command, 'return new Promise(() => {})', { askTimeoutMs: 300 });
    expect(await told(as, cwd, silent)).toMatchObject({ stdout: 'errno 2\n', withdrawn: 1 });
    const thrown = program(command, 'throw new Error("no")');
    expect(await told(as, cwd, thrown)).toMatchObject({ stdout: 'errno 2\n', withdrawn: 0 });
  });

  test('a thread that changes the path gets nothing but what was shown', async () => {
    const { cwd, good, bad } = places(as);
    const command = ['./asker', 'race', good, bad, '100'];
    const careful = `return question.path === ${JSON.stringify(good)} ? 'allow' : 'deny'`;
    const raced = await told(as, cwd, program(command, careful));
    expect(raced.stdout).toMatch(/^good [1-9]\d* bad 0\n$/);
    expect(raced.asked).toContain(`read ${bad}`);
    // The control: whoever allows both, gives both away.
    const careless = await told(as, cwd, program(command, `return 'allow'`));
    expect(careless.stdout).toMatch(/bad [1-9]/);
  });

  test('a file that is exchanged on the host while it is asked about is not handed over', async () => {
    const { cwd, good, bad } = places(as);
    const command = ['./asker', 'read', good];
    const exchange = `
      fs.renameSync(${JSON.stringify(bad)}, ${JSON.stringify(good)});
      return 'allow';`;
    const run = await told(as, cwd, program(command, exchange));
    expect(run.stdout).toMatch(/^errno \d+\n$/);
    expect(fs.readFileSync(good, 'utf8')).toBe('bad\n');
  });

  test('a symbolic link is shown as what it leads to', async () => {
    const { cwd, hidden, good } = places(as);
    const shared = makeProject(as, {}, 'shared');
    const script = `ln -s ${good} ${shared}/innocent; cat ${shared}/innocent`;
    const options = { rw: [shared] };
    const run = await told(as, cwd, program(['sh', '-c', script], `return 'deny'`, options));
    expect(run.asked).toEqual([`read ${good}`]);
    expect(run.stdout).toBe('');
    // Of the host, too: the directory is another's by name only.
    fs.symlinkSync(hidden, join(shared, 'link'));
    const command = ['./asker', 'read', join(shared, 'link', 'good')];
    const again = await told(as, cwd, program(command, `return 'allow'`, options));
    expect(again).toMatchObject({ asked: [`read ${good}`], stdout: 'good\n' });
  });

  test('a file that is lent to be read cannot be changed, nor what lies around it be reached', async () => {
    const { cwd, hidden, good } = places(as);
    const attempt = `
import os
def attempt(what):
    try: print(what())
    except OSError as error: print(error.strerror)
fd = os.open('${good}', os.O_RDONLY)
attempt(lambda: os.fchmod(fd, 0o777))
attempt(lambda: os.utime(fd, (0, 0)))
attempt(lambda: os.open(f'/proc/self/fd/{fd}', os.O_RDWR))
d = os.open('${hidden}', os.O_RDONLY)
attempt(lambda: sorted(os.listdir(d)))
attempt(lambda: os.fchmod(d, 0o777))
attempt(lambda: 'bad' in os.listdir(os.open('..', os.O_RDONLY | os.O_DIRECTORY, dir_fd=d)))
attempt(lambda: os.open('../../../../etc/shadow', os.O_RDONLY, dir_fd=d))
attempt(lambda: os.mkdir('new', dir_fd=d))
`;
    const before = fs.statSync(good);
    const run = await told(
      as,
      cwd,
      program(['-'], `return question.path.startsWith('${hidden}') ? 'allow' : 'deny'`, {
        command: undefined,
        args: [],
        lang: 'python',
        code: attempt,
      }),
    );
    const lines = run.stdout.split('\n');
    const closed = 'Read-only file system';
    expect(lines.slice(0, 2)).toEqual([closed, closed]);
    expect(lines[2]).toMatch(/Permission denied|No such file|Read-only/);
    expect(lines[3]).toBe("['bad', 'good']");
    expect(lines[4]).toBe(closed);
    expect(lines[5]).toMatch(/Permission denied|True/); // its own root again
    expect(lines[6]).toMatch(/Permission denied|No such file/);
    expect(lines[7]).toMatch(/Read-only|Permission denied/);
    const after = fs.statSync(good);
    expect([after.mode, after.mtimeMs]).toEqual([before.mode, before.mtimeMs]);
    expect(fs.readdirSync(hidden).sort()).toEqual(['bad', 'good']);
  });

  test('writing reaches the host where it was allowed, and set-id bits do not', async () => {
    const { cwd, good } = places(as);
    const script = `import os
fd = os.open('${good}', os.O_WRONLY)
os.write(fd, b'new!')
try: os.fchmod(fd, 0o4755)
except OSError as error: print(error.strerror)
`;
    const options = { command: undefined, args: [], lang: 'python', code: script };
    const run = await told(as, cwd, program([''], `return 'allow'`, options));
    expect(run.asked).toEqual([`write to ${good}`]);
    expect(fs.readFileSync(good, 'utf8')).toBe('new!\n');
    expect(fs.statSync(good).mode & 0o6000).toBe(0);
    expect(run.stdout).toBe('Operation not permitted\n');
  });

  test("nobody is asked about wasbox's own state, nor about what the kernel shows", async () => {
    const { cwd } = places(as);
    fs.mkdirSync(stateOf(as), { recursive: true });
    const state = join(stateOf(as), 'wasbox');
    writeFiles(as, state, { own: 'own\n' });
    const shared = `/dev/shm/wasbox-${process.pid}-${as.uid}`;
    fs.writeFileSync(shared, 'own\n', { mode: 0o644 });
    onTestFinished(() => fs.rmSync(shared));
    const paths = [
      ...[`${state}/own`, state, '/proc/1/environ', `/proc/${process.pid}/environ`],
      ...[shared, `/${shared}`, `/usr/..${shared}`],
    ];
    const run = await told(as, cwd, program(['./asker', 'read', ...paths], `return 'allow'`));
    expect(run.asked).toEqual([]);
    expect(run.stdout).not.toContain('own');
  });

  test('processes that end, execute, fork, stop or close everything hang nobody', async () => {
    const { cwd, good } = places(as);
    const slowly = `await new Promise((r) => setTimeout(r, asked.length % 3 * 4)); return 'allow'`;
    const run = await told(as, cwd, program(['./asker', 'dying', good], slowly));
    expect(run).toMatchObject({ stdout: 'done\n', exitCode: 0 });
    expect(run.asked.length).toBeGreaterThan(20);
    expect(run.withdrawn).toBeGreaterThan(0);
  });

  test('of many questions at a time only so many are held, the others denied', async () => {
    const { cwd, good } = places(as);
    const run = await told(
      as,
      cwd,
      program(['./asker', 'flood', good, '100'], `return 'deny'`, { askTimeoutMs: 0 }),
    );
    expect(run.stdout).toBe('refused 100 of 100\n');
    const held = await told(
      as,
      cwd,
      program(['./asker', 'flood', good, '100'], 'return new Promise(() => {})', {
        askTimeoutMs: 1500,
      }),
    );
    expect(held.stdout).toBe('refused 100 of 100\n');
    expect(held.asked.length).toBeLessThanOrEqual(32);
  });

  test('signals do not make a process ask anew', async () => {
    const { cwd, good } = places(as);
    const slowly = `await new Promise((r) => setTimeout(r, 200)); return 'allow'`;
    const run = await told(as, cwd, program(['./asker', 'signals', good], slowly));
    expect(run).toMatchObject({ stdout: 'good\n', asked: [`read ${good}`], withdrawn: 0 });
  });

  test('wasbox killed while somebody is asked: the sandbox is gone', async () => {
    const { cwd, good } = places(as);
    const text = program(
      ['./asker', 'wait', good],
      `console.log('open'); return new Promise(() => {})`,
    );
    const child = startLibrary(text, { as, cwd });
    await new Promise<void>((resolve) => child.stdout?.once('data', () => resolve()));
    expect(processesWith(`wait\0${good}`)).not.toHaveLength(0);
    child.kill('SIGKILL');
    await expect.poll(() => processesWith(`wait\0${good}`), { timeout: 20_000 }).toHaveLength(0);
  });

  test('a run that is asked something ends with its time', async () => {
    const { cwd, good } = places(as);
    const text = program(['./asker', 'read', good], 'return new Promise(() => {})', {
      timeoutMs: 500,
      askTimeoutMs: 0,
    });
    const run = await told(as, cwd, text);
    expect(run.milliseconds).toBeGreaterThan(400);
    expect(run.withdrawn).toBe(1);
  });

  test('a listener that fails ends the run, with a cause', async () => {
    const { cwd, good } = places(as);
    // Another file takes the descriptor's place in this process: what comes next cannot be read.
    const text = program(
      ['./asker', 'read', good, good],
      `for (const fd of fs.readdirSync('/proc/self/fd')) {
         let link = '';
         try { link = fs.readlinkSync('/proc/self/fd/' + fd); } catch {}
         if (!link.includes('seccomp notify')) continue;
         fs.closeSync(Number(fd));
         while (fs.openSync('/dev/zero', 'r') < Number(fd));
       }
       return 'allow';`,
    );
    const run = await runLibrary(text, { as, cwd });
    expect(run.status).toBe(1);
    expect(run.err).toContain("code: 'ERR_SUPERVISION'");
    expect(run.out).toBe('');
  });

  const seccomp = process.arch === 'x64' ? 317 : 277;
  // SECCOMP_FILTER_FLAG_NEW_LISTENER, without and with SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV.
  const newListener = ['1:8', '1:40'];
  test.each([
    ['ENOSYS', 38],
    ['EINVAL', 22],
    ['EBUSY', 16],
  ])('a kernel that gives no listener (%s): nothing is started', async (name, errno) => {
    const { cwd, good } = places(as);
    compilePayload(as, 'deny', cwd);
    const marker = join(cwd, 'ran');
    const deny = newListener.flatMap((flags) => ['./deny', String(seccomp), String(errno), flags]);
    const command = ['--rw', cwd, '--', 'sh', '-c', `echo ran > ${marker}; cat ${good}`];
    const asking = wasboxArgv(as, ['run', '--ask', '--discard', ...command]);
    const run = await runProgram([...deny, ...asking], { as, cwd });
    expect(run.status).toBe(125);
    expect(run.err).toContain('nobody can be asked');
    expect(run.err).toContain('Without --ask');
    expect(run.out).toBe('');
    expect(fs.existsSync(marker)).toBe(false);
    // The control: the same without --ask runs, as closed as ever.
    const plain = wasboxArgv(as, ['run', '--discard', ...command]);
    const control = await runProgram([...deny, ...plain], { as, cwd });
    expect(control.err, name).toContain('No such file');
    expect(fs.existsSync(marker)).toBe(true);
  });

  test('a wasbox inside of a sandbox asks nobody, and does not start', async () => {
    const cwd = makeProject(as);
    const dist = dirname(as.cli);
    const node = dirname(dirname(process.execPath));
    const shown = ['--ro', dist, ...(node === '/usr' ? [] : ['--ro', node])];
    const inner = [process.execPath, as.cli, 'run', '--ask', '--', 'echo', 'inner'];
    const argv = wasboxArgv(as, ['run', '--discard', ...shown, '--', ...inner]);
    const run = await runProgram(argv, { as, cwd });
    expect(run.status).toBe(125);
    expect(run.out).toBe('');
    expect(run.err).toContain('inside a sandbox of wasbox');
  });

  test('without a terminal nobody is asked, and that is said', async () => {
    const { cwd, good } = places(as);
    const argv = ['setsid', ...wasboxArgv(as, ['run', '--ask', '--', './asker', 'read', good])];
    const run = await runProgram(argv, { as, cwd });
    expect(run.out).toBe('errno 2\n');
    expect(run.err).toContain('nobody was asked, because there is no terminal to ask at');
    expect(run.err).toContain(`read ${good}`);
  });

  test('a destination that the rules do not name can be allowed, and no other be had for it', async () => {
    const host = Object.values(networkInterfaces())
      .flatMap((list) => list ?? [])
      .find(({ family, internal }) => family === 'IPv4' && !internal)?.address;
    const server = createServer((socket) => socket.end('hello')).listen(0, '0.0.0.0');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const cwd = makeProject(as);
    const dial = `
import socket
def dial(host, port):
    s = socket.socket()
    s.settimeout(20)
    try:
        s.connect((host, port))
        print(s.recv(9).decode(), flush=True)
        return s
    except OSError as error: print(error.strerror, flush=True)
s = dial('${host}', ${port})
dial('${host}', 1)
try:
    s.connect(('127.0.0.1', ${port}))
    print('again')
except Exception: print('no')
`;
    const options = {
      command: undefined,
      args: [],
      lang: 'python',
      code: dial,
      net: ['example.com'],
    };
    const careful = `return question.kind === 'network' && question.port === ${port} ? 'allow' : 'deny'`;
    const run = await told(as, cwd, program([''], careful, options));
    expect(run.asked).toEqual([`connect to ${host}:${port}`, `connect to ${host}:1`]);
    expect(run.stdout).toBe('hello\nPermission denied\nno\n');
    const never = await told(as, cwd, program([''], `return 'deny'`, options));
    expect(never.stdout).toBe('Permission denied\nPermission denied\nno\n');
    // What is denied beforehand is not asked about.
    const denied = { ...options, netDeny: [`${host}:${port}`] };
    const ruled = await told(as, cwd, program([''], `return 'allow'`, denied));
    expect(ruled.asked).toEqual([`connect to ${host}:1`]);
    expect(ruled.stdout).toBe('Permission denied\nConnection refused\nno\n');
    server.close();
  });

  test('a thread that changes the address gets nothing but what was shown', async () => {
    const host = Object.values(networkInterfaces())
      .flatMap((list) => list ?? [])
      .find(({ family, internal }) => family === 'IPv4' && !internal)?.address;
    const seen = { good: 0, bad: 0 };
    const servers = (['good', 'bad'] as const).map((name) =>
      createServer((socket) => {
        seen[name] += 1;
        socket.on('error', () => {});
        socket.end(name);
      }).listen(0, '0.0.0.0'),
    );
    for (const server of servers) if (!server.listening) await once(server, 'listening');
    const [good = 0, bad = 0] = servers.map((server) => (server.address() as AddressInfo).port);
    const cwd = makeProject(as);
    const race = `
import ctypes, socket, struct, sys, threading
sys.setswitchinterval(0.00001)
libc = ctypes.CDLL(None)
ends = [struct.pack('<H', 2) + struct.pack('>H', port) + socket.inet_aton('${host}') + bytes(8) for port in (${good}, ${bad})]
address = ctypes.create_string_buffer(ends[0], 16)
over = False
def change():
    while not over:
        for end in ends: ctypes.memmove(address, end, 16)
thread = threading.Thread(target=change)
thread.start()
for _ in range(60):
    with socket.socket() as s: libc.connect(s.fileno(), address, 16)
over = True
thread.join()
`;
    const options = {
      command: undefined,
      args: [],
      lang: 'python',
      code: race,
      net: ['example.com'],
    };
    const careful = `return question.port === ${good} ? 'allow' : 'deny'`;
    const run = await told(as, cwd, program([''], careful, options));
    expect(run.exitCode).toBe(0);
    expect(seen.good).toBeGreaterThan(0);
    expect(seen.bad).toBe(0);
    expect(run.asked).toContain(`connect to ${host}:${bad}`);
    // The control: whoever allows both, has both reached.
    await told(as, cwd, program([''], `return 'allow-run'`, options));
    expect(seen.bad).toBeGreaterThan(0);
    for (const server of servers) server.close();
  });

  test('calls that lead further, or mean what lies in memory, are not asked about', async () => {
    const cwd = makeProject(as);
    compilePayload(as, 'attempt', cwd);
    const calls = [
      'ptrace_traceme',
      'process_vm_readv',
      'pidfd_getfd',
      'keyctl',
      'unshare_user',
      'setns',
      'mount',
      'bpf',
      'io_uring',
      'userfaultfd',
      'finit_module',
      'tiocsti',
    ];
    const command = ['./attempt', ...calls];
    const run = await told(as, cwd, program(command, `return 'allow'`));
    expect(run.asked).toEqual([]);
    const found = parseAttempts(run.stdout);
    expect(found.size).toBe(calls.length);
    for (const [name, attempt] of found) expect([name, attempt.kind]).toEqual([name, 'errno']);
    // The control: a call that may be allowed is asked about, and made.
    const other = program(['./attempt', 'netlink_generic'], `return 'allow'`);
    const control = await told(as, cwd, other);
    expect(control.asked).toHaveLength(1);
    expect(parseAttempts(control.stdout).get('netlink_generic')?.kind).toBe('ok');
  });
});
