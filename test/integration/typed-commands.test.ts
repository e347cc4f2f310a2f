/** Tests that `wasbox runs` shows what the user typed, not what an interpreter was started with. */
import { expect, test } from 'vitest';
import { ordinaryUser } from '../support/identity.js';
import { makeProject } from '../support/project.js';
import { runWasbox } from '../support/wasbox.js';

const as = ordinaryUser();

test.each([
  [['a.sh', 'x y'], "a.sh 'x y'"],
  [['./a.sh'], './a.sh'],
  [['-c', 'touch made', 'x'], "-c 'touch made' x"],
  [['-', 'x'], '- x'],
  [['--', 'touch', 'made'], 'touch made'],
])('%j is listed as it was typed', async (words, shown) => {
  const cwd = makeProject(as, { 'a.sh': 'touch made\n' });
  const env = { XDG_STATE_HOME: `${cwd}.state` };
  const run = await runWasbox(['run', ...words], { as, cwd, env, stdin: 'touch made\n' });
  expect(run.status, run.err).toBe(0);
  const [, row = ''] = (await runWasbox(['runs'], { as, cwd, env })).out.split('\n');
  expect(row.endsWith(` ${shown}`), row).toBe(true);
  const { runs } = JSON.parse((await runWasbox(['runs', '--json'], { as, cwd, env })).out);
  expect(runs[0].argv.length).toBeGreaterThan(0);
});
