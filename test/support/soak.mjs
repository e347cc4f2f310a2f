// Long series of runs, and what they leave: descriptors, threads, processes, mounts, cgroups, files,
// memory. Ends with 1 where something is left.
//
//   node bench/soak.mjs [--run N] [--pool N] [--session N] [--node N]
//                      [--fastpath N] [--saved N] [--kill SHARE] [--jobs N] [--isolation NAME]
//
// --run: run() in a row; --pool: tasks for a pool of shells; --session: sessions of two commands; --node, --fastpath: the command line, by Node
// and by the native command. Of each, one in SHARE is killed at a random moment: the library's and the
// pool's by their signal, the command line with SIGKILL. As an ordinary user; root has no native command.
// --saved: runs whose changes are saved, by the library and the native command in turn. At the end all are applied: what a
// run did that was not killed is there, and of one that was killed what it did or nothing.
// --isolation landlock: all without namespaces, where there are no pools.
// --leak NAMES leaves one of each behind at the end, to show that it is noticed.
import { spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { grown, held } from './held.mjs';

const { values } = parseArgs({
  options: {
    run: { type: 'string', default: '10000' },
    pool: { type: 'string', default: '10000' },
    session: { type: 'string', default: '1000' },
    node: { type: 'string', default: '1000' },
    fastpath: { type: 'string', default: '10000' },
    saved: { type: 'string', default: '2000' },
    kill: { type: 'string', default: '20' },
    jobs: { type: 'string', default: '4' },
    dist: { type: 'string' },
    place: { type: 'string', default: homedir() },
    slack: { type: 'string', default: '24' },
    leak: { type: 'string', default: '' },
    isolation: { type: 'string', default: 'auto' },
  },
});
const { isolation } = values;
// Pools and sessions need namespaces.
const isNone = (name) => isolation === 'landlock' && (name === 'pool' || name === 'session');
const number = (name) => (isNone(name) ? 0 : Number(values[name]));
const dist = values.dist ?? join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'dist');
const { createPool, createSession, listRuns, openRun, run } = await import(join(dist, 'index.js'));

const place = mkdtempSync(join(values.place, 'wasbox-soak-'));
const marker = place.slice(-6);
const places = { marker };
for (const name of ['state', 'work', 'temporary', 'kept']) {
  places[name] = join(place, name);
  mkdirSync(places[name]);
}
process.env.XDG_STATE_HOME = places.state;
process.env.TMPDIR = places.temporary;
const { work, kept } = places;

const later = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const outcomes = new Map();
const note = (what) => outcomes.set(what, (outcomes.get(what) ?? 0) + 1);
const noteOutput = (text, index) => note(text === `${index}\n` ? 'right' : `wrong: ${text}`);
/** A task that leaves a file behind and does not end, or one that says a number. */
const script = (index, kill) =>
  `: ${marker}; ${kill ? 'echo x > file; sleep 60' : `echo ${index}`}`;

/** How a call ends whose run, or session, was killed. */
const ofKill = new Set(['ERR_ABORTED', 'ERR_SESSION_CLOSED']);

/** Calls `once` with a signal that comes at a random moment, where it is to be killed. */
async function killable(kill, ms, once) {
  const controller = new AbortController();
  const timer = kill ? setTimeout(() => controller.abort(), Math.random() * ms) : undefined;
  try {
    await once(kill ? controller.signal : undefined);
  } catch (error) {
    if (!kill || !ofKill.has(error.code)) note(`failed: ${error.code ?? error.message}`);
    else note('killed');
  } finally {
    clearTimeout(timer);
  }
}

const byLibrary = (index, kill) =>
  killable(kill, 12, async (signal) => {
    const code = script(index, kill);
    const options = { code, workdir: work, changes: 'discard', signal, isolation };
    noteOutput((await run(options)).stdout, index);
  });

const byPool = (pool) => (index, kill) =>
  killable(kill, 12, async (signal) => {
    noteOutput((await pool.run({ code: script(index, kill), signal })).stdout, index);
  });

/** A session for each: a program that is killed is one of several in it, or the session is closed with it. */
const bySession = (index, kill) =>
  killable(kill, 20, async (signal) => {
    const session = await createSession({ workdir: work, changes: 'discard', signal });
    try {
      await session.exec(['sh', '-c', 'echo y > other']);
      noteOutput((await session.exec(['sh', '-c', script(index, kill)])).stdout, index);
    } finally {
      await session.close().catch(() => {});
    }
  });

/** Killed, a command says nothing more; what it leaves, the next one puts in order. */
const byCommand = (argv) => async (_, kill) => {
  // The options are the same each time, or the native command leaves it to Node.
  const how = ['-q', '--discard', '--isolation', isolation];
  const words = ['run', ...how, '--lang', 'sh', '-c', script(0, kill)];
  const child = spawn(argv[0], [...argv.slice(1), ...words], {
    cwd: work,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.on('data', (chunk) => {
    text += chunk;
  });
  const longest = Math.random() < 0.5 ? 10 : 150; // while it starts, or while it runs
  const timer = kill ? setTimeout(() => child.kill('SIGKILL'), Math.random() * longest) : undefined;
  await new Promise((resolve) => child.on('close', resolve));
  clearTimeout(timer);
  if (kill) note(child.signalCode === 'SIGKILL' ? 'killed' : `ended: ${child.exitCode}`);
  else noteOutput(text, 0);
};

/** Runs that ended by themselves, and had a file to save. */
const finished = new Set();

/** Two files, the second one renamed: what is saved of a killed run are the first steps of these. */
const saving = (index) =>
  `: ${marker}; echo ${index} > a${index}; echo ${index} > c${index}; mv c${index} b${index}; exit 3`;

const bySaved = async (index, kill) => {
  if (index % 2 === 0) {
    await killable(kill, 60, async (signal) => {
      const { exitCode } = await run({
        code: saving(index),
        workdir: kept,
        changes: 'keep',
        signal,
        isolation,
      });
      note(exitCode === 3 ? 'right' : `ended with ${exitCode}`);
      finished.add(index);
    });
    return;
  }
  const words = ['run', '-q', '--isolation', isolation, '--lang', 'sh', '-c', saving(index)];
  const child = spawn(join(library, 'wasbox'), words, { cwd: kept, stdio: 'ignore' });
  const timer = kill
    ? setTimeout(() => child.kill(index % 4 === 1 ? 'SIGKILL' : 'SIGTERM'), Math.random() * 60)
    : undefined;
  await new Promise((resolve) => child.on('close', resolve));
  clearTimeout(timer);
  if (child.exitCode === 3) finished.add(index);
  note(child.exitCode === 3 ? 'right' : kill ? 'killed' : `ended with ${child.exitCode}`);
};

/** Applies all that is saved, and compares. */
async function applyAll() {
  let saved = 0;
  let runs = await listRuns({ workdir: kept });
  // The sandbox of a killed command takes a moment to end.
  for (const end = performance.now() + 60_000; performance.now() < end; ) {
    if (runs.every(({ status }) => status !== 'running')) break;
    await later(100);
    runs = await listRuns({ workdir: kept });
  }
  for (const { id, status } of runs) {
    if (status === 'running') note('wrong: a run goes on');
    const report = await (await openRun(id)).apply();
    saved++;
    if (report.refused.length > 0) note(`wrong: ${JSON.stringify(report.refused)}`);
  }
  const names = readdirSync(kept);
  for (const index of finished)
    for (const name of [`a${index}`, `b${index}`])
      if (!existsSync(join(kept, name))) note(`lost: ${name}`);
  for (const name of names) {
    const text = readFileSync(join(kept, name), 'utf8');
    // A killed run may have been about to write it, or to rename it.
    const isRight = text === `${name.slice(1)}\n` || text === '';
    if (!isRight || (text === '' && finished.has(Number(name.slice(1)))))
      note(`wrong: ${name} ${text}`);
  }
  console.log(`saved: ${finished.size} runs ended, ${saved} applied, ${names.length} files`);
}

/** Runs them, some at a time, and says how far it is. */
async function series(name, once) {
  const total = number(name);
  const share = number('kill');
  let next = 0;
  const begun = performance.now();
  const worker = async () => {
    while (next < total) {
      const index = next++;
      if (index % 1000 === 0) console.log(`${name}: ${index}`, JSON.stringify(held(places)));
      await once(index, index % share === share - 1);
    }
  };
  await Promise.all(Array.from({ length: number('jobs') }, worker));
  const seconds = (performance.now() - begun) / 1000;
  if (total > 0) console.log(`${name}: ${total} in ${seconds.toFixed(0)} s`);
}

/** Left on purpose, one for each name that `grown` can give. */
const leaks = {
  descriptors: () => openSync('/dev/null'),
  children: () => spawn('sleep', ['60'], { stdio: 'ignore' }).unref(),
  runs: () => mkdirSync(join(places.state, 'wasbox', 'runs', 'left')),
  work: () => writeFileSync(join(work, 'left'), ''),
  shared: () => writeFileSync(`/dev/shm/left-${marker}`, ''),
  stale: () => {
    const root = join(places.state, 'wasbox', 'spare', 'live-z', 'live', 'tmp');
    mkdirSync(root, { recursive: true });
    writeFileSync(join(root, 'left'), '');
  },
  temporary: () => writeFileSync(join(places.temporary, 'left'), ''),
  memoryMB: () => {
    globalThis.kept = Buffer.alloc(100 * 2 ** 20, 1);
  },
};

const leaked = values.leak.split(',');

/** Returns what is more than before, once all has had time to go but what was leaked on purpose. */
async function left(before) {
  const end = performance.now() + 60_000;
  for (;;) {
    const after = held(places);
    const more = grown(before, after, Number(values.slack));
    const others = more.filter((name) => !leaked.includes(name));
    if (others.length === 0 || performance.now() > end) {
      console.log(`before ${JSON.stringify(before)}\nafter  ${JSON.stringify(after)}`);
      return more;
    }
    await later(200);
  }
}

const library = join(dist, 'native', `${process.platform}-${process.arch}`);
const node = byCommand([process.execPath, join(dist, 'cli.cjs')]);
const fastpath = byCommand([join(library, 'wasbox')]);

// Node's own threads are made when something first waits for a file.
await Promise.all(Array.from({ length: 16 }, () => stat(place)));
const before = held(places);
// These stay open for all further runs: /dev/null, and init's program.
before.descriptors += 2;
// Up to 32 empty layers are kept for the next runs (addon/rundir/spare.c).
before.spares = 32;
for (let index = 0; index < 100; index++) await byLibrary(index, false);
before.memoryMB = held(places).memoryMB;

await series('run', byLibrary);
if (number('pool') > 0) {
  const pool = await createPool({
    lang: 'sh',
    size: number('jobs'),
    workdir: work,
    changes: 'discard',
  });
  await series('pool', byPool(pool));
  await pool.close();
}
await series('session', bySession);
await series('node', node);
await series('fastpath', fastpath);
await series('saved', bySaved);
// The next command that lists the runs cleans up what killed commands left.
await node(0, false);
await applyAll();
for (const name of leaked) leaks[name]?.();
const more = await left(before);
console.log(JSON.stringify([...outcomes]));
console.log(more.length === 0 ? 'nothing is left' : `left behind: ${more.join(', ')}`);
const strange = [...outcomes.keys()].filter((what) => what !== 'right' && what !== 'killed');
for (const path of [place, `/dev/shm/left-${marker}`])
  rmSync(path, { recursive: true, force: true });
process.exit(more.length + strange.length === 0 ? 0 : 1);
