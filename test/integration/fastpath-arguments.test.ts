/**
 * The payload's arguments are no part of a recorded start: the same program with others needs no Node, is given
 * exactly those, and the journal and the report have them, too.
 */
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { RunReport } from '../../src/report/index.js';
import { type Front, fastpathOf, makeFastpath } from '../support/fastpath.js';
import { ordinaryUser } from '../support/identity.js';
import { makeProject } from '../support/project.js';
import { nativeOf } from '../support/two-ways.js';
import { runProgram } from '../support/wasbox.js';

const as = ordinaryUser();
/** Prints its arguments as the kernel has them. */
const show = {
  'show.py': 'import os, sys\nos.write(1, b"\\0".join(map(os.fsencode, sys.argv[1:])))\n',
};

const plansOf = ({ state }: Front): string[] =>
  fs.readdirSync(join(state, 'plans')).map((name) => join(state, 'plans', name));

async function recorded(args: readonly string[]) {
  const cwd = makeProject(as, show);
  const fastpath = makeFastpath(as);
  expect((await fastpath.run(args, { cwd })).nodes).toBe(1);
  return { cwd, fastpath };
}

/** Words with everything that a plan's strings or JSON could trip over, and lists of them. */
const lists: readonly (readonly string[])[] = [
  [],
  [''],
  ['', '', ''],
  ['a'],
  ['a b', '--net', 'host'],
  ['--', '-c', 'x'],
  ['"', '\\', '\\"', '\\u0000', "'"],
  ['\n\t\r\x01\x1f\x7f', '\u2028\u2029', 'ä€🙂', '\ufeff'],
  ['x'.repeat(100_000)],
  Array.from({ length: 2000 }, (_, i) => `${i}`),
  ['","argv":["evil"', '], "discard": true, "x": ["', '$HOME', '%s%n'],
];

describe('a recorded start with other arguments', () => {
  test('gives the program exactly these, without Node', async () => {
    const { cwd, fastpath } = await recorded(['run', '--', 'python3', 'show.py', 'first', 'one']);
    for (const list of lists) {
      const run = await fastpath.run(['run', '--', 'python3', 'show.py', ...list], { cwd });
      expect([run.nodes, run.status, run.err]).toEqual([0, 0, '']);
      expect(run.out.split('\0')).toEqual(list.length === 0 ? [''] : list);
    }
    expect(plansOf(fastpath)).toHaveLength(1);
    await fastpath.settled();
  });

  test('is found behind a script without the word run, too', async () => {
    const cwd = makeProject(as, { 'a.sh': '#!/bin/sh\necho "$#:$*"\n' });
    const fastpath = makeFastpath(as);
    await fastpath.run(['./a.sh', '1', '2'], { cwd });
    const run = await fastpath.run(['./a.sh', '--help'], { cwd });
    expect([run.nodes, run.out]).toEqual([0, '1:--help\n']);
  });

  test('has them in the journal of its changes and in the report', async () => {
    const cwd = makeProject(as, { 'write.sh': '#!/bin/sh\necho "$1" >f\n' });
    const fastpath = makeFastpath(as);
    await fastpath.run(['run', 'write.sh', 'first'], { cwd });
    for (const list of lists.filter((words) => words.join('').length < 10_000)) {
      const run = await fastpath.run(['run', 'write.sh', ...list], { cwd });
      expect(run.status, run.err).toBe(0);
      const saved = join(fastpath.state, 'saved');
      const [id = ''] = fs
        .readdirSync(saved)
        .sort((a, b) => fs.statSync(join(saved, a)).mtimeMs - fs.statSync(join(saved, b)).mtimeMs)
        .slice(-1);
      const record = JSON.parse(fs.readFileSync(join(saved, id, 'run.json'), 'utf8')) as {
        argv: string[];
        discard?: boolean;
      };
      expect(record.argv).toEqual(['/bin/sh', 'write.sh', ...list]);
      expect(record.discard).toBeUndefined();
    }
    const file = join(cwd, 'report.json');
    const told = await fastpath.run(['run', '--report', file, 'write.sh', 'x', 'y'], { cwd });
    expect(told.status).toBe(0);
    const { argv } = JSON.parse(fs.readFileSync(file, 'utf8')) as RunReport;
    expect(argv.slice(-2)).toEqual(['x', 'y']);
  });

  test('keeps nothing of the first ones', async () => {
    const secret = 'a-secret-of-the-first-run';
    const { fastpath } = await recorded(['run', '--', 'python3', 'show.py', 'x']);
    const before = plansOf(fastpath);
    const other = makeProject(as, show);
    await fastpath.run(['run', '--', 'python3', 'show.py', secret], { cwd: other });
    const [made = ''] = plansOf(fastpath).filter((path) => !before.includes(path));
    expect(fs.readFileSync(made).includes('python3')).toBe(true);
    // `show.py` is an argument of python3, as is what stands behind it.
    expect(fs.readFileSync(made).includes(secret)).toBe(false);
    expect(fs.readFileSync(made).includes('show.py')).toBe(false);
  });

  const passed = { TOKEN: 'S3CRET-VALUE' };
  const valued = [
    ['a variable that is passed', ['--env', 'TOKEN', '--', 'true'], { TOKEN: 'S3CRET-VALUE' }],
    ['a variable that is set', ['--env', 'TOKEN=S3CRET-VALUE', '--', 'true'], {}],
    ['a variable in one word', ['--env=TOKEN=S3CRET-VALUE', '--', 'true'], {}],
    ['code', ['-c', 'true S3CRET-VALUE'], {}],
    ['arguments of code', ['-c', 'true', 'S3CRET-VALUE'], {}],
    ['arguments', ['--', 'true', 'S3CRET-VALUE'], {}],
    ['a variable of a profile', ['--profile', 'TOKEN = "S3CRET-VALUE"', '--', 'true'], {}],
    ['a variable that a profile passes', ['--profile', 'TOKEN = true', '--', 'true'], passed],
  ] as const;
  // The engine records starts of its own, as Node does.
  const recorders = [
    ['Node', fastpathOf(as)],
    ['the engine', nativeOf(as)],
  ] as const;
  test.each(
    recorders.flatMap(([recorder, executable]) =>
      valued.map(([kind, args, env]) => ({ recorder, executable, kind, args, env })),
    ),
  )(
    'no start that $recorder makes keeps the value of $kind',
    async ({ executable, args: words, env }) => {
      const cwd = makeProject(as);
      const args: string[] = [...words];
      const profile = args.indexOf('--profile') + 1;
      if (profile > 0) {
        args[profile] = join(makeProject(as, { 'p.toml': `[env]\n${args[profile]}\n` }), 'p.toml');
      }
      const fastpath = makeFastpath(as, executable);
      const state = fastpath.env.XDG_STATE_HOME as string;
      // Directories of overlayfs are closed even to their owner; grep(1) goes on.
      const holding = (): string[] =>
        spawnSync('grep', ['-rlF', 'S3CRET-VALUE', state], { encoding: 'utf8' })
          .stdout.split('\n')
          .filter((name) => name !== '');
      for (let n = 0; n < 3; n++) {
        const run = await fastpath.run(['run', ...args], { cwd, env });
        expect([run.status, run.err]).toEqual([0, '']);
      }
      await fastpath.settled(); // what the last run left is on its way until then
      expect(holding().filter((name) => name.includes('/plans/'))).toEqual([]);
      // Control: what the command line itself said is noted for `wasbox why` until all is discarded.
      const typed = args.some((word) => word.includes('S3CRET-VALUE'));
      expect(holding().filter((name) => name.includes('/last-runs/'))).toHaveLength(typed ? 1 : 0);
      // A shorter command line takes the place of all of it.
      await fastpath.run(['run', '--', 'true'], { cwd });
      expect(holding().filter((name) => name.includes('/last-runs/'))).toEqual([]);
      await fastpath.run(['discard', '--all'], { cwd });
      expect(holding()).toEqual([]);
      // Control: a start without such values is recorded, and repeated.
      await fastpath.run(['run', '--', 'true', 'x'], { cwd });
      expect((await fastpath.run(['run', '--', 'true', 'y'], { cwd })).nodes).toBe(0);
      await fastpath.settled();
      expect(plansOf(fastpath)).toHaveLength(1);
    },
  );

  test('gives arguments that are not UTF-8 as they are', async () => {
    const cwd = makeProject(as, show);
    const fastpath = makeFastpath(as);
    await fastpath.run(['run', '--', 'echo', 'x'], { cwd });
    const shell = `"$1" run -- echo "$(printf 'a\\377b')" | od -An -tx1`;
    const direct = `echo "$(printf 'a\\377b')" | od -An -tx1`;
    const run = (text: string) =>
      runProgram(['sh', '-c', text, 'sh', nativeOf(as)], {
        as,
        cwd,
        env: { ...fastpath.env, PWD: cwd },
      });
    // Node and its like put U+FFFD there before anybody can look at it.
    expect((await run(direct)).out).toContain('61 ff 62');
    expect((await run(shell)).out).toMatch(/61 (ff|ef bf bd) 62/);
  });

  test('is not used where options may stand among them', async () => {
    const cwd = makeProject(as, show);
    const fastpath = makeFastpath(as);
    const code = ['run', '-c', 'echo "$1"; cat /proc/net/dev | wc -l'];
    await fastpath.run([...code, 'word'], { cwd });
    const other = await fastpath.run([...code, 'other'], { cwd });
    expect([other.nodes, other.out.split('\n')[0]]).toEqual([1, 'other']);
    const option = await fastpath.run([...code, '--env', 'A=1', 'third'], { cwd });
    expect([option.nodes, option.out.split('\n')[0]]).toEqual([1, 'third']);
  });

  test('is not used for another program, another option or another directory', async () => {
    const { cwd, fastpath } = await recorded(['run', '--', 'echo', 'x']);
    for (const args of [
      ['run', '--', 'printf', 'x'],
      ['run', '--env', 'A=1', '--', 'echo', 'x'],
      ['run', 'echo', 'x'],
    ])
      expect((await fastpath.run(args, { cwd })).nodes).toBe(1);
    const elsewhere = makeProject(as, show);
    expect((await fastpath.run(['run', '--', 'echo', 'x'], { cwd: elsewhere })).nodes).toBe(1);
    // The control: what was recorded is still used.
    expect((await fastpath.run(['run', '--', 'echo', 'y'], { cwd })).nodes).toBe(0);
  });
});
