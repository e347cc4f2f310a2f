/**
 * Attack 37, of reports: a payload that is refused things without end. The report stays small, what
 * found no room is counted, and the supervisor keeps no more memory. WASBOX_FLOOD is the number of
 * refusals; the acceptance is a million.
 */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { RunReport } from '../../src/index.js';
import { identities } from '../support/identity.js';
import { makeProject } from '../support/project.js';
import { checkReport } from '../support/report-schema.js';
import { ended, runWasbox, startWasbox } from '../support/wasbox.js';

const refusals = Number(process.env.WASBOX_FLOOD ?? 20_000);

/** Different paths each time, so that no two are counted together. */
const flood = `
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <unistd.h>
int main(int argc, char **argv) {
  long n = atol(argv[1]);
  char path[64];
  for (long i = 0; i < n; i++) {
    snprintf(path, sizeof path, "/%ld-\\033[31m", i);
    if (umount2(path, 0) == 0) return 1;
    if (argc > 2) access(path, 0);
  }
  return 0;
}
`;

/** Peak resident set of a process in KiB. */
function peak(pid: number | undefined): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0);
  } catch {
    return 0;
  }
}

describe.each(identities())('a flood of refusals as $label', (as) => {
  test.each([
    ['plain', []],
    ['with an audit', ['--audit']],
  ])(
    'grows neither the report nor wasbox, %s',
    async (_how, options) => {
      const cwd = makeProject(as, { 'flood.c': flood });
      const build = await runWasbox(['run', '--apply', '--', 'cc', '-o', 'flood', 'flood.c'], {
        as,
        cwd,
      });
      expect(build.status, build.err).toBe(0);
      const argv = [
        'run',
        '-q',
        ...options,
        '--report',
        '../flood.json',
        '--',
        './flood',
        String(refusals),
        ...options,
      ];
      const start = { as, cwd, timeoutMs: 600_000 };
      const child = startWasbox(argv, start);
      let most = 0;
      const looking = setInterval(() => {
        most = Math.max(most, peak(child.pid));
      }, 20);
      const run = await ended(child, start);
      clearInterval(looking);
      expect(run.status, run.err).toBe(0);
      const path = join(cwd, '../flood.json');
      const report = JSON.parse(readFileSync(path, 'utf8')) as RunReport;
      checkReport(report);
      expect(report.refusals?.total).toBe(refusals);
      expect(report.refusals?.calls.length).toBeLessThanOrEqual(256);
      const kept = report.refusals?.calls.reduce((sum, { count }) => sum + count, 0) ?? 0;
      expect(kept + (report.refusals?.dropped ?? 0)).toBe(refusals);
      if (options.length === 0) {
        expect(statSync(path).size).toBeLessThan(200_000);
      } else {
        expect(report.audit?.files.length).toBeLessThanOrEqual(16_384);
        expect(report.audit?.dropped.actions).toBeGreaterThan(0);
        expect(statSync(path).size).toBeLessThan(16_000_000);
      }
      expect(most).toBeGreaterThan(10_000);
      expect(most, 'KiB').toBeLessThan(300_000);
    },
    600_000,
  );
});
