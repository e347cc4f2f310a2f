/**
 * Attack 37, of reports: a payload that is refused things without end. The report stays small, what
 * found no room is counted, and the supervisor keeps no more memory. WASBOX_FLOOD is the number of
 * refusals; the acceptance is a million.
 */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { RunReport } from '../../src/index.js';
import { eventually } from '../support/host.js';
import { type Identity, identities } from '../support/identity.js';
import { makeProject } from '../support/project.js';
import { checkReport } from '../support/report-schema.js';
import { ended, runWasbox, startWasbox } from '../support/wasbox.js';

const refusals = Number(process.env.WASBOX_FLOOD ?? 20_000);

/** Different paths each time, so that no two are counted together. */
const source = readFileSync(new URL('../support/flood.c', import.meta.url), 'utf8');

async function projectWithFlood(as: Identity): Promise<string> {
  const cwd = makeProject(as, { 'flood.c': source });
  const build = await runWasbox(['run', '--apply', '--', 'cc', '-o', 'flood', 'flood.c'], {
    as,
    cwd,
  });
  expect(build.status, build.err).toBe(0);
  return cwd;
}

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
      const cwd = await projectWithFlood(as);
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
      expect(most).toBeGreaterThan(1000);
      expect(most, 'KiB').toBeLessThan(300_000);
    },
    600_000,
  );

  // The supervisor answers in a row then, and waits for everything else in another way.
  test('keeps neither a time limit nor a signal from being heard', async () => {
    const cwd = await projectWithFlood(as);
    const start = { as, cwd, timeoutMs: 120_000 };
    const path = join(cwd, '../limited.json');
    const endless = ['--report', '../limited.json', '--', './flood'];
    const limited = await ended(
      startWasbox(['run', '-q', '--timeout', '1s', ...endless], start),
      start,
    );
    expect(limited.status, limited.err).toBe(124);
    const report = JSON.parse(readFileSync(path, 'utf8')) as RunReport;
    expect(report.outcome.limit).toBe('timeout');
    expect(report.refusals?.total).toBeGreaterThan(1000);

    const child = startWasbox(['run', '-q', '--', 'sh', '-c', 'echo begun; exec ./flood'], start);
    let text = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    const end = ended(child, start);
    expect(await eventually(() => text.includes('begun'))).toBe(true);
    await new Promise((resolve) => setTimeout(resolve, 200)); // so that it floods already
    child.kill('SIGTERM');
    expect((await end).signal ?? (await end).status).toBeTruthy();
  }, 240_000);
});
