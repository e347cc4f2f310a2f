/** Tests what the test of a fleet takes for a job beyond its limits. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { checkLimits, type FinishedJob, hostileJobs } from '../../fleet/fairness.mjs';

const finished = (code: string, durationMs: number, cpuMs: number, outcome = 'timeout') => ({
  data: { code },
  returnvalue: { outcome, durationMs, cpuMs },
});
const sleeping = (durationMs: number, outcome?: string): FinishedJob =>
  finished('exec sleep 9', durationMs, 1, outcome);
const hostile = (durationMs: number, cpuMs: number): FinishedJob =>
  finished('while :; do :; done', durationMs, cpuMs);

beforeEach(() => {
  vi.spyOn(console, 'log').mockImplementation(() => undefined);
});
afterEach(() => {
  vi.restoreAllMocks();
});

function failed(...jobs: FinishedJob[]): string[] {
  const found: string[] = [];
  checkLimits((what, ok) => {
    if (!ok) found.push(what);
  }, jobs);
  return found;
}

it('measures hostile jobs against one that sleeps until its time limit', () => {
  expect(failed(sleeping(2010), hostile(2100, 500))).toEqual([]);
  const beyond = 'no hostile job runs longer than they do';
  expect(failed(sleeping(2010), hostile(3500, 500))).toEqual([beyond]);
  // On a busy machine all of them end late, which is not the hostile job's doing.
  expect(failed(sleeping(2010), sleeping(2010), sleeping(3000), hostile(3500, 500))).toEqual([]);
});

it('fails where no time limit ends a job that sleeps', () => {
  const limit = ['jobs that sleep are ended by their time limit'];
  expect(failed(hostile(2100, 500))).toEqual(limit);
  expect(failed(sleeping(9000, 'exited'), hostile(2100, 500))).toEqual(limit);
  expect(failed(sleeping(9000), hostile(2100, 500))).toEqual(limit);
});

it('fails where a job has more processor time than its limit', () => {
  const most = ['none has more processor time than its limit'];
  expect(failed(sleeping(2010), hostile(2100, 900))).toEqual(most);
});

it('the list has a sleeping job beside each kind of hostile ones', () => {
  const jobs = hostileJobs(36);
  expect(jobs.filter(({ code }) => code === 'exec sleep 9')).toHaveLength(2);
  expect(jobs).toHaveLength(38);
});
