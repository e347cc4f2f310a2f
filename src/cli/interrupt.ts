/**
 * If ^C ends the program, wasbox ends by SIGINT as well: a shell ends its loop only where
 * its child died of SIGINT, and a script hears of ^C itself. An exit status of 130 would let both go on.
 */
import { readFileSync } from 'node:fs';
import type { ReportOutcome } from '../report/index.js';

/** Returns whether this process is in the foreground of a terminal: proc_pid_stat(5), pgrp and tpgid. */
function inForeground(): boolean {
  const stat = readFileSync('/proc/self/stat', 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields[2] === fields[5];
}

/**
 * Has this process end by SIGINT, at a terminal, where the program did; and with it its process group,
 * as of a terminal that makes the signal, where the key was `typed` at one that wasbox relayed.
 */
export function endInterrupted({ kind, signal }: ReportOutcome, typed = false): void {
  if (kind !== 'signaled' || signal !== 'SIGINT' || !inForeground()) return;
  process.once('exit', () => process.kill(typed ? 0 : process.pid, 'SIGINT'));
}
