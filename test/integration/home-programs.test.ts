/** A directory of programs in the home that is in PATH can be installed to, and what is there runs. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { environmentOf, identities } from '../support/identity.js';
import { makeProject } from '../support/project.js';
import { runWasbox } from '../support/wasbox.js';

const tool = '#!/bin/sh\necho "old tool"\n';

describe.each(
  identities().flatMap((as) =>
    ['.local/bin', '.cargo/bin'].map((name) => ({ as, name, label: as.label })),
  ),
)('~/$name as $label', ({ as, name }) => {
  const place = () => {
    const home = makeProject(as, { [`${name}/tool`]: tool, [`${name}/py.py`]: 'x' }, 'home');
    const bin = join(home, name);
    fs.chmodSync(join(bin, 'tool'), 0o755);
    fs.symlinkSync('tool', join(bin, 'other'));
    const cwd = makeProject(as, { 'use.sh': '#!/usr/bin/env tool\n' });
    const env = { HOME: home, PATH: `${bin}:${environmentOf(as).PATH}` };
    const run = (...args: string[]) => runWasbox(args, { as, cwd, env });
    return { home, bin, run };
  };
  const read = (path: string) => fs.readFileSync(path, 'utf8');

  test('runs by name, through a link, from a #! line, and as a child', async () => {
    const { run } = place();
    for (const words of [
      ['--', 'tool'],
      ['--', 'other'],
      ['use.sh'],
      ['-c', 'tool'],
      ['-c', 'other'],
    ]) {
      const { status, out, err } = await run('run', '--discard', ...words);
      expect([words, status, out], err).toEqual([words, 0, 'old tool\n']);
    }
  });

  test.each([
    [
      'a new one',
      'new',
      'printf "#!/bin/sh\\necho new\\n" > ~/DIR/new; chmod 755 ~/DIR/new; new',
      'new\n',
    ],
    ['one that is there', 'tool', 'cp ~/DIR/../../changed ~/DIR/tool; tool', 'changed tool\n'],
    [
      'one by a rename',
      'tool',
      'cp ~/DIR/../../changed ~/DIR/.x; mv ~/DIR/.x ~/DIR/tool; tool',
      'changed tool\n',
    ],
  ])('%s is installed, runs, and is a change of the home', async (_, file, script, out) => {
    const { home, bin, run } = place();
    const before = fs.existsSync(join(bin, file)) ? read(join(bin, file)) : undefined;
    const changed = 'printf "#!/bin/sh\\necho changed tool\\n" > ~/changed; chmod 755 ~/changed;';
    const code = `mkdir -p ~/DIR; ${changed}${script}`.replaceAll('DIR', name);
    for (let i = 0; i < 3; i++) {
      const ran = await run('run', '-c', code);
      expect([ran.status, ran.out], ran.err).toEqual([0, out]);
      expect(ran.err).toContain(`~/${name}/${file}`);
      expect(ran.err).not.toContain('Read-only');
    }
    expect(fs.existsSync(join(bin, file)) ? read(join(bin, file)) : undefined).toBe(before);
    // The run had a home of its own: what it would replace is asked about.
    const how = before === undefined ? [] : ['--theirs'];
    const applied = await run('apply', ...how, `~/${name}/${file}`);
    expect(applied.status, applied.err).toBe(0);
    expect(read(join(bin, file))).toContain(out.trim());
    expect(fs.existsSync(join(home, 'changed'))).toBe(false);
  });

  test('an empty home is empty', async () => {
    const { run } = place();
    expect((await run('run', '--discard', '-c', 'ls -A ~')).out).toBe('');
    // The control.
    expect((await run('run', '--discard', '--home', 'cow', '-c', `ls ~/${name}`)).out).toContain(
      'tool',
    );
  });

  test('the user’s own directory cannot be written to by its other name', async () => {
    const { bin, run } = place();
    const code = `for d in $(echo $PATH | tr : ' '); do echo evil > $d/evil; echo evil >> $d/tool; done 2>/dev/null; rm -f ~/${name}/*`;
    await run('run', '--discard', '-c', code);
    expect([read(join(bin, 'tool')), fs.existsSync(join(bin, 'evil'))]).toEqual([tool, false]);
    // The control: with --rw, the same code does.
    await run('run', '--discard', '--rw', bin, '-c', code);
    expect(fs.existsSync(join(bin, 'tool'))).toBe(false);
  });
});
