/**
 * Attack 37: the host answers while bombs go off. How fast, bench/limits.mjs says on a machine that does
 * nothing else; here others run too, so the bound is far away, and what it catches is a host that
 * stands still. The limit that a bomb ran into is told, and of its processes nothing stays.
 */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { RunReport } from '../../src/report/index.js';
import { eventually, processesWith, uniqueMarker, withSeconds } from '../support/host.js';
import { ordinaryUser } from '../support/identity.js';
import { makeProject } from '../support/project.js';
import { endless, probeWhile } from '../support/responsive.mjs';
import { runWasbox } from '../support/wasbox.js';

const as = ordinaryUser();
/** The limit that each runs into, and options that let it do so soon. */
const limits: Readonly<Record<string, readonly [limit: string, ...options: string[]]>> = {
  'fork bomb': ['pids', '--pids', '100'],
  'many threads': ['pids', '--pids', '100'],
  memory: ['memory'],
  'files in memory': ['disk', '--disk', '50M'],
  output: ['timeout'],
  refusals: ['timeout'],
};

test.each(endless.filter(([name]) => name in limits))(
  'the host answers during: %s',
  async (name, options, command) => {
    const cwd = makeProject(as);
    const file = join(makeProject(as), 'probe');
    const marker = uniqueMarker();
    const [limit = '', ...tight] = limits[name] ?? [];
    const idle = await probeWhile(file, async ({ count }) => {
      expect(await eventually(() => count() >= 20)).toBe(true);
    });
    let named: (string | undefined)[] = [];
    const explode = async (seconds: number) => {
      const run = await runWasbox(
        ['run', '--discard', '--timeout', `${seconds}s`, '--json', ...tight, ...options].concat(
          command,
          marker,
        ),
        { as, cwd, stdio: ['ignore', 'ignore', 'pipe'] },
      );
      const told = JSON.parse(run.err.slice(run.err.indexOf('{\n'))) as RunReport;
      // It ends by its time whatever it did.
      if (name === 'refusals' && (told.refusals?.total ?? 0) < 1000) return [];
      return [told.outcome.limit, ...told.reached.map((one) => one.limit)];
    };
    const busy = await probeWhile(file, async ({ begin, count }) => {
      expect(await eventually(() => count() > 0)).toBe(true);
      begin();
      named = await withSeconds(explode, (names) => names.some((one) => one === limit));
      expect(await eventually(() => count() > 3)).toBe(true);
    });
    expect(named).toContain(limit);
    expect(busy.median).toBeLessThan(20 * idle.median + 2000);
    expect(await eventually(() => processesWith(marker).length === 0)).toBe(true);
  },
);
