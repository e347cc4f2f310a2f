/**
 * The run that `apply`, `discard` and `diff` mean without an id: the latest of the directory, and never
 * another one than was shown last. Oracle: the files of the directory.
 */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { shellQuote } from '../../../src/options/index.js';
import { fastpathOf, makeFastpath } from '../../support/fastpath.js';
import { identities, ordinaryUser } from '../../support/identity.js';
import { makeProject } from '../../support/project.js';
import { runProgram, runWasbox, wasboxArgv } from '../../support/wasbox.js';

describe.each(identities())('without an id, as $label', (as) => {
  function setUp() {
    const cwd = makeProject(as);
    const env = { XDG_STATE_HOME: makeProject(as, {}, 'state') };
    const wasbox = (...args: string[]) => runWasbox(args, { as, cwd, env });
    /** A run that makes a file. */
    const make = async (name: string, ...options: string[]): Promise<string> => {
      const run = await wasbox('run', ...options, '--', 'sh', '-c', `echo x > ${name}`);
      return /wasbox diff (\w+)/.exec(run.err)?.[1] ?? '';
    };
    /** A shell script in a session of its own, in which `wasbox` is wasbox. */
    const session = (script: string) => {
      const own = `wasbox() { ${wasboxArgv(as, []).map(shellQuote).join(' ')} "$@"; }\n`;
      return runProgram(['setsid', '-w', 'sh', '-c', own + script], { as, cwd, env });
    };
    return { cwd, env, wasbox, make, session, files: () => fs.readdirSync(cwd).sort() };
  }

  test.each(['apply', 'discard'])('%s twice does not slide to an older run', async (verb) => {
    const { wasbox, make, files } = setUp();
    const [older, newer] = [await make('a'), await make('b')];
    expect((await wasbox(verb)).status).toBe(0);
    const after = files();
    expect(after).toEqual(verb === 'apply' ? ['b'] : []);
    for (const again of ['apply', 'discard', 'diff']) {
      const run = await wasbox(again);
      expect([run.status, run.out]).toEqual([1, '']);
      expect(run.err).toContain(`the latest run here, ${newer}, was already `);
      expect(run.err).toContain(`: wasbox ${again} ${older}\n`);
    }
    expect(files()).toEqual(after);
    // Control: by its id it is applied, and then nothing is left.
    expect((await wasbox('apply', older)).status).toBe(0);
    expect(files()).toEqual([...after, 'a'].sort());
    expect((await wasbox('apply')).err).toContain(`the latest run, ${newer}, was`);
  });

  test('a directory that replaced the one of a run is another, even with the same inode number', async () => {
    const { cwd, wasbox, make, files } = setUp();
    const id = await make('a');
    const { ino, birthtimeNs } = fs.statSync(cwd, { bigint: true });
    // A file system gives the number of what was just removed, or of something removed before.
    for (let tries = 0; tries < 20; tries++) {
      fs.rmdirSync(cwd);
      fs.mkdirSync(cwd);
      fs.chownSync(cwd, as.uid, as.gid);
      if (birthtimeNs === 0n || fs.statSync(cwd, { bigint: true }).ino === ino) break;
    }
    for (const args of [['apply'], ['apply', id], ['run', '--continue', id, '--', 'true']]) {
      const run = await wasbox(...args);
      expect(run.err).toContain('is not the one that the run used');
      expect([run.status === 0, run.out, files()]).toEqual([false, '', []]);
    }
    const shown = await wasbox('diff', id);
    expect([shown.status, shown.err]).toEqual([0, expect.stringContaining('not there any more')]);
    // Control: a run of this directory is applied.
    await make('b');
    expect([(await wasbox('apply')).status, files()]).toEqual([0, ['b']]);
  });

  test('a run that was applied as it ended is the latest, too', async () => {
    const { wasbox, make, files } = setUp();
    const older = await make('a');
    await make('b', '--apply');
    const run = await wasbox('apply');
    expect([run.status, run.err.includes(`wasbox apply ${older}`)]).toEqual([1, true]);
    expect(files()).toEqual(['b']);
    // The run that was looked at since is meant.
    expect((await wasbox('diff', older)).out).toContain('+x');
    expect((await wasbox('apply')).status).toBe(0);
    expect(files()).toEqual(['a', 'b']);
  });

  test.each(['apply', 'discard'])(
    '%s does not use a run that ended elsewhere since one was shown here',
    async (verb) => {
      const { wasbox, make, session, files } = setUp();
      const older = await make('a');
      const other = (await session("wasbox run -- sh -c 'echo x > b'")).err;
      const newer = /wasbox diff (\w+)/.exec(other)?.[1] ?? '';
      const run = await wasbox(verb);
      expect([run.status, run.out]).toEqual([1, '']);
      expect(run.err).toContain(`${newer}, but the one shown last was ${older}`);
      for (const id of [older, newer]) expect(run.err).toContain(`: wasbox ${verb} ${id}\n`);
      expect(files()).toEqual([]);
      // Shown here, it is meant.
      expect((await wasbox('diff')).out).toContain('b/b\n');
      expect((await wasbox(verb)).status).toBe(0);
      expect(files()).toEqual(verb === 'apply' ? ['b'] : []);
    },
  );

  test('a script that runs and applies gets the changes of its own run', async () => {
    const { make, session, files } = setUp();
    const older = await make('a');
    const own = await session("wasbox run -q -- sh -c 'echo x > b'; wasbox apply");
    expect([own.status, files()]).toEqual([0, ['b']]);
    const none = await session('wasbox run -q -- true; wasbox apply');
    expect([none.status, files()]).toEqual([1, ['b']]);
    expect(none.err).toContain(`wasbox apply ${older}`);
  });

  test('a run that was shown and then continued quietly is not applied unseen', async () => {
    const { make, session, files, wasbox } = setUp();
    const shown = await make('a');
    const more = "wasbox run -q --continue -- sh -c 'echo x > b'";
    const run = await session(`wasbox diff ${shown}; ${more}; wasbox apply`);
    expect([run.status, files()]).toEqual([1, []]);
    expect(run.err).toContain(`run ${shown} has changed since it was shown here`);
    // Control: shown as it is now, it is applied.
    expect((await wasbox('diff', shown)).out).toContain('b/b\n');
    expect([(await wasbox('apply')).status, files()]).toEqual([0, ['a', 'b']]);
  });

  test('a run that told nothing does not take the place of the one that was shown', async () => {
    const { make, session, files, wasbox } = setUp();
    const shown = await make('a');
    const both = `wasbox diff ${shown}; wasbox run -q -- sh -c 'echo x > b'; wasbox apply`;
    const run = await session(both);
    expect([run.status, files()]).toEqual([1, []]);
    expect(run.err).toContain(`the one shown last was ${shown}`);
    // Control: of two that told nothing, the later one is meant.
    const two = "for n in c d; do wasbox run -q -- sh -c 'echo x > $0' $n; done; wasbox apply";
    expect([
      (await session(two.replace("'echo x > $0' $n", '"echo x > $n"'))).status,
      files(),
    ]).toEqual([0, ['d']]);
    expect((await wasbox('apply', shown)).status).toBe(0);
  });

  test('a run without changes does not make a script apply an older one', async () => {
    const { make, session, files, wasbox } = setUp();
    const older = await make('a');
    for (const options of ['', '--discard']) {
      const none = await session(`wasbox run -q ${options} -- true; wasbox apply`);
      expect([none.status, files()]).toEqual([1, []]);
      expect(none.err).toContain('the latest run here changed nothing');
      expect(none.err).toContain(`wasbox apply ${older}`);
    }
    // Control: once the user has seen its end, it is the latest.
    expect((await wasbox('apply')).status).toBe(0);
    expect(files()).toEqual(['a']);
  });

  test('a run that wrote only caches of the home is saved, and is not the run that apply means', async () => {
    const { make, session, files, wasbox } = setUp();
    await make('a');
    const write = 'mkdir -p ~/.cache/x; echo b > ~/.cache/x/y';
    const caches = await session(`wasbox run -c '${write}'; wasbox diff --name-only`);
    expect([caches.status, caches.out]).toEqual([0, 'a\n']);
    expect((await wasbox('runs')).out).toContain('.cache/x/y');
    expect([(await wasbox('apply')).status, files()]).toEqual([0, ['a']]);
    // Control: with another file of the home it is.
    const both = await session(`wasbox run -c '${write}; echo b > ~/b'; wasbox diff --name-only`);
    expect(both.out).toContain('~/b\n');
  });
});

test('the native command records a run without changes, without Node', async () => {
  const as = ordinaryUser();
  const cwd = makeProject(as);
  const fastpath = makeFastpath(as);
  for (const nodes of [1, 0]) {
    expect((await fastpath.run(['run', '--', 'true'], { cwd })).nodes).toBe(nodes);
  }
  await fastpath.run(['run', '--', 'sh', '-c', 'echo x > a'], { cwd });
  const words = ['setsid', '-w', 'sh', '-c', '"$0" run -- true; exec "$0" apply', fastpathOf(as)];
  const run = await runProgram(words, { as, cwd, env: { ...fastpath.env, PWD: cwd } });
  expect(run.err).toContain('the latest run here changed nothing');
  expect(fs.existsSync(join(cwd, 'a'))).toBe(false);
});
