/**
 * Histories, logs and caches of the home are counted and dropped: they are no changes to review, do not take the place of
 * a run that has some, and reach neither the host nor a later program. The oracle is the host, and what a run that goes
 * on finds. Needs: user namespaces, overlayfs in them.
 */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { RunReport } from '../../src/index.js';
import { identities } from '../support/identity.js';
import { type Files, makeProject } from '../support/project.js';
import { runWasbox } from '../support/wasbox.js';

const history = 'echo "print(1)" > ~/.python_history';
const caches =
  'mkdir -p ~/.cache/go-build/00 ~/.cache/pip/http ~/.npm/_logs; for n in 1 2 3; do echo x > ~/.cache/go-build/00/$n; done; echo x > ~/.cache/pip/http/x; echo x > ~/.npm/_logs/x';

describe.each(identities())('as $label', (as) => {
  function place(files: Files = {}) {
    const home = makeProject(as, { 'src/demo/': '', ...files }, 'noise');
    const cwd = join(home, 'src/demo');
    const env = { HOME: home, XDG_STATE_HOME: join(home, '.local/state') };
    const run = (args: readonly string[]) => runWasbox(args, { as, cwd, env });
    const names = async () => (await run(['diff', '--name-only'])).out.trim().split('\n').sort();
    const has = (name: string) => fs.existsSync(join(home, name));
    return { home, run, names, has };
  }

  it('a run with nothing else is told, saves nothing, and is not the latest', async () => {
    const { run, has } = place();
    const first = await run(['run', '-c', 'echo a > a']);
    const ran = await run(['run', '--json', '-c', `${history}; ${caches}`]);
    const { changes } = JSON.parse(ran.err) as RunReport;
    expect([changes?.disposition, changes?.paths]).toEqual(['none', []]);
    expect(changes?.dropped?.reduce((sum, { files }) => sum + files, 0)).toBe(6);
    const said = await run(['run', '-c', `${history}; ${caches}`]);
    expect(said.err).toBe(
      'wasbox: 6 files not kept: caches (~/.cache/go-build …), logs (~/.npm/_logs), histories (~/.python_history)\n',
    );
    expect((await run(['runs'])).out.trim().split('\n')).toHaveLength(2);
    expect(first.err).toContain('1 file added');
    const applied = await run(['apply']);
    expect([applied.status, applied.out]).toEqual([0, 'added    a\n']);
    for (const name of ['.python_history', '.cache', '.npm']) expect(has(name), name).toBe(false);
  });

  it('nothing of it is reviewed, applied by any name, or there for a program that goes on', async () => {
    const { run, names, has } = place();
    const ran = await run(['run', '-c', `${history}; ${caches}; echo k > ~/.npm/kept; echo a > a`]);
    const id = /wasbox diff (\w+)/.exec(ran.err)?.[1] ?? '';
    expect(await names()).toEqual(['a', '~/.npm', '~/.npm/kept']);
    const on = await run([
      'run',
      '--continue',
      id,
      '-c',
      'find ~ -name "*histor*" -o -path "*_logs*"',
    ]);
    expect([on.status, on.out], on.err).toEqual([0, '']);
    await run(['apply', '~/.npm', '~/.cache', '~/.python_history', '~/.cache/go-build/00/1']);
    expect([has('.npm/kept'), has('.npm/_logs'), has('.cache'), has('.python_history')]).toEqual([
      true,
      false,
      false,
      false,
    ]);
  });

  it('a path that only looks like noise is reviewed', async () => {
    const { run, names } = place();
    await run([
      'run',
      '-c',
      `echo x > .python_history; mkdir -p .npm/_logs ~/x; echo x > .npm/_logs/x; echo x > ~/x/.python_history
      mkdir -p ~/.npm/_logs2 ~/.NPM/_logs ~/.python_history ~/.cache/pip2; echo x > ~/.npm/_logs2/x
      echo x > ~/.NPM/_logs/x; echo x > ~/.python_history/x; echo x > ~/.cache/pip2/x; echo x > ~/.cache/pip
      ln -s ~/.bashrc ~/.node_repl_history; mkfifo ~/.lesshst`,
    ]);
    const found = await names();
    for (const name of [
      '.python_history',
      '.npm/_logs/x',
      '~/x/.python_history',
      '~/.npm/_logs2/x',
      '~/.NPM/_logs/x',
      '~/.python_history/x',
      '~/.cache/pip2/x',
      '~/.cache/pip',
      '~/.node_repl_history',
      '~/.lesshst',
    ]) {
      expect(found).toContain(name);
    }
  });

  it('your own noise stays as it is with --home cow; what was deleted or moved into a cache is shown', async () => {
    const files = { '.python_history': 'old\n', '.lesshst': 'l', '.npm/_logs/1': 'l', notes: 'n' };
    const { home, run, names, has } = place(files);
    const script =
      'echo new >> ~/.python_history; rm ~/.lesshst; echo 2 > ~/.npm/_logs/2; mv ~/notes ~/.npm/_logs/; rm -r ~/.npm/_logs/1';
    await run(['run', '--home', 'cow', '-c', script]);
    expect(await names()).toEqual(['~/.lesshst', '~/notes']);
    expect((await run(['apply', '~/.python_history', '~/.npm'])).status).toBe(1);
    expect(fs.readFileSync(join(home, '.python_history'), 'utf8')).toBe('old\n');
    expect([has('.npm/_logs/1'), has('.npm/_logs/2'), has('notes')]).toEqual([true, false, true]);
  });
});
