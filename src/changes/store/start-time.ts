/**
 * Tells when a run began, by the time that files get: what changed on the host later is the user's. The clock may be
 * set back while the run goes on; the start that its entry has would then be later than such a change.
 */
import { readFileSync } from 'node:fs';
import type { RunRecord } from '../model/index.js';

type Started = Pick<RunRecord, 'baselineNs'>;

/** How much clocks that are disciplined differ, and how long a start takes. */
const slackMs = 1000;

const nsOf = (ms: number): bigint => BigInt(Math.max(0, Math.floor(ms))) * 1_000_000n;

/** USER_HZ of proc_pid_stat(5), on every processor. */
const ticksPerSecond = 100;

/** How long this process has been there: the native command, which started the run, becomes the engine. */
function processAgeMs(): number {
  const stat = readFileSync('/proc/self/stat', 'latin1');
  const [uptime = '0'] = readFileSync('/proc/uptime', 'latin1').split(' ');
  // The process's name, in parentheses, may have blanks. The start is field 22.
  const ticks = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]);
  return (Number(uptime) - ticks / ticksPerSecond) * 1000;
}

/**
 * The start of a run that this process ends, for its entry.
 * @param elapsedMs since it began, by a clock that is never set; undefined: the process is as old as the run
 */
export function startAtEnd(
  { baselineNs }: Started,
  elapsedMs: number | undefined,
  nowMs: number = Date.now(),
): string {
  const latest = nowMs - (elapsedMs ?? processAgeMs());
  return BigInt(baselineNs) > nsOf(latest + slackMs) ? nsOf(latest).toString() : baselineNs;
}

/** The start of a run. If the clock says that it is yet to come, no file is known to be as it was. */
export const startOf = ({ baselineNs }: Started, nowMs: number = Date.now()): bigint =>
  BigInt(baselineNs) > nsOf(nowMs + slackMs) ? 0n : BigInt(baselineNs);
