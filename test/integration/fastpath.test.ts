/**
 * The native command: the second start of a run needs no Node and says, does and keeps the same; and
 * nothing of what the first one found is believed without asking again.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { fastpathOf, makeFastpath } from '../support/fastpath.js';
import { eventually } from '../support/host.js';
import { ordinaryUser } from '../support/identity.js';
import { makeProject, writeFiles } from '../support/project.js';
import { runProgram, runWasbox } from '../support/wasbox.js';

const as = ordinaryUser();
const hello = { 'hello.sh': '#!/bin/sh\necho "hello $*"\n' };
const takeAllPlaces = `
import fcntl, struct, sys
file = open(sys.argv[1], 'r+')
fcntl.fcntl(file, 37, struct.pack('hhqqi4x', fcntl.F_WRLCK, 0, 0, 4, 0)) # F_OFD_SETLK
print('taken', flush=True)
sys.stdin.read()
`;
const lockAround = `
import fcntl, os, subprocess, sys
held = 0
for i in range(20):
    lock = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
    fcntl.flock(lock, fcntl.LOCK_EX)
    run = subprocess.Popen(sys.argv[2:], pass_fds=[lock])
    os.close(lock)
    run.wait()
    again = os.open(sys.argv[1], os.O_RDWR)
    try: fcntl.flock(again, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError: held += 1
    os.close(again)
print('held', held)
`;
/** Becomes what waits for orphans, and does not wait for any but its own. */
const countZombies = `
import ctypes, os, subprocess, sys, time
ctypes.CDLL(None).prctl(36, 1, 0, 0, 0) # PR_SET_CHILD_SUBREAPER
for _ in range(60):
    subprocess.run([sys.argv[1], 'run', 'hello.sh'], check=True)
def is_zombie(pid):
    try:
        fields = open('/proc/' + pid + '/stat').read().rsplit(')')[1].split()
        return fields[0] == 'Z' and fields[1] == str(os.getpid())
    except OSError:
        return False
def zombies():
    return sum(map(is_zombie, filter(str.isdigit, os.listdir('/proc'))))
for _ in range(600):
    if zombies(): break
    time.sleep(0.1)
time.sleep(0.2)
print(zombies())
`;
const runsOf = (state: string): string[] => fs.readdirSync(join(state, 'runs'));
const savedOf = (state: string): string[] => fs.readdirSync(join(state, 'saved'));

/** A native command that has started `args` once in `cwd`, and does so without Node now. */
async function warm(cwd: string, args: readonly string[]) {
  const fastpath = makeFastpath(as);
  const first = await fastpath.run(args, { cwd });
  expect(first.nodes, first.err).toBe(1);
  const second = await fastpath.run(args, { cwd });
  expect([second.nodes, second.out, second.status]).toEqual([0, first.out, first.status]);
  return { fastpath, first, second };
}

describe('a repeated run', () => {
  test('needs no Node, prints the same and leaves nothing', async () => {
    const cwd = makeProject(as, hello);
    const { fastpath, second } = await warm(cwd, ['run', 'hello.sh', 'a b', '']);
    expect([second.out, second.err, second.status]).toEqual(['hello a b \n', '', 0]);
    await fastpath.settled();
  });

  test('waits for its own leave where too many others are leaving', async () => {
    const { fastpath } = await warm(makeProject(as, hello), ['run', 'hello.sh']);
    await fastpath.settled();
    const cwd = makeProject(as, hello);
    const taken = join(fastpath.state, 'leaving');
    const others = spawn('python3', ['-c', takeAllPlaces, taken], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    try {
      await once(others.stdout, 'data');
      for (let round = 0; round < 5; round++) {
        const run = await fastpath.run(['run', 'hello.sh'], { cwd });
        expect([run.nodes, run.out, run.status]).toEqual([round === 0 ? 1 : 0, 'hello \n', 0]);
        expect(runsOf(fastpath.state)).toEqual([]);
      }
    } finally {
      others.kill('SIGKILL');
    }
  });

  test('leaves no more than four sandboxes behind itself', async () => {
    const cwd = makeProject(as, hello);
    const { fastpath } = await warm(cwd, ['run', 'hello.sh']);
    let most = 0;
    for (let round = 0; round < 60; round++) {
      await fastpath.run(['run', 'hello.sh'], { cwd });
      most = Math.max(most, runsOf(fastpath.state).length);
    }
    expect(most).toBeLessThanOrEqual(4);
    await fastpath.settled();
  });

  test('leaves at most 32 zombies if no process waits for them', async () => {
    const cwd = makeProject(as, hello);
    const { fastpath } = await warm(cwd, ['run', 'hello.sh']);
    const options = { as, cwd, env: { ...fastpath.env, PWD: cwd } };
    const argv = ['python3', '-c', countZombies, fastpathOf(as)];
    const run = await runProgram(argv, options);
    const zombies = Number(run.out.trim().split('\n').at(-1));
    expect(run.err).toBe('');
    expect(zombies).toBeGreaterThan(4);
    expect(zombies).toBeLessThanOrEqual(32);
    await fastpath.settled();
  });

  test("lets go of its caller's descriptors with its end", async () => {
    const cwd = makeProject(as, hello);
    const { fastpath } = await warm(cwd, ['run', 'hello.sh']);
    const words = [join(cwd, 'lock'), fastpathOf(as), 'run', 'hello.sh'];
    const env = { ...fastpath.env, PWD: cwd };
    const locks = await runProgram(['python3', '-c', lockAround, ...words], { as, cwd, env });
    expect(locks.out).toBe(`${'hello \n'.repeat(20)}held 0\n`);
    await fastpath.settled();
  });

  test('ends with 0', async () => {
    const { second } = await warm(makeProject(as), ['run', '--', 'sh', '-c', 'exit 0']);
    expect(second.status).toBe(0);
  });

  test.each([1, 42, 124, 255])('ends with %i, for which there may be advice', async (status) => {
    const cwd = makeProject(as);
    const fastpath = makeFastpath(as);
    for (let i = 0; i < 2; i++) {
      const ended = await fastpath.run(['run', '--', 'sh', '-c', `exit ${status}`], { cwd });
      expect(ended.status).toBe(status);
    }
  });

  test('passes stdin, stderr, umask and variables on', async () => {
    const script = 'cat; umask; echo "$TERM-$UNSET" >&2';
    const args = ['run', '--', 'sh', '-c', script];
    const cwd = makeProject(as);
    const fastpath = makeFastpath(as);
    for (const [stdin, nodes] of [
      ['one', 1],
      ['two', 0],
    ] as const) {
      const run = await fastpath.run(args, { cwd, stdin });
      expect([run.nodes, run.out, run.err]).toEqual([nodes, `${stdin}0022\n`, 'xterm-\n']);
    }
  });

  test('has the umask of its own start, and keeps its files closed under any', async () => {
    const cwd = makeProject(as);
    const tools = makeProject(as, {
      'masked.sh': `#!/bin/sh\numask "$MASK"\nexec ${fastpathOf(as)} "$@"\n`,
    });
    const fastpath = makeFastpath(as, join(tools, 'masked.sh'));
    const show = 'umask; echo x > /tmp/made; mkdir /tmp/dir; stat -c %a /tmp/made /tmp/dir';
    const run = async (mask: string, script: string) => {
      const args = ['run', '--', 'sh', '-c', script];
      const { nodes, out } = await fastpath.run(args, { cwd, env: { MASK: mask } });
      return [nodes, out];
    };
    expect(await run('022', show)).toEqual([1, '0022\n644\n755\n']);
    expect(await run('077', show)).toEqual([0, '0077\n600\n700\n']);
    expect(await run('000', show)).toEqual([0, '0000\n666\n777\n']);
    for (const mask of ['022', '000']) await run(mask, 'echo x > made');
    await eventually(() => savedOf(fastpath.state).length === 2);
    const modes = (...path: string[]) =>
      (fs.statSync(join(fastpath.state, ...path)).mode & 0o7777).toString(8);
    expect(modes('leaving')).toBe('600');
    for (const id of savedOf(fastpath.state)) {
      const inside = ['run.json', 'lock'].map((name) => modes('saved', id, name));
      expect([modes('saved', id), ...inside]).toEqual(['700', '600', '600']);
    }
    expect(savedOf(fastpath.state)).toHaveLength(2);
  });

  test('can use what it makes under a umask that takes all rights away', async () => {
    const cwd = makeProject(as);
    const tools = makeProject(as, {
      'masked.sh': `#!/bin/sh\numask 0777\nexec ${fastpathOf(as)} "$@"\n`,
    });
    const fastpath = makeFastpath(as, join(tools, 'masked.sh'));
    for (const nodes of [1, 0]) {
      const run = await fastpath.run(['run', '--', 'sh', '-c', 'umask'], { cwd });
      expect([run.nodes, run.out, run.err]).toEqual([nodes, '0777\n', '']);
    }
    await fastpath.run(['run', '--', 'sh', '-c', 'echo x > made; chmod 644 made'], { cwd });
    expect(fs.statSync(join(fastpath.state, 'runs')).mode & 0o7777).toBe(0o700);
    const applied = await fastpath.run(['apply'], { cwd });
    expect(applied.status, applied.err).toBe(0);
    expect(fs.readFileSync(join(cwd, 'made'), 'utf8')).toBe('x\n');
    await eventually(() => runsOf(fastpath.state).length === 0);
  });

  test.each(['.', '..'])('has its state directory behind a link (%s)', async (level) => {
    const fastpath = makeFastpath(as);
    const cwd = makeProject(as, hello);
    const place = join(fastpath.state, '..', level);
    fs.renameSync(place, `${place}.real`);
    fs.symlinkSync(`${place}.real`, place);
    const args = ['run', '--', 'sh', '-c', 'echo new > made'];
    for (const nodes of [1, 1]) {
      const run = await fastpath.run(args, { cwd });
      expect([run.nodes, run.out, run.status, run.err]).toEqual([
        nodes,
        '',
        0,
        expect.stringContaining('1 file added'),
      ]);
    }
    for (const nodes of [1, 0]) {
      const run = await fastpath.run(['run', 'hello.sh'], { cwd });
      expect([run.nodes, run.out, run.status, run.err]).toEqual([nodes, 'hello \n', 0, '']);
    }
    await eventually(() => runsOf(fastpath.state).length === 0);
    expect(runsOf(fastpath.state)).toEqual([]);
    expect(savedOf(fastpath.state)).toHaveLength(2);
  });

  test('keeps what it changes under its own id, as the journal says', async () => {
    const cwd = makeProject(as, hello);
    const fastpath = makeFastpath(as);
    const args = ['run', '--', 'sh', '-c', 'echo new > made'];
    const [first, second] = [await fastpath.run(args, { cwd }), await fastpath.run(args, { cwd })];
    const idIn = (text: string) => /wasbox diff (\w+)/.exec(text)?.[1] ?? '';
    const [a, b] = [idIn(first.err), idIn(second.err)];
    expect(second.err.replaceAll(b, a)).toBe(first.err);
    expect(savedOf(fastpath.state).sort()).toEqual([a, b].sort());
    expect(runsOf(fastpath.state)).toEqual([]);
    const record = (id: string) =>
      JSON.parse(fs.readFileSync(join(fastpath.state, 'saved', id, 'run.json'), 'utf8')) as Record<
        string,
        unknown
      >;
    const volatile = { id: '', started: '', ended: '', baselineNs: '' };
    expect({ ...record(b), ...volatile }).toEqual({ ...record(a), ...volatile });
    const { started, baselineNs, id } = record(b) as Record<string, string>;
    expect(id).toBe(b);
    expect(Math.abs(Date.parse(started ?? '') - Date.now())).toBeLessThan(120_000);
    expect(Number(BigInt(baselineNs ?? 0) / 1_000_000n) - Date.parse(started ?? '')).toBeLessThan(
      60_000,
    );
    const diff = await fastpath.run(['diff', b], { cwd });
    expect(diff.out).toContain('+new');
    const apply = await fastpath.run(['apply', b], { cwd });
    expect(apply.status, apply.err).toBe(0);
    expect(fs.readFileSync(join(cwd, 'made'), 'utf8')).toBe('new\n');
  });

  test('applies and discards, as asked', async () => {
    const fastpath = makeFastpath(as);
    for (const [mode, exists] of [
      ['--apply', true],
      ['--discard', false],
    ] as const) {
      const cwd = makeProject(as);
      const args = ['run', mode, '--', 'sh', '-c', 'echo "$$" > made'];
      await fastpath.run(args, { cwd });
      fs.rmSync(join(cwd, 'made'), { force: true });
      const run = await fastpath.run(args, { cwd });
      expect([run.status, fs.existsSync(join(cwd, 'made'))]).toEqual([0, exists]);
      expect(runsOf(fastpath.state)).toEqual([]);
    }
  });

  test('with --discard puts an interrupted run of another in order, as through Node', async () => {
    const cwd = makeProject(as, hello);
    const args = ['run', '--discard', 'hello.sh'];
    const { fastpath } = await warm(cwd, args);
    const left = join(fastpath.state, 'runs', '0123456zz');
    const record = {
      ...{ schemaVersion: 1, id: '0123456zz', command: 'x', argv: ['x'], discard: true },
      workdir: { path: cwd, dev: '1', ino: String(fs.statSync(cwd).ino) },
      ...{ started: new Date().toISOString(), baselineNs: '1', status: 'running', sizeBytes: 0 },
      counts: { added: 0, modified: 0, deleted: 0 },
    };
    writeFiles(as, left, {
      'run.json': `${JSON.stringify(record, null, 2)}\n`,
      'layers/0/upper/': '',
      'layers/0/work/': '',
    });
    fs.chmodSync(left, 0o700);
    const run = await fastpath.run(args, { cwd });
    expect(run.nodes).toBe(1);
    expect(runsOf(fastpath.state)).toEqual([]);
  });

  test('leaves other verbs, reports and unknown options to Node', async () => {
    const cwd = makeProject(as, hello);
    const fastpath = makeFastpath(as);
    for (const args of [
      ['--version'],
      ['run', '--json', 'hello.sh'],
      ['run', '--report', 'report.json', 'hello.sh'],
      ['run', '-v', 'hello.sh'],
      ['run', '--dry-run', 'hello.sh'],
      ['run', '--no-such-option', 'hello.sh'],
      ['run', 'missing.sh'],
    ]) {
      const plain = await runWasbox(args, { as, cwd, env: fastpath.env });
      for (let round = 0; round < 2; round++) {
        const run = await fastpath.run(args, { cwd });
        expect(
          [run.nodes, run.status, run.out.length > 0, run.err.length > 0],
          args.join(' '),
        ).toEqual([1, plain.status, plain.out.length > 0, plain.err.length > 0]);
      }
    }
  });
});
