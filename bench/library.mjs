// The library's run() beside child_process.spawn, in a process of its own so that its memory is what
// it is said to be.  node library.mjs ROUNDS WORK DIST RESIDENT_MB
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { inTurn, timed } from './measure.mjs';
import { bubblewrap, isInstalled } from './peers.mjs';

const [rounds, work, dist, megabytes] = process.argv.slice(2);
const { run } = await import(pathToFileURL(join(dist, 'index.js')).href);
const held = Array.from({ length: Number(megabytes) / 10 }, () => Buffer.alloc(10 * 2 ** 20, 1));

const child = ([file, ...args]) =>
  timed(
    () =>
      new Promise((resolve, reject) => {
        spawn(file, args, { cwd: work })
          .once('error', reject)
          .once('close', (status) => {
            if (status === 0) resolve();
            else reject(new Error(`${file} ended with ${status}`));
          });
      }),
  );

const inner = [];
const contestants = [
  { name: 'spawn', once: () => child(['/usr/bin/true']) },
  {
    name: 'run()',
    once: () =>
      timed(async () => {
        const ended = await run({ command: '/usr/bin/true', workdir: work, changes: 'discard' });
        if (ended.exitCode !== 0) throw new Error(`run() ended with ${ended.exitCode}`);
        inner.push(ended.durationMs * 1e3);
      }),
  },
];
if (isInstalled('bwrap')) {
  contestants.push({ name: 'spawn(bwrap)', once: () => child(bubblewrap(work, '/usr/bin/true')) });
}
if (isInstalled('python3')) {
  const code = 'print(1)';
  contestants.push(
    { name: 'python3', once: () => child(['python3', '-c', code]) },
    {
      name: 'python3 in run()',
      once: () => timed(() => run({ lang: 'python', code, workdir: work, changes: 'discard' })),
    },
  );
}
const samples = await inTurn(contestants, { rounds: Number(rounds), warmUps: 20 });
samples.set('run(), until the payload ended', inner.slice(-Number(rounds)));
console.log(
  JSON.stringify({
    residentBytes: process.memoryUsage().rss,
    heldChunks: held.length,
    samples: [...samples],
  }),
);
