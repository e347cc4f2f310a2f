/**
 * Starts without Node: the engine in the native command decides the same, to the byte, as the command line
 * in Node, and leaves to Node what it cannot do. As the ordinary user: root's runs are Node's.
 */
import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { cacheKeySize, entryLayout } from '../../src/fastpath/entry.generated.js';
import { makeFastpath, plain } from '../support/fastpath.js';
import { ordinaryUser, stateOf } from '../support/identity.js';
import { makeProject } from '../support/project.js';
import { nativeOf } from '../support/two-ways.js';
import { type Ended, runProgram, runWasbox } from '../support/wasbox.js';

const as = ordinaryUser();
const engine = join(dirname(nativeOf(as)), 'wasbox-engine');
const files = {
  'hello.sh': '#!/bin/sh\necho "hello $*"\n',
  'ask.py': 'import sys\nprint("py", *sys.argv[1:])\n',
  'plain.js': 'console.log("js", ...process.argv.slice(2))\n',
  'data/table.csv': 'a,b\n',
  'keys/.env': 'TOKEN=1\n',
  'umlaut-ä/f': 'x\n',
  'own.policy': 'include "part.policy"\ninclude "default"\n',
  'part.policy': 'errno(EIO) sync\nallow personality where persona & 0xff == 0\n',
  'venv/pyvenv.cfg': 'home = /usr/bin\n',
};

/** Outside of the directory that is sandboxed: only there may it loosen anything. */
const PROFILE = '../engine-p.toml';

/** Command lines of one plain run each. */
const starts: readonly (readonly string[])[] = [
  ['hello.sh', 'a b', ''],
  ['./hello.sh'],
  ['ask.py', 'x'],
  ['plain.js', 'ä', '€', '🙂'],
  ['--', 'true'],
  ['--', 'sh', '-c', 'exit 7'],
  ['-c', 'echo "$@"', 'one', 'two'],
  ['--lang', 'python', '-c', 'print(1)'],
  ['--quiet', '--', 'true'],
  ['--ro', 'data:/data', '--', 'cat', '/data/table.csv'],
  ['--rw', 'data', '--', 'true'],
  ['--hide', 'keys', '--', 'ls', 'keys'],
  ['--hide', '**/.env', '--', 'ls', '-a', 'keys'],
  ['--hide-secrets', '--', 'true'],
  ['--net', 'host', '--', 'true'],
  ['--timeout', '30s', '--grace', '1s', '--', 'true'],
  ['--memory', '512M', '--pids', '100', '--disk', '1G', '--', 'true'],
  ['--cpu', '10s', '--open-files', '64', '--file-size', '1M', '--', 'true'],
  ['--max-output', '1M', '--', 'echo', 'counted'],
  ['--env', 'A=b', '--env', 'HOME', '--', 'env'],
  ['--root', '--', 'id', '-u'],
  ['--profile', PROFILE, '--', 'env'],
  ['--workdir', 'data', '--', 'ls'],
  ['--discard', '--', 'true'],
  ['--tty', 'never', '--', 'true'],
  ['--ro', 'umlaut-ä', '--', 'true'],
  ['--policy', 'own.policy', '--', 'true'],
  ['--allow', 'ptrace', '--allow', 'socket where domain == AF_ALG', '--', 'true'],
];

interface Start {
  readonly cwd: string;
  readonly words: readonly string[];
}

const environment = (cwd: string) => ({ XDG_STATE_HOME: stateOf(as), PWD: cwd });

/** What the engine makes of a command line: its entry, or why there is none. */
async function explain({ cwd, words }: Start, command = engine) {
  const key = '0'.repeat(2 * cacheKeySize);
  const env = { ...environment(cwd), WASBOX_FASTPATH: `explain:${key}` };
  const run = await runProgram([command, 'run', ...words], { as, cwd, env });
  return run.status !== 1 ? { entry: run.stdout } : { why: run.out + run.err };
}

/** The plan in an entry, with zeros for its run's id. */
function planIn(entry: Buffer): Buffer {
  const field = (name: 'plan' | 'planSize' | 'planId') =>
    entry.readUInt32LE(entryLayout[name].offset);
  const plan = Buffer.from(entry.subarray(field('plan'), field('plan') + field('planSize')));
  return plan.fill('0', field('planId'), field('planId') + 9);
}

/** The plan of `--dry-run` in Node, whose standard streams are the same kinds. */
async function planInNode({ cwd, words }: Start): Promise<Buffer> {
  const argv = ['run', '--dry-run', '--json', ...words];
  const env = environment(cwd);
  const run = await runProgram([process.execPath, as.cli, ...argv], { as, cwd, env });
  expect(run.status, run.err).toBe(0);
  const { plan } = JSON.parse(run.out) as { plan: string };
  return Buffer.from(plan, 'base64');
}

/** A directory to run in. */
function project(): string {
  const cwd = makeProject(as, files);
  const profile = 'net = "none"\n[limits]\npids = 50\ntimeout = "30s"\n[env]\nGREETING = "hello"\n';
  fs.writeFileSync(join(cwd, PROFILE), profile);
  return cwd;
}

describe('the engine', () => {
  test('is installed, for without it these tests would show nothing', () => {
    expect(fs.existsSync(engine), 'QuickJS is needed: Debian packages quickjs and libquickjs').toBe(
      true,
    );
  });

  test.each(starts)('plans what Node plans: %j %j %j', async (...words) => {
    const start = {
      cwd: project(),
      words: words.filter((word) => word !== undefined),
    };
    const made = await explain(start);
    expect(made.why).toBeUndefined();
    expect(planIn(made.entry ?? Buffer.alloc(0)).equals(await planInNode(start))).toBe(true);
  });

  test.each(starts)(
    'starts without Node, and the run says the same: %j %j %j',
    async (...given) => {
      const words = ['run', ...given.filter((word) => word !== undefined)];
      const cwd = project();
      const fastpath = makeFastpath(as, nativeOf(as));
      const first = await fastpath.run(words, { cwd });
      const inNode = await runWasbox(words, { as, cwd, env: { ...fastpath.env, PWD: cwd } });
      expect(plain(first)).toEqual(plain(inNode));
      // Only a run with something to tell brings Node in, at its end.
      expect(first.nodes, first.err).toBe(first.err.includes('wasbox: ') ? 1 : 0);
      await fastpath.settled();
    },
  );
});

describe('what the engine leaves to Node', () => {
  const cases: readonly (readonly [string, readonly string[], string])[] = [
    ['an unknown option', ['--nosuch', 'x'], 'unknown option --nosuch'],
    ['a script that is not there', ['nosuch.py'], 'not found'],
    ['an option by its former name', ['--output', '64M', '--', 'true'], 'is now --'],
    ['help', ['--help'], ''],
    ['a dry run', ['--dry-run', '--', 'true'], ''],
    ['more words at the end', ['--verbose', '--', 'true'], ''],
    ['a report', ['--report', '/dev/null', '--', 'true'], ''],
    ['an audit', ['--audit', '--', 'true'], ''],
    ['rules of the network', ['--net', '192.0.2.1', '--', 'true'], ''],
    ['a policy with a mistake', ['--policy', 'wrong.policy', '--', 'true'], 'unknown system call'],
    ['more trees', ['--cow', 'data', '--workdir', 'keys', '--', 'true'], ''],
  ];

  test.each(cases)('%s', async (_name, words, said) => {
    const cwd = makeProject(as, { ...files, 'wrong.policy': 'allow reed\n' });
    const fastpath = makeFastpath(as, nativeOf(as));
    const run = await fastpath.run(['run', ...words], { cwd });
    const inNode = await runWasbox(['run', ...words], {
      as,
      cwd,
      env: { ...fastpath.env, PWD: cwd },
    });
    expect(run.nodes).toBe(1);
    const untimed = (one: Ended) => plain(one).map((text) => String(text).replace(/exited.*/, ''));
    expect(untimed(run)).toEqual(untimed(inNode));
    expect(run.err + run.out).toContain(said);
  });

  test('a script on standard input, of which nothing is lost', async () => {
    const fastpath = makeFastpath(as, nativeOf(as));
    const cwd = makeProject(as, files);
    const run = await fastpath.run(['run', '-', 'x'], { cwd, stdin: 'echo "from stdin $1"\n' });
    expect([run.out, run.nodes]).toEqual(['from stdin x\n', 1]);
  });

  test('words, variables and names that are not UTF-8', async () => {
    const fastpath = makeFastpath(as, nativeOf(as));
    const cwd = makeProject(as, files);
    const shell = `exec "$0" run -- printf %s "$(printf '\\377')"`;
    const argv = ['/bin/sh', '-c', shell, nativeOf(as)];
    const { stdout } = await runProgram(argv, { as, cwd, env: { ...fastpath.env, PWD: cwd } });
    expect(stdout.length).toBeGreaterThan(0);
  });
});

describe('a damaged or absent engine', () => {
  /** An installation of its own, to be damaged. */
  function install(): { readonly wasbox: string; readonly engine: string } {
    const place = makeProject(as, {}, 'installation');
    fs.cpSync(join(dirname(as.cli), '..'), place, {
      recursive: true,
      filter: (path) => !/\/(docs|node_modules)(\/|$)/.test(path),
    });
    const wasbox = join(place, 'dist/native', `linux-${process.arch}`, 'wasbox');
    return { wasbox, engine: join(dirname(wasbox), 'wasbox-engine') };
  }

  const damages: readonly (readonly [string, (engine: string) => void])[] = [
    ['is not there', (path) => fs.rmSync(path)],
    ['may not be executed', (path) => fs.chmodSync(path, 0o644)],
    ['has lost its image', (path) => fs.truncateSync(path, fs.statSync(path).size - 24)],
    ['is cut off in its image', (path) => fs.truncateSync(path, fs.statSync(path).size - 100_000)],
    ['is empty', (path) => fs.truncateSync(path, 0)],
    ['is another program', (path) => fs.writeFileSync(path, '#!/bin/sh\nexit 3\n')],
  ];

  test.each(damages.slice(0, 5))('%s: the run is made all the same', async (_name, damage) => {
    const { wasbox, engine: path } = install();
    damage(path);
    const fastpath = makeFastpath(as, wasbox);
    const run = await fastpath.run(['run', '--', 'echo', 'hi'], { cwd: makeProject(as, files) });
    expect([run.status, run.out, run.err]).toEqual([0, 'hi\n', '']);
  });

  test('an entry that is none is not taken', async () => {
    const cwd = makeProject(as, files);
    const fastpath = makeFastpath(as, nativeOf(as));
    for (const value of ['entry:0', 'entry:9', 'once:77', 'entry:', 'node:', 'nonsense']) {
      const env = { WASBOX_FASTPATH: value };
      const run = await fastpath.run(['run', '--', 'echo', value], { cwd, env });
      expect([run.status, run.out, run.err], value).toEqual([0, `${value}\n`, '']);
    }
  });
});
