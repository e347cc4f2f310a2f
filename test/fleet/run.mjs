/*
 * Many jobs, workers that are killed, a server that is restarted, hostile jobs: `npm run nightly -- fleet`.
 *
 *     -- --jobs 20000 --hostile 1000 --workers 4 --concurrency 4 --kill-every 2000
 *     -- --turns 4 --turn-jobs 1000       ordinary jobs without and with hostile ones in turn
 *     -- --throughput                     only: speed and processor time of 1, 2 and 4 workers
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { fairness } from './fairness.mjs';
import { Server } from './harness.mjs';
import { kills } from './kills.mjs';
import { throughput } from './throughput.mjs';

const number = (value) => ({ type: 'string', default: String(value) });
const { values } = parseArgs({
  options: {
    jobs: number(20_000),
    workers: number(4),
    hostile: number(1000),
    'kill-every': number(2000),
    concurrency: number(4),
    turns: number(4),
    'turn-jobs': number(1000),
    throughput: { type: 'boolean', default: false },
  },
});
const size = (name) => {
  const value = Number(values[name]);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new Error(`--${name}: not a number: ${values[name]}`);
};

let failures = 0;
function check(what, ok, detail = '') {
  if (!ok) failures += 1;
  console.log(`${ok ? 'ok  ' : 'FAIL'} ${what}${detail === '' ? '' : `: ${detail}`}`);
}

const server = new Server(mkdtempSync(join(tmpdir(), 'wasbox-fleet-')));
const [count, workers, concurrency] = ['jobs', 'workers', 'concurrency'].map(size);
const hostiles = size('hostile');
try {
  await server.start();
  console.log(`${cpus().length} × ${cpus()[0].model}; Node ${process.version}`);
  if (values.throughput) {
    await throughput(server, { count, concurrency });
  } else {
    const [turns, turnJobs] = ['turns', 'turn-jobs'].map(size);
    const some = Math.ceil((turnJobs * hostiles) / count);
    const sizes = { count: turnJobs, hostiles: some, turns, workers, concurrency };
    if (turns > 0) await fairness(server, check, sizes);
    await kills(server, check, {
      count,
      hostiles,
      workers,
      concurrency,
      killMs: size('kill-every'),
    });
    console.log(failures === 0 ? 'all good' : `${failures} failed`);
  }
} finally {
  await server.stop();
  rmSync(server.directory, { recursive: true, force: true });
}
process.exitCode = failures === 0 ? 0 : 1;
