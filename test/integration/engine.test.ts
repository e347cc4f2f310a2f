/**
 * The engine in the native command, without Node, decides the same, to the byte, as the command line in Node, and what
 * it carries out itself says and does the same. Plans as the ordinary user: root's ids are random.
 */
import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { cacheKeySize, entryLayout } from '../../src/fastpath/entry.generated.js';
import { parseRunArguments } from '../../src/options/index.js';
import { makeFastpath, plain } from '../support/fastpath.js';
import { ordinaryUser, stateOf } from '../support/identity.js';
import { installOwn } from '../support/installation.js';
import { makeProject } from '../support/project.js';
import { nativeOf } from '../support/two-ways.js';
import { type Ended, runProgram } from '../support/wasbox.js';

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

/** The profile lies outside of the directory that is sandboxed: only there may it loosen anything. */
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

/** Returns what the engine makes of a command line: its entry, or why there is none. */
async function explain({ cwd, words }: Start, command = engine) {
  const key = '0'.repeat(2 * cacheKeySize);
  const env = { ...environment(cwd), WASBOX_FASTPATH: `explain:${key}` };
  const run = await runProgram([command, 'run', ...words], { as, cwd, env });
  return run.status !== 1 ? { entry: run.stdout } : { why: run.out + run.err };
}

/** The plan in an entry. */
function planIn(entry: Buffer): Buffer {
  const field = (name: 'plan' | 'planSize') => entry.readUInt32LE(entryLayout[name].offset);
  return entry.subarray(field('plan'), field('plan') + field('planSize'));
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
    expect(fs.existsSync(engine), 'the engine is needed: npm run engine, then npm run build').toBe(
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
    // An entry does not have the payload's arguments.
    const { args = [], command } = parseRunArguments(start.words);
    const kept = start.words.length - (command === undefined ? 0 : args.length);
    const inNode = await planInNode({ ...start, words: start.words.slice(0, kept) });
    expect(planIn(made.entry ?? Buffer.alloc(0)).equals(inNode)).toBe(true);
  });

  test.each(starts)(
    'starts without Node, and the run says the same: %j %j %j',
    async (...given) => {
      const words = ['run', ...given.filter((word) => word !== undefined)];
      const cwd = project();
      const fastpath = makeFastpath(as, nativeOf(as));
      const first = await fastpath.run(words, { cwd });
      const inNode = await runProgram([process.execPath, as.cli, ...words], {
        as,
        cwd,
        env: { ...fastpath.env, PWD: cwd },
      });
      expect(plain(first)).toEqual(plain(inNode));
      expect(first.nodes, first.err).toBe(0);
      await fastpath.settled();
    },
  );
});

/** Removes what differs from run to run: times, and the lines that name what runs the command. */
const untimed = (one: Ended) =>
  plain(one).map((text) =>
    String(text)
      .replace(/exited \d+ in .*/g, '')
      .replace(/"(\w+Ms|\w+At|started|pid|\w+Bytes)": [^,\n]+/g, '')
      .replace(/^wasbox \d.*(Node|QuickJS).*$/m, ''),
  );

/** A table without how old its rows are, which also sets how wide the column is. */
const ageless = (texts: readonly string[]) =>
  texts.map((text) => text.replace(/ +/g, ' ').replace(/^(\S+) \d+[smhd] /gm, '$1 AGE '));

describe('the engine itself', () => {
  const runs: readonly (readonly [string, readonly string[], string])[] = [
    ['an unknown option', ['--nosuch', 'x'], 'unknown option --nosuch'],
    ['a script that is not there', ['nosuch.py'], 'not found'],
    ['an option by its former name', ['--output', '64M', '--', 'true'], 'is now --'],
    ['help', ['--help'], ''],
    ['a dry run', ['--dry-run', '--', 'true'], 'executes'],
    ['more words at the end', ['--verbose', '--', 'true'], ''],
    ['changes', ['--', 'sh', '-c', 'echo new > f; rm plain.js'], '1 file added'],
    ['a refused call', ['--', 'unshare', '-U', 'true'], 'unshare'],
    ['a time limit', ['--timeout', '100ms', '--', 'sleep', '5'], '100 ms'],
    ['a program that is not there', ['--', 'sh', '-c', 'exec nosuch'], 'nosuch'],
    ['a report', ['--report', '2', '--', 'true'], '"schemaVersion"'],
    ['a report on stderr', ['--json', '--', 'sh', '-c', 'exit 3'], '"exitCode": 3'],
    ['a page', ['--html', '2', '--', 'true'], '<!doctype html>'],
    ['an audit', ['--audit', '-v', '--', 'cat', 'hello.sh'], 'hello.sh'],
    ['rules of the network', ['--net', '192.0.2.1', '--', 'true'], ''],
    ['a policy with a mistake', ['--policy', 'wrong.policy', '--', 'true'], 'unknown system call'],
    ['more trees', ['--cow', 'data', '--workdir', 'keys', '--', 'sh', '-c', 'echo > g'], 'added'],
    ['changes that are applied', ['--apply', '--', 'sh', '-c', 'echo a > applied'], 'applied'],
  ];

  test.each(runs)('carries out by itself: %s', async (_name, words, said) => {
    const made = { ...files, 'wrong.policy': 'allow reed\n' };
    const [cwd, twin] = [makeProject(as, made), makeProject(as, made)];
    const fastpath = makeFastpath(as, nativeOf(as));
    const run = await fastpath.run(['run', ...words], { cwd });
    const inNode = await runProgram([process.execPath, as.cli, 'run', ...words], {
      as,
      cwd: twin,
      env: { ...fastpath.env, PWD: twin },
    });
    expect(run.nodes).toBe(0);
    const page = words.includes('--html'); // its figures stand everywhere
    const place = (one: Ended) =>
      untimed(one).map((text) => {
        const here = text.replaceAll(twin, cwd);
        return page ? here.replace(/\d[\d.,]*( ?(?:B|[KMG]iB|ms|s|µs)\b)?/g, '') : here;
      });
    expect(place(run)).toEqual(place(inNode));
    expect(run.err + run.out).toContain(said);
  });

  test('carries out other commands as Node does', async () => {
    const fastpath = makeFastpath(as, nativeOf(as));
    const cwd = makeProject(as, files);
    const made = await fastpath.run(
      ['run', '-q', '--', 'sh', '-c', 'echo b > b; echo x >> ask.py'],
      {
        cwd,
      },
    );
    expect([made.status, made.nodes]).toEqual([0, 0]);
    const commands = [
      ['runs'],
      ['runs', '--json'],
      ['diff'],
      ['diff', '--stat'],
      ['diff', '--json'],
      ['diff', '--patch'],
      ['apply', '--dry-run'],
      ['policy', 'check', 'own.policy'],
      ['policy', 'compile', 'own.policy', '--format', 'asm', '-o', '-'],
      ['policy', 'simulate', 'own.policy', 'sync'],
      ['policy', 'explain', 'own.policy'],
      ['policy', 'groups'],
      ['completion', 'bash'],
      ['completion', 'bash', '--', 'run', '--net', '=', 'no'],
      ['completion', 'fish', '--', 'policy', 'simulate', 'x', 'socketp'],
      ['completion', 'zsh', '--', 'diff', ''],
      ['help'],
      ['help', 'apply'],
      ['nosuch'],
      ['--version'],
      ['doctor'],
      ['learn', '--', 'cat', 'hello.sh'],
      ['learn', '-o', '/nosuch/x', '--', 'true'],
    ];
    for (const argv of commands) {
      const run = await fastpath.run(argv, { cwd });
      const inNode = await runProgram([process.execPath, as.cli, ...argv], {
        as,
        cwd,
        env: { ...fastpath.env, PWD: cwd },
      });
      expect(run.nodes, argv.join(' ')).toBe(0);
      const [said, saidInNode] = [untimed(run), untimed(inNode)];
      const isTable = argv.join(' ') === 'runs';
      expect(isTable ? ageless(said) : said, argv.join(' ')).toEqual(
        isTable ? ageless(saidInNode) : saidInNode,
      );
    }
    const applied = await fastpath.run(['apply'], { cwd });
    expect([applied.status, applied.nodes]).toEqual([0, 0]);
    expect(fs.readFileSync(join(cwd, 'b'), 'utf8')).toBe('b\n');
    const again = await fastpath.run(['run', '-q', '--', 'sh', '-c', 'echo c > c'], { cwd });
    const gone = await fastpath.run(['discard', '--all'], { cwd });
    expect([again.status, gone.status, gone.nodes]).toEqual([0, 0, 0]);
    expect(fs.existsSync(join(cwd, 'c'))).toBe(false);
  });

  test('runs a script on standard input, of which nothing is lost', async () => {
    const fastpath = makeFastpath(as, nativeOf(as));
    const cwd = makeProject(as, files);
    const run = await fastpath.run(['run', '-', 'x'], { cwd, stdin: 'echo "from stdin $1"\n' });
    expect([run.out, run.nodes]).toEqual(['from stdin x\n', 0]);
  });

  test('reads words, variables and names that are not UTF-8 as Node does', async () => {
    const fastpath = makeFastpath(as, nativeOf(as));
    const cwd = makeProject(as, files);
    const shell = `exec "$@" run -- printf %s "$(printf '\\377')"`;
    const outputs = await Promise.all(
      [[nativeOf(as)], [process.execPath, as.cli]].map(async (command) => {
        const argv = ['/bin/sh', '-c', shell, 'sh', ...command];
        const run = await runProgram(argv, { as, cwd, env: { ...fastpath.env, PWD: cwd } });
        return [run.status, run.stdout.toString('hex'), run.err];
      }),
    );
    expect(outputs[0]).toEqual(outputs[1]);
  });

  const left: readonly (readonly [string, readonly string[]])[] = [
    ['international domain names', ['run', '--net', 'bücher.example', '--', 'true']],
    ['images', ['run', '--image', 'nosuch.example/none', '--', 'true']],
    ['images', ['image', 'ls']],
    ['sessions', ['session', 'start']],
    ['sessions', ['session', 'fork', 'none']],
    ['sessions', ['session', 'snapshot', 'none']],
    ['sessions', ['exec', 'none', '--', 'true']],
    ['MCP servers', ['mcp']],
    ['workers', ['worker', '--queue', 'jobs']],
  ];

  test.each(left)(
    'says in one line that %s need Node where there is none: %j',
    async (what, argv) => {
      const fastpath = makeFastpath(as, nativeOf(as));
      const cwd = makeProject(as, files);
      const without = await fastpath.run(argv, { cwd, env: { PATH: '/nosuch' } });
      expect([without.status, without.out, without.err]).toEqual([
        125,
        '',
        `wasbox: ${what} need Node.js, and node was not found in PATH\n  Install Node.js 20.18 or later (not 21, nor 22.0 to 22.2): https://nodejs.org\n`,
      ]);
    },
  );

  test('leaves these to Node where it is, and others need none', async () => {
    const fastpath = makeFastpath(as, nativeOf(as));
    const cwd = makeProject(as, files);
    const name = await fastpath.run(left[0]?.[1] ?? [], { cwd });
    expect([name.status, name.nodes]).toEqual([0, 1]);
    const images = await fastpath.run(['image', 'ls'], { cwd });
    expect([images.status, images.out, images.nodes]).toEqual([0, 'No images.\n', 1]);
    const sessions = await fastpath.run(['session', 'ls'], { cwd, env: { PATH: '/nosuch' } });
    expect([sessions.status, sessions.out]).toEqual([0, 'No session runs.\n']);
  });

  test('fails with a line where neither it nor Node is there', async () => {
    const { wasbox, engine: path } = installOwn(as);
    fs.rmSync(path);
    const run = await makeFastpath(as, wasbox).run(['runs'], { env: { PATH: '/nosuch' } });
    expect([run.status, run.out]).toEqual([125, '']);
    expect(run.err).toContain('wasbox-engine cannot be executed, and node was not found in PATH');
  });
});

describe('a damaged or absent engine', () => {
  const damages: readonly (readonly [string, (engine: string) => void])[] = [
    ['is not there', (path) => fs.rmSync(path)],
    ['may not be executed', (path) => fs.chmodSync(path, 0o644)],
    ['has lost its image', (path) => fs.truncateSync(path, fs.statSync(path).size - 24)],
    ['is cut off in its image', (path) => fs.truncateSync(path, fs.statSync(path).size - 100_000)],
    ['is empty', (path) => fs.truncateSync(path, 0)],
    ['is another program', (path) => fs.writeFileSync(path, '#!/bin/sh\nexit 3\n')],
  ];

  test.each(damages.slice(0, 5))('%s: the run is made all the same', async (_name, damage) => {
    const { wasbox, engine: path } = installOwn(as);
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
