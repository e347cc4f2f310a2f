/**
 * The end of a run whose layer is as it was made: nothing is compared, so nothing that a payload does may
 * make a layer look so that is not. Through Node: the native command keeps spare layers.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { identities } from '../support/identity.js';
import { makeProject } from '../support/project.js';
import { runProgram } from '../support/wasbox.js';

describe.each(identities())('a run that leaves its layer untouched, as $label', (as) => {
  /** Runs a shell script; which runs are left in the journal, and what `diff` says of the latest. */
  async function leftBy(script: string) {
    const cwd = makeProject(as, { given: 'x\n' });
    const env = { XDG_STATE_HOME: `${cwd}.state` };
    const wasbox = [process.execPath, as.cli];
    const argv = [...wasbox, 'run', '--', 'sh', '-ec', script];
    const run = await runProgram(argv, { as, cwd, env });
    expect(run.status, run.err).toBe(0);
    const runs = join(env.XDG_STATE_HOME, 'wasbox/saved');
    const kept = existsSync(runs) ? readdirSync(runs) : [];
    if (kept.length === 0) return { kept: 0, diff: '' };
    const diff = await runProgram([...wasbox, 'diff', '--stat'], { as, cwd, env });
    return { kept: kept.length, diff: diff.out };
  }

  test.each([
    ['does nothing', 'cat given'],
    ['makes and removes', 'mkdir a; echo x > a/b; rm -r a'],
    ['sets the time back, too', 'touch -r . /tmp/was; echo > a; rm a; touch -r /tmp/was .'],
  ])('leaves nothing where it %s', async (_what, script) => {
    expect(await leftBy(script)).toEqual({ kept: 0, diff: '' });
  });

  test.each([
    ['adds', 'echo > new', 'new'],
    ['changes', 'echo >> given', 'given'],
    ['removes', 'rm given', 'given'],
  ])('is not taken for one that %s and sets the time back', async (_what, script, path) => {
    const { kept, diff } = await leftBy(
      `touch -r . /tmp/was; ${script}; touch -r /tmp/was .; [ "$(stat -c %y .)" = "$(stat -c %y /tmp/was)" ]`,
    );
    expect(kept).toBe(1);
    expect(diff).toContain(path);
  });

  test('is not taken for one that changes the mode of the directory', async () => {
    expect((await leftBy('chmod 711 .')).kept).toBe(1);
  });
});
