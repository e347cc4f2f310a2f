// Measures what users meet beside the repeated run: other arguments, other options, changed files, saved runs,
// several at a time, and what they do with changes. Each beside bubblewrap's start of a program that does nothing.
import { spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { summarize } from './measure.mjs';
import { bubblewrap, isInstalled } from './peers.mjs';
import { commands } from './startup.mjs';
import { compile, timeInTurn } from './timer.mjs';

const base = 'bubblewrap';

/** Rows of contestants that are run in turn, each over bubblewrap. */
function inTurn(work, contestants, options) {
  const samples = timeInTurn(work, contestants, options);
  return [...samples].map(([name, us]) => summarize(name, us, samples.get(base)));
}

/** Fills the state directory with `count` saved runs, which are links to one that was made; what is there stays. */
function saveRuns(saved, count) {
  const there = readdirSync(saved);
  const [model] = there;
  // The kernel's own directory in a layer is closed even to the user.
  const script = `chmod -R u+rwX "$1"; i=${there.length}; while [ $i -lt ${count} ]; do cp -al "$1" "$(printf '%.5s%04x' "$1" $i)"; i=$((i + 1)); done`;
  const { status } = spawnSync('sh', ['-c', script, 'sh', model], { cwd: saved, stdio: 'inherit' });
  if (status !== 0) throw new Error(`cannot make ${count} saved runs`);
}

/** @returns rows, and the bytes of the native command; undefined without one, or without bubblewrap */
export function measureSituations({ work: home, dist, noop: program, rounds }) {
  // A directory of its own: runs change files in it.
  const work = join(home, 'situations');
  const noop = join(work, 'noop');
  const { front } = commands({ dist, noop });
  if (!front || !isInstalled('bwrap')) return undefined;
  mkdirSync(work);
  copyFileSync(program, noop);
  const source = fileURLToPath(new URL('writer.c', import.meta.url));
  const writer = compile(source, join(work, 'writer'), '-static');
  const [wasbox] = front;
  // This copy is what a build is where the engine's sources cannot be had.
  const without = join(home, 'without-engine');
  cpSync(dist, without, { recursive: true, filter: (path) => !path.endsWith('/wasbox-engine') });
  const withoutEngine = commands({ dist: without, noop }).front[0];
  const run = (...words) => [wasbox, 'run', ...words];
  const peer = { name: base, argv: bubblewrap(work, noop) };
  const written = run('--quiet', '--', writer, '10', '{n}');
  const rows = inTurn(
    work,
    [
      peer,
      { name: 'the same again', argv: front },
      { name: 'other arguments', argv: run('--discard', '--', noop, '{n}') },
      { name: 'first run of a command line', argv: run('--discard', '--env', 'N={n}', '--', noop) },
      {
        name: 'first run of a command line, without the engine',
        argv: [withoutEngine, 'run', '--discard', '--env', 'N={n}', '--', noop],
      },
      { name: 'a changed file', argv: run('--', writer, '1', '{n}') },
      { name: 'diff of 10 files', argv: [...written, '{then}', wasbox, 'diff'] },
      { name: 'apply of 10 files', argv: [wasbox, 'apply'] },
    ],
    { rounds, warmUps: 2 },
  );
  const eight = inTurn(
    work,
    [
      peer,
      { name: 'the same again, 8 at a time', argv: front },
      { name: 'other arguments, 8 at a time', argv: run('--discard', '--', noop, '{n}') },
    ],
    { rounds, warmUps: 1, jobs: 8 },
  );
  const saved = join(process.env.XDG_STATE_HOME, 'wasbox', 'saved');
  const kept = [1000, 10_000].flatMap((count) => {
    saveRuns(saved, count);
    const name = `the same again, ${count} runs saved`;
    return inTurn(work, [peer, { name, argv: front }], { rounds, warmUps: 2 }).slice(1);
  });
  const parts = ['wasbox', 'wasbox-engine'].map((name) => join(dirname(wasbox), name));
  const sizeBytes = parts
    .filter((path) => existsSync(path))
    .reduce((sum, path) => sum + statSync(path).size, 0);
  return { rows: [...rows, ...eight.slice(1), ...kept], sizeBytes };
}
