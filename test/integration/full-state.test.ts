/** The program's own status where its changes cannot be saved: the state directory is full, has no inodes, or no rights. */
import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { identities } from '../support/identity.js';
import { needs } from '../support/needs.js';
import { makeProject } from '../support/project.js';
import { runWasbox } from '../support/wasbox.js';

needs('root').describe.each(identities())('a full state directory, as $label', (as) => {
  test.each([
    ['no room', 'size=1m', 'head -c 4000000 /dev/zero > big'],
    ['no inodes', 'nr_inodes=200', 'for n in $(seq 400); do : > f$n; done'],
  ])('a state directory with %s keeps the status of the program', async (_what, options, fill) => {
    const state = makeProject(as, {}, 'full');
    execFileSync('mount', [
      '-t',
      'tmpfs',
      '-o',
      `${options},uid=${as.uid},mode=700`,
      'full',
      state,
    ]);
    try {
      const cwd = makeProject(as, { a: 'a' });
      const words = ['run', '--', 'sh', '-c', `(${fill}) 2>/dev/null; exit 7`];
      const run = await runWasbox(words, { as, cwd, env: { XDG_STATE_HOME: state } });
      expect([run.status, run.err]).toEqual([7, expect.not.stringContaining('internal error')]);
      const runs = await runWasbox(['runs'], { as, cwd, env: { XDG_STATE_HOME: state } });
      expect(runs.err).not.toContain('internal error');
      const gone = await runWasbox(['discard', '--all'], {
        as,
        cwd,
        env: { XDG_STATE_HOME: state },
      });
      expect(gone.status, gone.err).toBe(0);
    } finally {
      execFileSync('umount', ['-l', state]);
    }
  });
});
