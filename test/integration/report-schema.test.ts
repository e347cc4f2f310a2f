/** Reports of runs that end in every way, against the published schema. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { identities } from '../support/identity.js';
import { makeProject } from '../support/project.js';
import { checkReport } from '../support/report-schema.js';
import { runWasbox } from '../support/wasbox.js';

const rows: readonly [how: string, status: number, args: readonly string[]][] = [
  ['ends well', 0, ['--', 'true']],
  ['changes files', 0, ['--', 'sh', '-c', 'echo 1 > a; mkdir b']],
  ['applies', 0, ['--apply', '--', 'touch', 'applied']],
  ['fails', 3, ['--', 'sh', '-c', 'exit 3']],
  ['is killed', 137, ['--', 'sh', '-c', 'kill -9 $$']],
  ['takes too long', 124, ['--timeout', '1', '--', 'sleep', '60']],
  ['is refused things', 0, ['--', 'sh', '-c', 'unshare -U true; unshare -m true; :']],
  ['cannot be executed', 126, ['--', './not-a-program']],
];

describe.each(identities())('the report as $label', (as) => {
  test.each(rows)('fits the schema for a run that %s', async (_how, status, args) => {
    const cwd = makeProject(as, { 'not-a-program': 'x' });
    const run = await runWasbox(['run', '-q', '--report', '../report.json', ...args], { as, cwd });
    expect(run.status).toBe(status);
    checkReport(JSON.parse(readFileSync(`${cwd}/../report.json`, 'utf8')));
  });

  test('the check finds what is wrong: the control', async () => {
    const cwd = makeProject(as);
    const run = await runWasbox(['run', '--json', '--', 'true'], { as, cwd });
    const report = JSON.parse(run.err) as Record<string, unknown>;
    checkReport(report);
    expect(() => checkReport({ ...report, schemaVersion: 2 })).toThrow('schemaVersion');
    expect(() => checkReport({ ...report, more: 1 })).toThrow('additional');
    expect(() => checkReport({ ...report, notes: [1] })).toThrow('notes');
  });
});
