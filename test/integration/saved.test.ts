/**
 * Counts what a run costs where many others are saved: neither its start nor its end looks at them. Counted in
 * system calls that open, lock, read or move something of theirs, with one, 100 and 1,000 of them. Needs: strace.
 */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { fastpathOf, makeFastpath } from '../support/fastpath.js';
import { ordinaryUser } from '../support/identity.js';
import { libraryArgv } from '../support/library-child.js';
import { makeProject, writeFiles } from '../support/project.js';
import { runProgram } from '../support/wasbox.js';

const as = ordinaryUser();
const alphabet = '0123456789abcdefghjkmnpqrstvwxyz';

/** Where the run lies that was kept, wherever that is. */
const keptIn = (state: string): string => {
  const found = ['saved', 'runs'].flatMap((place) => {
    const directory = join(state, place);
    return fs.existsSync(directory)
      ? fs.readdirSync(directory).map((id) => join(directory, id))
      : [];
  });
  return found[0] ?? '';
};

/** Copies of a kept run, under other ids. */
function addSaved(state: string, count: number): void {
  const from = keptIn(state);
  const record = JSON.parse(fs.readFileSync(join(from, 'run.json'), 'utf8'));
  const place = join(from, '..');
  for (let n = 0; fs.readdirSync(place).length < count + 1; n++) {
    const digits = [n >> 10, n >> 5, n].map((part) => alphabet[part & 31]).join('');
    const id = `0aaaaa${digits}`;
    const files = {
      'run.json': `${JSON.stringify({ ...record, id }, null, 2)}\n`,
      lock: '',
      'layers/0/upper/made': 'new\n',
      'layers/0/work/': '',
      'trees/1/layers/0/upper/': '',
    };
    writeFiles(as, join(place, id), files);
    fs.chmodSync(join(place, id), 0o700);
  }
}

/**
 * Calls of a program that have to do with files of saved runs; not of what it starts, but of what it becomes.
 * @param threads those of its other threads, too, which a library leaves them to
 */
async function callsOf(
  argv: readonly string[],
  cwd: string,
  env: Record<string, string>,
  threads = false,
) {
  const traces = `${cwd}.trace`;
  const which = 'trace=openat2,getdents64,flock,renameat2,unlinkat,mkdirat,execve';
  const words = [
    'strace',
    '-qq',
    '-y', // descriptors with their paths
    ...(threads ? ['-f'] : []),
    '-o',
    traces,
    '-e',
    'signal=none',
    '-e',
    which,
  ];
  const run = await runProgram([...words, ...argv], { as, cwd, env: { ...env, PWD: cwd } });
  const text = fs.readFileSync(traces, 'utf8');
  fs.rmSync(traces);
  const lines = text.split('\n').filter((line) => /^(\d+ +)?\w+\(/.test(line));
  const nodes = lines.filter((line) => /^execve\("[^"]*\/node"/.test(line)).length;
  const ofSaved = lines.filter((line) => /["/]saved["/>]/.test(line)).length;
  return { run, ofSaved, nodes };
}

describe.each<[string, (cwd: string) => string[], boolean]>([
  ['the native command', () => [fastpathOf(as), 'run', '--discard', '--', '/usr/bin/true'], true],
  ['Node', () => [process.execPath, as.cli, 'run', '--discard', '--', '/usr/bin/true'], false],
  [
    'Node, of a run that is kept',
    () => [process.execPath, as.cli, 'run', '--', 'sh', '-c', 'echo new > made'],
    false,
  ],
  [
    'the library',
    (cwd) =>
      libraryArgv(
        as,
        `for (let n = 0; n < 2; n++) await lib.run('true', [], { workdir: ${JSON.stringify(cwd)}, changes: 'discard' })`,
      ),
    false,
  ],
])('a run through %s', (how, argvOf, isFront) => {
  test('makes as many calls that have to do with saved runs where there are 1,000 as with one', async () => {
    const cwd = makeProject(as);
    const fastpath = makeFastpath(as);
    const argv = argvOf(cwd);
    await fastpath.run(['run', '--', 'sh', '-c', 'echo new > made'], { cwd });
    // Where no process reaps those that take a sandbox apart, only the first few of them are started.
    for (let turn = 0; isFront && turn < 6; turn++) await fastpath.run(argv.slice(1), { cwd });
    const seen: number[] = [];
    for (const count of [0, 100, 1000]) {
      addSaved(fastpath.state, count);
      const env = { ...fastpath.env };
      const { run, ofSaved, nodes } = await callsOf(argv, cwd, env, how === 'the library');
      expect(run.status, run.err).toBe(0);
      if (isFront) expect(nodes).toBe(0);
      seen.push(ofSaved);
    }
    const [one] = seen;
    expect(seen).toEqual([one, one, one]);
  });
});

test('a run that an older version kept among what runs is found, and moved', async () => {
  const cwd = makeProject(as);
  const fastpath = makeFastpath(as);
  await fastpath.run(['run', '--', 'sh', '-c', 'echo new > made'], { cwd });
  addSaved(fastpath.state, 70);
  const [saved, runs] = ['saved', 'runs'].map((place) => join(fastpath.state, place)) as [
    string,
    string,
  ];
  const ids = fs.readdirSync(saved);
  for (const id of ids) fs.renameSync(join(saved, id), join(runs, id));
  fs.rmdirSync(saved);
  fs.rmSync(join(fastpath.state, 'tally'), { force: true });
  const listed = await fastpath.run(['runs', '--json'], { cwd });
  const shown = (JSON.parse(listed.out).runs as { id: string }[]).map(({ id }) => id);
  expect(shown.sort()).toEqual([...ids].sort());
  expect([fs.readdirSync(saved).sort(), fs.readdirSync(runs)]).toEqual([[...ids].sort(), []]);
  // One that a program was just using when it was killed, too.
  const [id = ''] = ids;
  fs.renameSync(join(saved, id), join(runs, id));
  const applied = await fastpath.run(['apply', id], { cwd });
  expect([applied.status, fs.readFileSync(join(cwd, 'made'), 'utf8')]).toEqual([0, 'new\n']);
});

test('the latest run of a directory is found without opening the others', async () => {
  const cwd = makeProject(as);
  const fastpath = makeFastpath(as);
  await fastpath.run(['run', '--', 'sh', '-c', 'echo new > made'], { cwd });
  const calls = async (...words: string[]) =>
    (await callsOf([process.execPath, as.cli, ...words], cwd, { ...fastpath.env })).ofSaved;
  const alone = await calls('diff');
  addSaved(fastpath.state, 2000);
  // A few more calls read the names of 2,000.
  expect((await calls('diff')) - alone).toBeLessThan(20);
  expect(await calls('apply')).toBeLessThan(200);
  expect(fs.readFileSync(join(cwd, 'made'), 'utf8')).toBe('new\n');
  // Control: what lists them opens each.
  expect(await calls('runs')).toBeGreaterThan(2000);
});
