/**
 * Attack 37, one thing after the other: what takes all of something is ended or held, the report names
 * the limit, and nothing stays. With a wider limit each of them ends by itself: the control.
 */
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { RunReport } from '../../src/report/index.js';
import { bombs } from '../support/bombs.js';
import { eventually, processesWith, uniqueMarker, withSeconds } from '../support/host.js';
import { identities, stateOf } from '../support/identity.js';
import { pass } from '../support/packages.mjs';
import { makeProject } from '../support/project.js';
import { ended, runWasbox, startWasbox } from '../support/wasbox.js';

describe.each(identities())('bombs, as $label', (as) => {
  /** `seconds` is how long it stays when it has done its worst. */
  const explode = async (options: readonly string[], code: string, seconds: number) => {
    const marker = uniqueMarker();
    const cwd = makeProject(as);
    const run = await runWasbox(
      ['run', '--discard', '--timeout', '200s', '--json', ...options].concat([
        '--',
        'python3',
        '-c',
        code,
        marker,
        String(seconds),
      ]),
      { as, cwd },
    );
    const begin = run.err.indexOf('{\n');
    const told = JSON.parse(run.err.slice(begin)) as RunReport;
    return { ...run, told, marker };
  };

  // Each takes all of something, as does its control: CI has every second one as root, and what root could see.
  const isTried = (name: string, n: number) => n % 2 === 0 || name.includes('cannot be');
  const tried = bombs.filter(({ name }, n) => pass !== 'root' || isTried(name, n));
  test.concurrent.each(tried)('$name', async ({ tight, wide, code, ends, reaches }) => {
    // A limit that is only held is seen by a look at it, while it lasts.
    const seen = ({ told }: { told: RunReport }) =>
      reaches === undefined || told.reached.some(({ limit }) => limit === reaches);
    const stays = reaches === undefined ? [60] : [1.5, 10, 40];
    const run = await withSeconds((seconds) => explode(tight, code, seconds), seen, stays);
    const { outcome, reached, usage } = run.told;
    if (ends !== undefined) {
      expect(outcome).toMatchObject({ kind: 'limit', limit: ends });
      expect(run.status).toBe(ends === 'cpu' ? 124 : 137);
    } else {
      expect(outcome).toMatchObject({ kind: 'exited', status: 3 });
      expect(reached.map(({ limit }) => limit)).toContain(reaches);
    }
    if (ends === 'output') expect(run.out.length).toBe(1 << 20);
    expect(usage.processes).toBeGreaterThan(0);
    expect(await eventually(() => processesWith(run.marker).length === 0)).toBe(true);

    const control = await explode(wide, code, 0);
    expect(control.told.outcome).toMatchObject({ kind: 'exited', status: 0 });
    expect(control.told.reached).toEqual([]);
  });

  test('one that ends by itself before anybody could end it is told', async () => {
    const code = (files: number): string => `import os
for n in range(${files}): os.close(os.open("n%d" % n, os.O_CREAT | os.O_WRONLY))
`;
    const named = async (files: number): Promise<(string | undefined)[]> => {
      const { told } = await explode(['--inodes', '500'], code(files), 0);
      return [told.outcome.limit, ...told.reached.map(({ limit }) => limit)];
    };
    expect(await named(700)).toContain('inodes');
    expect(await named(300)).toEqual([undefined]);
  });

  test('one that ends by itself is told where others gave back as much meanwhile', async () => {
    const others = makeProject(
      as,
      Object.fromEntries([...Array(2000).keys()].map((n) => [`f${n}`, ''])),
    );
    const code = `import os, sys
print("begins", flush=True)
sys.stdin.readline()
for n in range(700): os.close(os.open("n%d" % n, os.O_CREAT | os.O_WRONLY))
`;
    const child = startWasbox(
      ['run', '--discard', '--json', '--inodes', '500', '--', 'python3', '-c', code],
      { as, cwd: makeProject(as) },
    );
    child.stdout?.once('data', () => {
      rmSync(others, { recursive: true });
      child.stdin?.end('\n');
    });
    const run = await ended(child, { as });
    const told = JSON.parse(run.err.slice(run.err.indexOf('{\n'))) as RunReport;
    const limits = [told.outcome.limit, ...told.reached.map(({ limit }) => limit)];
    expect(limits).toContain('inodes');
  });

  test('nothing of them is left in the state directory', () => {
    const runs = join(stateOf(as), 'wasbox', 'saved');
    const left = existsSync(runs) ? readdirSync(runs) : [];
    expect(left.length).toBeGreaterThan(0); // of the killed runs, until the user discards them
  });
});
