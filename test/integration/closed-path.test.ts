/** A PATH with directories that the user may not look into, as `sudo -u` and `setpriv` leave it. */
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ordinaryUser } from '../support/identity.js';
import { makeProject } from '../support/project.js';
import { runWasbox } from '../support/wasbox.js';

test('entries of PATH that are closed to the user are passed over', async () => {
  const as = ordinaryUser();
  const cwd = makeProject(as, { 'closed/bin/': '' });
  chmodSync(join(cwd, 'closed'), 0);
  const env = { PATH: `${join(cwd, 'closed/bin')}:/usr/bin:/bin` };
  const run = await runWasbox(['run', '-q', '--discard', '--', 'echo', 'found'], {
    as,
    cwd: makeProject(as),
    env,
  });
  chmodSync(join(cwd, 'closed'), 0o755);
  expect(run.err).toBe('');
  expect(run.out).toBe('found\n');
});
