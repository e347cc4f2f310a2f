/** wasbox's state directory is never shown to a payload, whatever is shown around it. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { identities } from '../support/identity.js';
import { makeProject } from '../support/project.js';
import { runWasbox } from '../support/wasbox.js';

const attack = `
mkdir -p "$1/state/wasbox/plans" "$1/state/wasbox/runs"
echo planted > "$1/state/wasbox/plans/0123456789abcdef"
echo planted > "$1/state/wasbox/planted"
ls "$1/state/wasbox" && echo seen
echo control > "$1/control"
`;

describe.each(identities())('the state directory, as $label', (as) => {
  test.each(['that is there', 'that the run makes'])('%s is hidden under --rw', async (when) => {
    const cwd = makeProject(as, { 'attack.sh': `#!/bin/sh${attack}` });
    const shown = makeProject(as, {}, 'shown');
    const env = { XDG_STATE_HOME: join(shown, 'state') };
    if (when === 'that is there') {
      await runWasbox(['run', '--', 'sh', '-c', 'echo >made'], { as, cwd, env });
    }
    for (const workdir of [[], ['--rw', '.']]) {
      const args = ['run', '--rw', shown, ...workdir, 'attack.sh', shown];
      const run = await runWasbox(args, { as, cwd, env });
      expect(run.out).not.toContain('seen');
      expect(fs.readdirSync(join(shown, 'state/wasbox')).sort()).toEqual(['runs']);
      // Control: what lies beside it is written to.
      expect(fs.readFileSync(join(shown, 'control'), 'utf8')).toBe('control\n');
      fs.rmSync(join(shown, 'control'));
    }
  });

  test('is not to be read under --ro either', async () => {
    const cwd = makeProject(as);
    const shown = makeProject(as, { beside: 'control\n' }, 'shown');
    const env = { XDG_STATE_HOME: join(shown, 'state') };
    await runWasbox(['run', '--', 'sh', '-c', 'echo secret >made'], { as, cwd, env });
    const script = `grep -r . ${shown}; ls -R ${shown}`;
    const run = await runWasbox(['run', '--discard', '--ro', shown, '--', 'sh', '-c', script], {
      as,
      cwd,
      env,
    });
    expect(run.out).toContain('control');
    expect(run.out).not.toMatch(/secret|run\.json/);
  });

  test('cannot be shown itself', async () => {
    const cwd = makeProject(as);
    const state = makeProject(as, {}, 'state');
    const env = { XDG_STATE_HOME: state };
    await runWasbox(['run', '--', 'sh', '-c', 'echo >made'], { as, cwd, env });
    for (const path of ['wasbox', 'wasbox/runs']) {
      const args = ['run', '--ro', join(state, path), '--', 'true'];
      const run = await runWasbox(args, { as, cwd, env });
      expect(run.status).toBe(125);
      expect(run.err).toContain('belongs to wasbox itself');
    }
  });
});
