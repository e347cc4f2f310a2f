/** The programs that `npm run bench` times run, and end as they must: once each, with smaller sizes, whatever time they take. */
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test, vi } from 'vitest';
import { measurePrograms } from '../../bench/programs.mjs';
import { everyone, stateOf } from '../support/identity.js';
import { makeProject } from '../support/project.js';

const dist = fileURLToPath(new URL('../../dist', import.meta.url));

test('every kind of program that the benchmark times starts and ends as it must', () => {
  const self = everyone().find(({ uid }) => uid === process.getuid?.());
  if (self === undefined) throw new Error('the set-up provided no one like this process');
  const work = makeProject(self);
  vi.stubEnv('XDG_STATE_HOME', stateOf(self));
  onTestFinished(() => void vi.unstubAllEnvs());
  const sizes = { bytes: 20_000, counts: [10, 20] };
  const rows = measurePrograms({ work, dist, noop: 'true', rounds: 1, warmUps: 0, ...sizes });
  const names = rows.map(({ name }) => name);
  for (const kind of ['first run: a static program', 'a failing .sh', 'a failing .js', '20 files'])
    expect(names.filter((name) => name.includes(kind))).not.toEqual([]);
  for (const { medianUs } of rows) expect(medianUs).toBeGreaterThan(0);
  expect(rows.filter(({ aloneUs }) => aloneUs !== undefined).length).toBeGreaterThan(5);
});
