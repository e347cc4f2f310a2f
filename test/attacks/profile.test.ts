/**
 * Attack 32: the sandboxed directory brings a profile of its own. It is never picked up by itself, and
 * where it is named its policy allows nothing that the built-in one refuses. The control is the same
 * profile from another place, which is the user's.
 */
import { describe, expect, test } from 'vitest';
import { identities } from '../support/identity.js';
import { makeProject } from '../support/project.js';
import { runWasbox } from '../support/wasbox.js';

const loose = "policy-text = '''\ndefault allow\n'''\n";
const attempt = ['--', 'unshare', '-U', 'true'];

describe.each(identities())('a profile as $label', (as) => {
  test('allows no more from the directory than the built-in policy', async () => {
    const cwd = makeProject(as, {
      'loose.toml': loose,
      'wasbox.toml': loose,
      '.wasbox.toml': loose,
    });
    const own = makeProject(as, { 'loose.toml': loose });
    const planted = await runWasbox(['run', '--profile', 'loose.toml', ...attempt], { as, cwd });
    expect(planted.status).toBe(1);
    expect(planted.err).toContain('unshare failed: Operation not permitted');
    expect((await runWasbox(['run', ...attempt], { as, cwd })).status).toBe(1);
    const control = await runWasbox(['run', '--profile', `${own}/loose.toml`, ...attempt], {
      as,
      cwd,
    });
    expect(control.status, control.err).toBe(0);
  });

  test('tightens from the directory', async () => {
    const text =
      "policy-text = '''\ndeny mkdir, mkdirat\ninclude \"default\"\n'''\n[limits]\ntimeout = 60\n";
    const cwd = makeProject(as, { 'tight.toml': text });
    const run = await runWasbox(['run', '--profile', 'tight.toml', '--', 'mkdir', 'd'], {
      as,
      cwd,
    });
    expect(run.status).toBe(1);
    expect(run.err).toContain('mkdir');
    expect((await runWasbox(['run', '--discard', '--', 'mkdir', 'd'], { as, cwd })).status).toBe(0);
  });

  test('starts nothing if it cannot be read', async () => {
    const cwd = makeProject(as, { 'bad.toml': 'net = "none"\n[limits]\npids = 0\n' });
    const run = await runWasbox(['run', '--profile', 'bad.toml', '--', 'true'], { as, cwd });
    expect(run.status).toBe(125);
    expect(run.err).toContain('bad.toml:3: limits.pids');
  });
});
