/*
 * Measures whether hostile jobs slow the others beyond their limits: the same ordinary jobs without and with hostile
 * ones among them, in turn.
 *
 * While a hostile job uses a second of processor time, each of the other jobs that run then waits for at most a second
 * divided by the processors. So ordinary jobs may wait longer, all together, by
 *
 *     hostile jobs × their limit of processor time ÷ processors × (jobs at a time - 1)
 *
 * What each needs itself must not change. How late a limit of wall time ends a job depends on how busy the machine is: a
 * job that only sleeps tells that, so hostile ones are compared with it.
 */
import { availableParallelism } from 'node:os';
import { drained, hostile } from './harness.mjs';
import { isSleeper, limits, mix, numberOf, sleeper, work } from './jobs.mjs';
import { mean, quantile, sorted } from './measure.mjs';

/** `count` hostile jobs, of all kinds in turn, and a sleeping one before each eighteen of them. */
export const hostileJobs = (count) =>
  Array.from({ length: count }, (_, n) => {
    const kind = n % hostile.length;
    return kind === 0 ? [sleeper, hostile[0]] : [hostile[kind]];
  }).flat();

/**
 * The processor time that a job may have beyond its limit: a look at it each 50 ms, by 64 processes on all processors.
 */
const cpuSlackMs = 250;
/** How much later than a sleeping job a hostile one may end: its processes and files are removed, too. */
const endSlackMs = 1000;

/** Checks what limits did to hostile jobs. @param jobs finished ones of BullMQ */
export function checkLimits(check, jobs) {
  const foreign = jobs.filter(({ data }) => numberOf(data) === undefined);
  const ran = foreign.filter(
    ({ returnvalue }) => returnvalue !== null && returnvalue !== undefined,
  );
  const sleepers = ran.filter(({ data }) => isSleeper(data)).map((job) => job.returnvalue);
  const others = ran.filter(({ data }) => !isSleeper(data)).map((job) => job.returnvalue);
  const longest = (results) => Math.max(0, ...results.map(({ durationMs }) => durationMs));
  const limit = limits.timeoutMs + limits.graceMs;
  const typical = quantile(sorted(sleepers.map(({ durationMs }) => durationMs)), 0.5);
  check(
    'jobs that sleep are ended by their time limit',
    sleepers.length > 0 &&
      sleepers.every(({ outcome }) => outcome === 'timeout') &&
      typical < limit + endSlackMs,
    `${sleepers.length}, after ${typical.toFixed(0)} ms (median), ${longest(sleepers).toFixed(0)} ms (longest)`,
  );
  check(
    'no hostile job runs longer than they do',
    longest(others) < Math.max(limit, longest(sleepers)) + endSlackMs,
    `${longest(others).toFixed(0)} ms at most`,
  );
  const most = Math.max(0, ...others.map(({ cpuMs }) => cpuMs));
  check(
    'none has more processor time than its limit',
    most < limits.cpuMs + cpuSlackMs,
    `${most.toFixed(0)} ms at most`,
  );
  const outcomes = {};
  for (const { returnvalue } of foreign) {
    const how = returnvalue?.limit ?? returnvalue?.outcome ?? 'refused';
    outcomes[how] = (outcomes[how] ?? 0) + 1;
  }
  console.log(`     hostile jobs ended by ${JSON.stringify(outcomes)}`);
}

/** Wall and processor time of ordinary jobs. */
const timesOf = (jobs) => {
  const results = jobs
    .filter(({ data }) => numberOf(data) !== undefined)
    .map(({ returnvalue }) => returnvalue);
  return {
    wallMs: sorted(results.map(({ durationMs }) => durationMs)),
    cpuMs: sorted(results.map(({ cpuMs }) => cpuMs)),
  };
};

/** @param {{ count: number, hostiles: number, turns: number, workers: number, concurrency: number }} sizes */
export async function fairness(server, check, { count, hostiles, turns, workers, concurrency }) {
  const times = { without: [], with: [] };
  const all = [];
  for (let turn = 0; turn < turns; turn++) {
    for (const kind of ['without', 'with']) {
      const jobs = mix(count, kind === 'with' ? hostileJobs(hostiles) : []);
      const name = `turn-${turn}-${kind}`;
      const { queue, seconds } = await work(server, name, {
        ...{ jobs, workers, concurrency, drain: drained },
      });
      const ended = [...(await queue.getCompleted(0, -1)), ...(await queue.getFailed(0, -1))];
      times[kind].push(timesOf(ended.filter(({ returnvalue }) => returnvalue)));
      all.push(...ended);
      console.error(
        `  turn ${turn + 1} of ${turns}, ${kind} hostile jobs: ${seconds.toFixed(0)} s`,
      );
      await queue.obliterate({ force: true });
      await queue.close();
    }
  }
  const merged = (kind, of) => sorted(times[kind].flatMap((one) => one[of]));
  const rows = {};
  for (const kind of ['without', 'with']) {
    const [wall, cpu] = [merged(kind, 'wallMs'), merged(kind, 'cpuMs')];
    rows[`${kind} hostile jobs`] = {
      'wall ms, median': Math.round(quantile(wall, 0.5)),
      'wall ms, 95 %': Math.round(quantile(wall, 0.95)),
      'wall ms, mean': Math.round(mean(wall)),
      'CPU ms, median': Number(quantile(cpu, 0.5).toFixed(1)),
      'CPU ms, 95 %': Number(quantile(cpu, 0.95).toFixed(1)),
    };
  }
  console.log(`Ordinary jobs, ${turns} × ${count} each, ${hostiles} hostile ones a turn:`);
  console.table(rows);
  checkLimits(check, all);
  for (const share of [0.5, 0.95]) {
    const [plain, mixed] = ['without', 'with'].map((kind) =>
      quantile(merged(kind, 'cpuMs'), share),
    );
    check(
      `ordinary jobs need no more processor time (${share * 100} %)`,
      mixed <= plain * 1.5 + 1,
      `${plain.toFixed(1)} ms without, ${mixed.toFixed(1)} ms with hostile jobs`,
    );
  }
  const slots = workers * concurrency;
  const allowed =
    (hostiles * (limits.cpuMs + cpuSlackMs) * (slots - 1)) / availableParallelism() / count;
  const extra = mean(merged('with', 'wallMs')) - mean(merged('without', 'wallMs'));
  check(
    'ordinary jobs wait no longer than the limits of the hostile ones allow',
    extra < allowed,
    `${extra.toFixed(0)} ms more on average; allowed are ${allowed.toFixed(0)} ms`,
  );
}
