// Sandboxes a second, several at a time: the library's run() beside spawn(bwrap) from one Node, and
// the native command beside bwrap without Node.
import { spawn } from 'node:child_process';
import { inTurn, median, quantile, timed } from './measure.mjs';
import { bubblewrap, isInstalled } from './peers.mjs';
import { commands } from './startup.mjs';
import { timeInTurn } from './timer.mjs';

const levels = [1, 2, 4, 8, 16];

/** Microseconds for `each` runs of `start`, `jobs` at a time. */
async function batch(start, jobs, each) {
  let left = each;
  const worker = async () => {
    while (left-- > 0) await start();
  };
  return timed(() => Promise.all(Array.from({ length: jobs }, worker)));
}

const row = (name, jobs, us, each, base) => ({
  name,
  jobs,
  perSecond: Math.round((each * 1e6) / median(us)),
  lowPerSecond: Math.round((each * 1e6) / quantile(us, 0.75)),
  highPerSecond: Math.round((each * 1e6) / quantile(us, 0.25)),
  ...(base ? { overBubblewrap: Number(median(us.map((v, i) => base[i] / v)).toFixed(3)) } : {}),
});

export async function measureThroughput({ run }, { work, dist, noop, rounds }) {
  const rows = [];
  const { front } = commands({ dist, noop });
  const bwrap = isInstalled('bwrap') ? bubblewrap(work, noop) : undefined;
  const options = { command: noop, workdir: work, changes: 'discard' };
  const viaSpawn = () =>
    new Promise((resolve, reject) => {
      spawn(bwrap[0], bwrap.slice(1), { stdio: ['ignore', 'pipe', 'pipe'] })
        .once('error', reject)
        .once('close', resolve);
    });
  const batches = Math.max(3, Math.ceil(rounds / 5));
  for (const jobs of levels) {
    const each = Math.max(16, jobs * 4);
    const contestants = [
      { name: 'run()', once: () => batch(() => run(options), jobs, each) },
      ...(bwrap ? [{ name: 'spawn(bwrap)', once: () => batch(viaSpawn, jobs, each) }] : []),
    ];
    const samples = await inTurn(contestants, { rounds: batches, warmUps: 1 });
    const base = samples.get('spawn(bwrap)');
    for (const [name, us] of samples) rows.push(row(name, jobs, us, each, base));
    if (!front || !bwrap) continue;
    const native = timeInTurn(
      work,
      [
        { name: 'wasbox run, repeated', argv: front },
        { name: 'bubblewrap', argv: bwrap },
      ],
      { rounds: batches * 4, warmUps: 2, jobs },
    );
    const peer = native.get('bubblewrap');
    for (const [name, us] of native) rows.push(row(name, jobs, us, jobs, peer));
  }
  return rows;
}
