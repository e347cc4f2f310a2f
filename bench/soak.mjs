// Long series of runs, and what they leave: descriptors, threads, processes, zombies, mounts, files,
// memory.
//   node bench/soak.mjs [--pool N] [--run N] [--kill N] [--jobs N]
// --pool: tasks for a pool of shells; --run: run() in a row, of which --kill are killed at random
// moments. As an ordinary user. Ends with 1 where something is left.
import { execFileSync } from 'node:child_process';
import { existsSync, lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createPool, run } from '../dist/index.js';

const { values } = parseArgs({
  options: {
    pool: { type: 'string', default: '10000' },
    run: { type: 'string', default: '10000' },
    kill: { type: 'string', default: '500' },
    jobs: { type: 'string', default: '4' },
  },
});
const [pooled, plain, killed, jobs] = ['pool', 'run', 'kill', 'jobs'].map((n) => Number(values[n]));
const work = mkdtempSync(join(homedir(), 'wasbox-soak-'));
const state = mkdtempSync(join(homedir(), 'wasbox-soak-state-'));
process.env.XDG_STATE_HOME = state;

const later = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const count = (directory) => (existsSync(directory) ? readdirSync(directory).length : 0);
const children = () =>
  execFileSync('ps', ['-o', 'pid=', '--ppid', String(process.pid)], { encoding: 'utf8' })
    .trim()
    .split('\n').length - 1; // ps itself

const own = (path) => {
  try {
    return lstatSync(path).uid === process.getuid();
  } catch {
    return false; // it is gone meanwhile
  }
};

/** Ended processes of this user for which nobody has waited, its own and those of others. */
const zombies = () =>
  execFileSync('ps', ['-o', 'stat=', '--user', String(process.getuid())], { encoding: 'utf8' })
    .split('\n')
    .filter((state) => state.startsWith('Z')).length;

/** Entries of the directory for temporary files that belong to this user. */
const temporary = () => readdirSync(tmpdir()).filter((name) => own(join(tmpdir(), name))).length;

/** What this process and its state directory hold now. */
function held() {
  globalThis.gc?.();
  return {
    descriptors: count('/proc/self/fd'),
    threads: count('/proc/self/task'),
    children: children(),
    zombies: zombies(),
    mounts: readFileSync('/proc/self/mountinfo', 'utf8').split('\n').length,
    runs: count(join(state, 'wasbox', 'runs')),
    work: count(work),
    temporary: temporary(),
    residentMB: Math.round(process.memoryUsage().rss / 2 ** 20),
  };
}

/** Runs `count` of them, `jobs` at a time, and says how far it is. */
async function series(name, total, once) {
  let next = 0;
  let settledMB = Number.POSITIVE_INFINITY;
  const begun = performance.now();
  const worker = async () => {
    while (next < total) {
      const index = next++;
      if (index === Math.floor(total / 4)) settledMB = held().residentMB;
      if (index % 1000 === 0) console.log(`${name}: ${index}`, JSON.stringify(held()));
      await once(index);
    }
  };
  await Promise.all(Array.from({ length: jobs }, worker));
  const seconds = (performance.now() - begun) / 1000;
  // V8 lets its heap grow at first; from then on it must stay.
  const grownMB = held().residentMB - settledMB;
  if (grownMB > 40) {
    console.log(`${name}: grown by ${grownMB} MB since a quarter of it`);
    failed = true;
  }
  console.log(
    `${name}: ${total} in ${seconds.toFixed(0)} s, ${(total / seconds).toFixed(0)} a second`,
  );
}

let failed = false;
const outcomes = new Map();
const note = (what) => outcomes.set(what, (outcomes.get(what) ?? 0) + 1);

async function poolTask(pool, index) {
  const { stdout } = await pool.run(`echo ${index}`);
  note(stdout === `${index}\n` ? 'right' : 'wrong');
}

async function oneRun(index, kill) {
  const controller = new AbortController();
  if (kill) setTimeout(() => controller.abort(), Math.random() * 8);
  try {
    const { stdout } = await run({
      code: kill ? 'echo x > file; sleep 60' : `echo ${index}`,
      workdir: work,
      changes: 'discard',
      signal: controller.signal,
    });
    note(stdout === `${index}\n` ? 'right' : 'wrong');
  } catch (error) {
    note(
      kill && error.code === 'ERR_ABORTED' ? 'killed' : `failed: ${error.code ?? error.message}`,
    );
  }
}

function compare(before, after) {
  console.log(`before ${JSON.stringify(before)}\nafter  ${JSON.stringify(after)}`);
  for (const name of [
    'descriptors',
    'children',
    'zombies',
    'mounts',
    'runs',
    'work',
    'temporary',
  ]) {
    if (after[name] > before[name] + (name === 'descriptors' ? 2 * 32 : 0)) {
      console.log(`left behind: ${name}`); // a spare layer holds two descriptors
      failed = true;
    }
  }
}

for (let i = 0; i < 50; i++) await oneRun(i, false);
await later(6000); // idle supervising threads end after five seconds
const before = held();
if (pooled > 0) {
  const pool = await createPool({ runtime: 'sh', size: jobs, workdir: work, changes: 'discard' });
  await series('pool', pooled, (index) => poolTask(pool, index));
  await pool.close();
}
if (plain > 0) {
  const every = killed > 0 ? Math.floor(plain / killed) : Number.POSITIVE_INFINITY;
  await series('run', plain, (index) => oneRun(index, index % every === every - 1));
}
await later(6000);
compare(before, held());
console.log(JSON.stringify([...outcomes]));
for (const what of outcomes.keys()) if (what !== 'right' && what !== 'killed') failed = true;
for (const directory of [work, state]) rmSync(directory, { recursive: true, force: true });
process.exitCode = failed ? 1 : 0;
