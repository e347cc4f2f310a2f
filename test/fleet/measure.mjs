// Measures what the fleet costs, and what is left of it, as the host sees it.
import { readdirSync, readFileSync } from 'node:fs';

/** Milliseconds of a clock tick of proc(5): USER_HZ is 100 on all architectures of Linux that Node runs on. */
const tickMs = 10;

/** Fields of proc_pid_stat(5) from the third on; undefined where the process is gone. */
function statOf(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}

/** Processor time of a process and of its children that have ended, in milliseconds. */
export function processorMs(pid) {
  const [user, system, childUser, childSystem] = (statOf(pid) ?? []).slice(11, 15).map(Number);
  return user === undefined ? 0 : (user + system + childUser + childSystem) * tickMs;
}

/** Processes that see a mount of something below a directory: sandboxes of jobs whose directories are there. */
export function sandboxesOf(directory) {
  return readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      return readFileSync(`/proc/${pid}/mountinfo`, 'utf8').includes(directory);
    } catch {
      return false;
    }
  });
}

/** The value below which a share of the sorted values is. */
export const quantile = (sorted, share) =>
  sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;

export const sorted = (values) => [...values].sort((a, b) => a - b);

export const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
