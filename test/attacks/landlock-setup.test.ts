/**
 * Attacks 13, 14, 31 and 67 where nothing is mounted: the working directory is copied, and meanwhile its directories
 * are exchanged for links. The oracle is a victim directory that they lead to: neither is it read into the copy, nor
 * written. And the home is not copied.
 */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { startExchange } from '../support/exchange.js';
import { stopProcess, treeDigest, uniqueMarker } from '../support/host.js';
import { identities } from '../support/identity.js';
import { makeProject } from '../support/project.js';
import { runProgram, runWasbox } from '../support/wasbox.js';

const rounds = Number(process.env.WASBOX_RACES ?? 8);

describe.each(identities())(
  'a directory exchanged for a link while it is copied, as $label',
  (as) => {
    test('leads nowhere', async () => {
      const secret = uniqueMarker();
      const victim = makeProject(as, { 'file.txt': secret }, 'victim');
      const cwd = makeProject(as, { 'sub/file.txt': 'own' });
      fs.symlinkSync(victim, join(cwd, 'trap'));
      const before = treeDigest(victim);
      const racer = await startExchange(as, cwd);
      try {
        const script =
          'cat */file.txt; for d in *; do echo x > $d/new; echo y > $d/file.txt; done; true';
        const args = ['run', '-q', '--apply', '--isolation', 'landlock', '--', 'sh', '-c', script];
        for (let round = 0; round < rounds; round++)
          expect((await runWasbox(args, { as, cwd })).out).not.toContain(secret);
        // The race may end each of them before it starts; not one without a race.
        await stopProcess(racer);
        const calm = await runWasbox(args, { as, cwd });
        expect(calm.status, calm.err).toBe(0);
        expect(calm.out).not.toContain(secret);
        racer.kill('SIGCONT');
        expect(treeDigest(victim)).toBe(before);
        // A copy by paths takes the victim's file along soon: the control.
        const naive = `import os
text = ''
while '${secret}' not in text:
    try:
        if not os.path.islink('${cwd}/sub'): text = open('${cwd}/sub/file.txt').read()
    except OSError: pass
print(text)`;
        expect((await runProgram(['python3', '-c', naive], { as })).out).toContain(secret);
      } finally {
        racer.kill('SIGKILL');
      }
    });
  },
);

test.each(identities())('the home is no working directory, as $label', async (as) => {
  const secret = uniqueMarker();
  const home = makeProject(as, { '.ssh/id': secret, 'demo/': '' }, 'home');
  const env = { HOME: home, XDG_STATE_HOME: makeProject(as, {}, 'state') };
  const look = ['sh', '-c', 'cat .ssh/id ../.ssh/id'];
  const inside = (cwd: string) =>
    runWasbox(['run', '-q', '--discard', '--isolation', 'landlock', '--', ...look], {
      as,
      cwd,
      env,
    });
  const refused = await inside(home);
  expect([refused.status, refused.out]).toEqual([125, '']);
  expect(refused.err).toContain('is your home directory');
  const below = await inside(join(home, 'demo'));
  expect([below.status, below.out]).toEqual([1, '']);
  expect((await runProgram(look, { as, cwd: home })).out).toBe(secret);
});
