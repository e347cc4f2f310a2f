/**
 * Counts what a default run costs: system calls of the native command, of init and of the payload
 * before it executes, mounts, instructions of the filter, bytes to load. Times depend on the machine; these do not, and
 * each of them takes time. Needs: strace.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import type { RunReport } from '../../src/index.js';
import { fastpathOf, makeFastpath } from '../support/fastpath.js';
import { ordinaryUser } from '../support/identity.js';
import { makeProject, writeFiles } from '../support/project.js';
import { nodeArgv, runProgram } from '../support/wasbox.js';

/** [least, most] of each, with some room for kernels and distributions that differ. */
const costs = {
  initCalls: [300, 424],
  // POSIX message queues are a mount of their own, as are /etc/hosts with the sandbox's name and parts of /proc.
  mounts: [18, 34],
  // It does what init need not wait for, while init builds the file tree and takes the old root away:
  // that is no longer a run. Its bounding set, too, which init would else have to see to first.
  // And parts of /proc are made read-only by it.
  payloadCalls: [130, 240],
  // A few of them look whether /etc/hosts and what ssh includes are as they were; and, where there is no repository, at
  // each level below home for the eight files that make a project. Five note the command line for `wasbox why`.
  frontCalls: [180, 440],
  // ioctl(2) on the listener, for each question: receive, answer.
  question: [1.95, 2.05],
  // The audit looks at the caller, too: whether the question stands, once the caller is pinned.
  audited: [1.95, 3.05],
  files: {
    // Rules for the network, profiles (TOML), questions and the audit are in it.
    // Merges, what was shown of a directory's runs, where state directories are mounted, and what git's
    // configuration outside of a tree holds back are in both. So is the catalogue of what runs later (27 KB), whose
    // rows are made only where something changed: by then V8 has read some microseconds' worth of text. What becomes
    // of a home is 10 KB. What a failed run lacked is found when it is asked (`why`, 14 KB), long after the run; `ps`,
    // `stop` and presets are verbs by themselves.
    // The rules for what obeyed scripts run in turn, and for git objects and their names, are 16 KB.
    // The library's functions for dryRun, doctor and saved runs are the command's too, 35 KB.
    // Starting an image's programs, sessions of the command line and their checkpoints are 60 KB. What the user's own
    // files would run (git's configuration, hooks, tasks) is read for the review. Layers in memory, which are saved at
    // the end of a run, are 12 KB. Directories that stand in for lost ones are 6 KB.
    // What a failed program names, in all of its parts, and what to do instead is 20 KB.
    // Programs that a shell script lacks, and ports that a program names, are 9 KB.
    // Leads from a program's last output, warnings of places with keys, and answers to wrong values are 15 KB.
    'cli-main.cjs': [250_000, 1_440_000],
    // The size includes the parts that it imports: what runs programs (470 KB) is loaded by the first call.
    'index.js': [15_000, 60_000],
    'wasbox-core.wasm': [60_000, 180_000],
  },
  filters: {
    // The internet sockets, prctl options and ioctl requests that it allows are listed.
    'default.x86_64.bpf': [60, 200],
    'default.aarch64.bpf': [60, 200],
    'set-id-guard.x86_64.bpf': [10, 45],
    'set-id-guard.aarch64.bpf': [10, 45],
    'net-guard.x86_64.bpf': [20, 70],
    'net-guard.aarch64.bpf': [20, 70],
  },
} as const;

/** Waits: how many there are depends on who comes first. */
const waits = new Set(['sched_yield', 'futex', 'ppoll', 'restart_syscall']);
const mountCalls = ['fsmount', 'open_tree', 'mount', 'fsopen'];

interface Calls {
  readonly names: readonly string[];
  count(...names: string[]): number;
}

/** One process's calls in a file of `strace -ff`. */
function callsIn(text: string): Calls {
  const names = text
    .split('\n')
    .map((line) => /^(\w+)\(/.exec(line)?.[1] ?? '')
    .filter((name) => name !== '' && !waits.has(name));
  return { names, count: (...wanted) => names.filter((name) => wanted.includes(name)).length };
}

/** A commit that makes a run costlier on purpose raises the bound and says why. */
function expectWithin(what: string, seen: number, [least, most]: readonly [number, number]): void {
  const advice =
    seen > most
      ? `More than ${most}: it gets slower. Find what was added (strace -f wasbox run -- true), and leave it out or raise the bound here with the reason.`
      : `Fewer than ${least}: either it got cheaper, then lower the bounds here, or this test no longer sees what it counts.`;
  expect(seen >= least && seen <= most, `${what}: ${seen}. ${advice}`).toBe(true);
}

const as = ordinaryUser();
const dist = dirname(as.cli);

/** Returns what init calls in a run of a program with these options. */
async function callsOfInit(...options: string[]): Promise<Calls> {
  const cwd = makeProject(as);
  const traces = `${cwd}.traces`;
  writeFiles(as, traces, { 'x/': '' });
  const args = ['run', '-q', '--discard', ...options, '--', '/usr/bin/true'];
  await runProgram(['strace', '-ff', '-o', join(traces, 'of'), ...nodeArgv(as, args)], {
    as,
    cwd,
  });
  const text = readdirSync(traces)
    .filter((name) => name.startsWith('of.'))
    .map((name) => readFileSync(join(traces, name), 'utf8'))
    .find((file) => file.includes('PR_SET_NAME, "wasbox-init"'));
  return callsIn(text ?? '');
}

describe('a question of the payload', () => {
  test.each([
    ['a refusal', 'question', []],
    ['a call under an audit', 'audited', ['--audit']],
  ] as const)(
    'is received and answered, and little asked in between: %s',
    async (what, cost, options) => {
      const cwd = makeProject(as, {
        'ask.py': `import time
for _ in range(1000):
    try: time.clock_settime(time.CLOCK_REALTIME, 1)
    except PermissionError: pass
`,
      });
      const traces = `${cwd}.traces`;
      writeFiles(as, traces, { 'x/': '' });
      const args = ['run', '-q', '--discard', '--report', `${cwd}.json`, ...options, 'ask.py'];
      const run = await runProgram(
        ['strace', '-ff', '-o', join(traces, 'of'), '-e', 'signal=none', ...nodeArgv(as, args)],
        { as, cwd },
      );
      expect(run.status, run.err).toBe(0);
      const supervisor = readdirSync(traces)
        .filter((name) => name.startsWith('of.'))
        .map((name) => callsIn(readFileSync(join(traces, name), 'utf8')))
        .sort((a, b) => b.count('ioctl') - a.count('ioctl'))[0];
      const report = JSON.parse(readFileSync(`${cwd}.json`, 'utf8')) as RunReport;
      expect(report.refusals?.total).toBeGreaterThanOrEqual(1000);
      const questions = options.length === 0 ? report.refusals?.total : report.audit?.totalCalls;
      const calls = supervisor?.count('ioctl') ?? 0;
      expectWithin(`calls for ${what}`, calls / (questions ?? 0), costs[cost]);
    },
  );
});

describe('wasbox', () => {
  const env = { ...makeFastpath(as).env, HOME: makeProject(as, {}, 'home') };
  /** How many programs of that name a command executes. */
  async function engines(cwd: string, ...words: string[]): Promise<number> {
    const trace = `${cwd}.trace`;
    const traced = ['strace', '-f', '-o', trace, '-e', 'trace=execve', '-e', 'signal=none'];
    const run = await runProgram([...traced, fastpathOf(as), ...words], { as, cwd, env });
    expect(run.status, run.err).toBe(0);
    return readFileSync(trace, 'utf8').match(/execve\("[^"]*wasbox-engine"/g)?.length ?? 0;
  }

  test.each([
    ['run', '-q', '--json', 'true'],
    ['run', '-q', '--report=/dev/null', '--', 'true'],
    ['run', '--verbose', 'true'],
    ['run', '--dry-run', 'true'],
    ['run', '-q', '--home', 'cow', 'true'],
    ['run', '-q', '--audit', '--', 'true'],
  ])('starts the engine once with %s %s %s', async (...words) => {
    expect(await engines(makeProject(as), ...words.filter((word) => word !== undefined))).toBe(1);
  });

  test('starts the engine twice where a value is before such an option (the control)', async () => {
    expect(await engines(makeProject(as), 'run', '-q', '--hide', 'x', '--json', 'true')).toBe(2);
  });

  test('has the same list of such options in C and in TypeScript', () => {
    const listIn = (file: string): string => {
      const text = readFileSync(join(import.meta.dirname, '../..', file), 'utf8');
      return /\bbeyond(?:\[\])? = [[{]([^\]}]*)[\]}]/.exec(text)?.[1] ?? '';
    };
    const inC = [...listIn('addon/fastpath/beyond.c').matchAll(/"--([a-z-]+)"/g)];
    const names = inC.map(([, name = '']) =>
      name.replace(/-(.)/g, (_, c: string) => c.toUpperCase()),
    );
    const inTypeScript = [...listIn('src/engine/start.ts').matchAll(/'(\w+)'/g)].map(
      ([, name]) => name,
    );
    expect(names.filter((name) => name !== 'continue').sort()).toEqual(inTypeScript.sort());
  });
});

describe('a default run of a program', () => {
  let init: Calls;
  let payload: Calls;

  beforeAll(async () => {
    const cwd = makeProject(as);
    const traces = `${cwd}.traces`;
    writeFiles(as, traces, { 'x/': '' });
    const traced = ['strace', '-ff', '-o', join(traces, 'of'), '-e', 'signal=none'];
    const run = await runProgram(
      [...traced, ...nodeArgv(as, ['run', '-q', '--discard', '--', '/usr/bin/true'])],
      { as, cwd },
    );
    expect(run.err).toBe('');
    const files = readdirSync(traces)
      .filter((name) => name.startsWith('of.'))
      .map((name) => readFileSync(join(traces, name), 'utf8'));
    const [initFile = ''] = files.filter((text) => text.includes('PR_SET_NAME, "wasbox-init"'));
    init = callsIn(initFile.slice(initFile.indexOf('execveat(')));
    const [payloadFile = ''] = files.filter((text) => /^execve\("\/usr\/bin\/true"/m.test(text));
    payload = callsIn(payloadFile.slice(0, payloadFile.indexOf('execve("')));
  });

  test('takes so many system calls of init', () => {
    // On a busy machine, a run lasts so long that init checks its limits: five calls each time; and init waits more often.
    const looks = init.count('shmctl');
    const waits = init.count('clock_nanosleep', 'futex');
    expectWithin('system calls of init', init.names.length - 5 * looks - waits, costs.initCalls);
  });

  test('makes so many mounts', () => {
    expectWithin('mounts', init.count(...mountCalls), costs.mounts);
    expect(init.count('pivot_root')).toBe(1);
    // Each waits for all processors.
    expect(init.count('umount2')).toBe(1);
  });

  test('takes nothing for a network that it does not have: loopback is brought up, and that is all', async () => {
    const forNetworks = ['socket', 'bind', 'setsockopt', 'listen'];
    // The payload's process makes the network namespace, and init joins it. Descriptors 0 to 2 are
    // sockets here, and get a name each (addon/init/stdio.c).
    expect([init.count(...forNetworks), payload.count(...forNetworks)]).toEqual([3, 1]);
    // The control: with rules there is a resolver inside.
    const ruled = await callsOfInit('--net', '192.0.2.1');
    expect(ruled.count(...forNetworks)).toBeGreaterThan(5);
  });

  test('takes so many system calls of the payload before it executes', () => {
    expectWithin('system calls before execve', payload.names.length, costs.payloadCalls);
    expect(payload.count('seccomp')).toBeGreaterThan(0);
  });

  test('takes so many system calls of the native command, and no Node', async () => {
    const cwd = makeProject(as);
    const fastpath = makeFastpath(as);
    const args = ['run', '--discard', '--', '/usr/bin/true'];
    await fastpath.run(args, { cwd });
    await fastpath.run(args, { cwd });
    await fastpath.settled();
    const trace = async (turn: number): Promise<Calls> => {
      const traces = `${cwd}.traces-${turn}`;
      writeFiles(as, traces, { 'x/': '' });
      const words = [
        'strace',
        '-ff',
        '-o',
        join(traces, 'of'),
        '-e',
        'signal=none',
        fastpathOf(as),
      ];
      const options = { as, cwd, env: { ...fastpath.env, PWD: cwd } };
      expect((await runProgram([...words, ...args], options)).status).toBe(0);
      const files = readdirSync(traces)
        .filter((name) => name.startsWith('of.'))
        .map((name) => readFileSync(join(traces, name), 'utf8'));
      return callsIn(files.find((text) => text.startsWith(`execve("${fastpathOf(as)}"`)) ?? '');
    };
    // A run that lasts, as on a busy machine, is looked at for its limits: the shortest counts.
    let calls = await trace(0);
    for (let turn = 1; turn < 20 && calls.names.length > costs.frontCalls[1]; turn++) {
      await fastpath.settled();
      calls = await trace(turn);
    }
    expect(calls.count('execve')).toBe(1);
    expectWithin('system calls of the native command', calls.names.length, costs.frontCalls);
    // A run's directory is there already.
    expect(calls.count('mkdirat', 'unlinkat')).toBe(0);
    expect(calls.count('renameat2')).toBe(1);
  });

  test('counts what is there: a run with one more mount has one more', async () => {
    const other = makeProject(as, { more: 'x' });
    const more = await callsOfInit('--ro', join(other, 'more'));
    expect(more.count(...mountCalls)).toBeGreaterThan(init.count(...mountCalls));
  });
});

/** Bytes of a file and of the parts that it imports at once. */
function sizeWithParts(name: string, seen = new Set<string>()): number {
  if (seen.has(name)) return 0;
  seen.add(name);
  const path = join(dist, name);
  const parts = name.endsWith('.js')
    ? [...readFileSync(path, 'utf8').matchAll(/\bfrom ?["']\.\/([\w-]+\.js)["']/g)]
    : [];
  return parts.reduce((sum, [, part = '']) => sum + sizeWithParts(part, seen), statSync(path).size);
}

describe('the load of a run', () => {
  test.each(Object.entries(costs.files))('%s is not larger than necessary', (name, bounds) => {
    expectWithin(`bytes of ${name}`, sizeWithParts(name), bounds);
  });

  test.each(Object.entries(costs.filters))(
    'the filter %s has so many instructions',
    (name, bounds) => {
      const { size } = statSync(join(dist, 'filters', name));
      expectWithin(`instructions of ${name}`, size / 8, bounds);
    },
  );
});
