// Many jobs while workers are killed and the server is restarted: each has exactly one recorded result.
import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { checkLimits, hostileJobs } from './fairness.mjs';
import { drained, recordedEnds } from './harness.mjs';
import { maxResultBytes, mix, numberOf, work } from './jobs.mjs';
import { quantile, sandboxesOf, sorted } from './measure.mjs';

async function examine(server, check, name, queue, count, total) {
  const client = new Redis(server.socket);
  const ends = await recordedEnds(client, name);
  client.disconnect();
  const completed = await queue.getCompleted(0, -1);
  const all = [...completed, ...(await queue.getFailed(0, -1))];
  check('no job is lost', all.length === total, `${all.length} of ${total} have a result`);
  check('none is there twice', new Set(all.map(({ id }) => id)).size === all.length);
  check(
    'each has exactly one recorded end',
    ends.size === total && [...ends.values()].every((one) => one.length === 1),
    `${ends.size} jobs`,
  );
  const numbers = completed.flatMap(({ data, returnvalue }) => {
    const n = numberOf(data);
    return n !== undefined && returnvalue.stdout === `${n * 7}\n` ? [n] : [];
  });
  check(
    'every ordinary job succeeded, with its own result',
    numbers.length === count && new Set(numbers).size === count,
    `${numbers.length} of ${count}`,
  );
  const starts = sorted(all.map(({ attemptsStarted }) => attemptsStarted));
  const again = starts.filter((n) => n > 1).length;
  check(
    'jobs of killed workers were taken over',
    again > 0,
    `${again} jobs, ${starts.at(-1)} starts at most`,
  );
  const largest = Math.max(...all.map((one) => JSON.stringify(one.returnvalue ?? '').length));
  check('results are bounded', largest <= maxResultBytes, `${largest} bytes at most`);
  checkLimits(check, all);
  const waits = sorted(
    all
      .filter(({ data }) => numberOf(data) !== undefined)
      .map((one) => one.finishedOn - one.processedOn),
  );
  const shown = [0.5, 0.95, 1].map((share) => Math.round(quantile(waits, share)));
  console.log(`     an ordinary job takes ${shown.join(', ')} ms (median, 95 %, longest)`);
}

/** Sandboxes of killed workers end, and the next worker removes what they left. */
async function leftovers(server, check, most) {
  let left = sandboxesOf(server.directory);
  for (let n = 0; n < 50 && left.length > 0; n++) {
    await sleep(100);
    left = sandboxesOf(server.directory);
  }
  check(
    'no sandbox outlives the workers',
    left.length === 0 && most > 0,
    `${left.length}; ${most} at a time before`,
  );
  const directories = readdirSync(server.directory).filter((name) =>
    name.startsWith('wasbox-worker'),
  );
  // One directory may be that of the last that was killed, where no worker started after it.
  check(
    'killed workers leave nothing behind',
    directories.length <= 1,
    `${directories.length} directories`,
  );
}

/** @param {{ count: number, hostiles: number, workers: number, concurrency: number, killMs: number }} sizes */
export async function kills(server, check, { count, hostiles, workers, concurrency, killMs }) {
  const jobs = mix(count, hostileJobs(hostiles));
  const total = jobs.length;
  let restart;
  let most = 0;
  const drain = async (queue, fleet) => {
    let done = 0;
    let failure;
    const fail = (error) => {
      failure ??= error;
    };
    const killer = setInterval(() => fleet.kill().catch(fail), killMs);
    const begun = performance.now();
    const progress = setInterval(() => {
      const seconds = (performance.now() - begun) / 1000;
      const left = done === 0 ? '?' : Math.round((seconds / done) * (total - done));
      most = Math.max(most, sandboxesOf(server.directory).length);
      console.error(
        `  ${done} of ${total}, ${fleet.kills} kills, ${Math.round(seconds)} s, ${left} s left`,
      );
    }, 5000);
    const onCount = ({ completed, failed }) => {
      done = completed + failed;
      if (restart !== undefined || done <= total / 2) return;
      console.error('  restarting the server');
      restart = server.restart().catch(fail);
    };
    try {
      await drained(queue, { onCount });
      await restart;
    } finally {
      clearInterval(killer);
      clearInterval(progress);
    }
    if (failure !== undefined) throw failure;
  };
  const done = await work(server, 'kills', { jobs, workers, concurrency, drain });
  const { queue, seconds, statuses } = done;
  console.log(
    `${count} ordinary and ${hostiles} hostile jobs, ${workers} workers, ${done.kills} kills, a restart: ${seconds.toFixed(0)} s`,
  );
  check('the server was restarted', restart !== undefined);
  check(
    'workers were killed',
    done.kills >= Math.floor((seconds * 1000) / killMs / 2),
    `${done.kills}`,
  );
  await examine(server, check, 'kills', queue, count, total);
  check(
    'workers end with 0',
    statuses.every((status) => status === 0),
    `${statuses}`,
  );
  await leftovers(server, check, most);
  await queue.close();
}
