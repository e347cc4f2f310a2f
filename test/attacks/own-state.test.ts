/** wasbox's state directory is never shown to a payload, whatever is shown around it. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { identities } from '../support/identity.js';
import { makeProject } from '../support/project.js';
import { throughNode } from '../support/two-ways.js';
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
      const state = join(shown, 'state/wasbox');
      const always = ['runs', 'saved', 'tally', 'places', 'last-runs', 'clock', 'clock-seen'];
      const known = throughNode ? [] : ['leaving', 'plans', 'spare'];
      expect(fs.readdirSync(state).filter((name) => ![...known, ...always].includes(name))).toEqual(
        [],
      );
      expect(fs.readdirSync(state)).toContain('runs');
      expect(fs.existsSync(join(state, 'plans/0123456789abcdef'))).toBe(false);
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

  test('is never around a place that Landlock isolation shows, by whatever path', async () => {
    const cwd = makeProject(as);
    const shown = makeProject(as, { 'beside/kept': 'control\n' }, 'shown');
    const state = join(shown, 'a/state');
    const env = { XDG_STATE_HOME: state };
    await runWasbox(['run', '--', 'sh', '-c', 'echo secret >made'], { as, cwd, env });
    const isolated = ['run', '--isolation', 'landlock', '--discard'];
    const script = `grep -r . "$1"; echo planted > "$1/planted"; echo planted > "$1/wasbox/planted"`;
    const words = (path: string) => ['--', 'sh', '-c', script, 'sh', path];
    for (const option of ['--ro', '--rw']) {
      for (const path of [shown, join(shown, 'a'), state]) {
        const run = await runWasbox([...isolated, option, path, ...words(path)], { as, cwd, env });
        expect([run.status, run.out], run.err).toEqual([125, '']);
        expect(run.err).toContain("contains wasbox's state directory");
      }
      // A directory beside it is shown.
      if (as.uid === 0) continue; // the ID that root's programs get cannot enter it
      const beside = join(shown, 'beside');
      const control = await runWasbox([...isolated, option, beside, ...words(beside)], {
        as,
        cwd,
        env,
      });
      expect(control.out, control.err).toContain('control');
      expect(fs.existsSync(join(beside, 'planted'))).toBe(option === '--rw');
    }
    expect(fs.readdirSync(join(state, 'wasbox'))).not.toContain('planted');
    expect(fs.readdirSync(state)).not.toContain('planted');
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

  test('is not replaced by renaming a directory above it', async () => {
    const cwd = makeProject(as);
    const shown = makeProject(as, { 'a/beside/kept': 'kept\n' }, 'shown');
    const state = join(shown, 'a/b/wasbox');
    const env = { XDG_STATE_HOME: join(shown, 'a/b') };
    await runWasbox(['run', '--', 'sh', '-c', 'echo >made'], { as, cwd, env });
    const inode = fs.statSync(state).ino;
    const script = `
      cd "$1"
      mv a old; mv a/b a/old; mv a/b .; mv -T a/beside a/b
      mkdir -p a/b/wasbox/planted
      echo seen below >a/b/control; cat a/hidden
      mv a/beside a/control`;
    const words = ['--', 'sh', '-c', script, 'sh', shown];
    fs.writeFileSync(join(shown, 'a/hidden'), 'secret\n');
    const shownOrNot = ['--rw', shown, '--hide', join(shown, 'a/hidden')];
    const run = await runWasbox(['run', ...shownOrNot, '--rw', '.', ...words], { as, cwd, env });
    expect(fs.statSync(state).ino).toBe(inode);
    expect(fs.readdirSync(state)).not.toContain('planted');
    // Other files that are hidden there stay so; what lies beside it is written to, and renamed.
    expect(run.out).not.toContain('secret');
    expect(fs.readFileSync(join(shown, 'a/b/control'), 'utf8')).toBe('seen below\n');
    expect(fs.readFileSync(join(shown, 'a/control/kept'), 'utf8')).toBe('kept\n');
  });

  test('is not replaced by way of a link to it', async () => {
    const cwd = makeProject(as);
    const real = makeProject(as, {}, 'real');
    const shown = makeProject(as, {}, 'shown');
    fs.symlinkSync(real, join(shown, 'state'));
    const env = { XDG_STATE_HOME: join(shown, 'state') };
    const words = ['--', 'rm', join(shown, 'state')];
    const run = await runWasbox(['run', '--rw', shown, '--rw', '.', ...words], { as, cwd, env });
    expect(run.status).toBe(125);
    expect(run.err).toContain("points to wasbox's own files");
    expect(fs.readlinkSync(join(shown, 'state'))).toBe(real);
  });
});
