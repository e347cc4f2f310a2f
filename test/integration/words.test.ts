/** Words of the command line: `run` left out, `--continue` without an ID, lists of runs, `stop`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { identities, stateOf } from '../support/identity.js';
import { makeProject } from '../support/project.js';
import { failedToStart } from '../support/two-ways.js';
import { type Ended, ended, runWasbox, startWasbox } from '../support/wasbox.js';

/** Waits for a file that a payload of `--rw` writes, which says that it runs. */
const appears = (path: string) =>
  expect
    .poll(() => {
      try {
        return readFileSync(path, 'utf8');
      } catch {
        return '';
      }
    })
    .toContain('ready');

describe.each(identities())('words as $label', (as) => {
  test('are a program to run, with its options, if the first is no verb', async () => {
    const cwd = makeProject(as, { 'script.py': 'import sys; print(sys.argv[1:])\n' });
    const said = async (...words: string[]) => (await runWasbox(words, { as, cwd })).out;
    const want = "['a', '--net']\n";
    // The second time by the native command alone.
    for (let i = 0; i < 2; i++) expect(await said('script.py', 'a', '--net')).toBe(want);
    expect(await said('./script.py')).toBe('[]\n');
    expect(await said('echo', 'run')).toBe('run\n');
    expect(await said('--lang', 'python', '-c', 'print(1)')).toBe('1\n');
    expect(await said('--', 'echo', 'one')).toBe('one\n');
    const piped = await runWasbox(['-'], { as, cwd, stdin: 'echo piped' });
    expect(piped.out).toBe('piped\n');
  });

  test('a verb stays a verb, and a word near to one is asked about', async () => {
    const cwd = makeProject(as, { runs: '#!/bin/sh\necho a script\n' });
    const verb = await runWasbox(['runs'], { as, cwd });
    expect(verb.out).not.toContain('a script');
    const script = await runWasbox(['./runs'], { as, cwd });
    expect(script.out).toBe('a script\n');
    const near = await runWasbox(['aply'], { as, cwd });
    expect([near.status, near.err]).toEqual([
      127,
      expect.stringContaining('Did you mean: wasbox apply'),
    ]);
    const nothing = await runWasbox(['--no-such-option', 'x'], { as, cwd });
    expect(nothing.status).toBe(125);
    failedToStart((line) => /aply|no-such-option/.test(line));
  });

  test('-h is short, --help is whole', async () => {
    const cwd = makeProject(as);
    const help = async (...words: string[]) =>
      (await runWasbox(words, { as, cwd })).out.split('\n');
    const short = await help('-h');
    expect(await help('run', '-h')).toEqual(short);
    expect(short.length).toBeLessThanOrEqual(26);
    expect(Math.max(...short.map((line) => line.length))).toBeLessThanOrEqual(80);
    expect(short.filter((line) => line.startsWith('  --'))).toHaveLength(10);
    expect((await help('run', '--help')).length).toBeGreaterThan(100);
  });

  test('--continue without an ID is the latest run here, and takes no word that is none', async () => {
    const cwd = makeProject(as, { '2nd.sh': 'cat one; echo 2 > two' });
    const none = await runWasbox(['run', '--continue', '--', 'true'], { as, cwd });
    expect(none.err).toContain('there are no saved changes');
    await runWasbox(['run', '-c', 'echo 1 > one'], { as, cwd });
    const more = await runWasbox(['run', '--continue', '2nd.sh'], { as, cwd });
    expect([more.status, more.out]).toEqual([0, '1\n']);
    expect(more.err).toContain('2 files added');
    // The run is not one of another directory, and not an older one.
    const elsewhere = await runWasbox(['run', '--continue', '--', 'true'], {
      as,
      cwd: makeProject(as),
    });
    expect(elsewhere.status).toBe(125);
    const id = /wasbox diff (\w+)/.exec(more.err)?.[1] ?? '';
    const named = await runWasbox(['run', '--continue', id, '--', 'cat', 'two'], { as, cwd });
    expect(named.out).toBe('2\n');
    await runWasbox(['apply', id], { as, cwd });
    const gone = await runWasbox(['run', '--continue', '--', 'true'], { as, cwd });
    expect(gone.status).toBe(125);
    expect(gone.err).toContain('was applied');
    failedToStart((line) => line.includes('continue'));
  });

  test('runs is a table with age, size, directory and command', async () => {
    const cwd = makeProject(as);
    await runWasbox(['run', '-c', 'head -c 5000 /dev/zero > big; : \u001b[31m'], { as, cwd });
    const { out } = await runWasbox(['runs'], { as, cwd });
    const [header = '', first = ''] = out.split('\n');
    expect(header.split(/ +/)).toEqual('ID AGE STATUS CHANGES SIZE DIRECTORY COMMAND'.split(' '));
    expect(first).toMatch(/^\w{9} +\d+[smh] +saved +\+1 ~0 -0 +4\.9K +\S+ +-c /);
    expect(first).not.toContain('\u001b');
    const column = header.indexOf('DIRECTORY');
    expect(first.slice(column).startsWith(cwd.replace(as.home, '~'))).toBe(true);
  });

  test('ps lists what runs, and stop ends just that, its changes saved', async () => {
    const cwd = makeProject(as);
    const real = makeProject(as, { one: '', two: '' });
    const start = (name: string, script: string) => {
      const options = { as, cwd };
      const rw = join(real, name);
      return ended(
        startWasbox(['run', '--rw', rw, '-c', `echo ready > ${rw}; ${script}`], options),
        options,
      );
    };
    // One that ends when it is asked to, and one that must be killed.
    const runs: [Promise<Ended>, Promise<Ended>] = [
      start('one', 'echo x > made; exec sleep 1000'),
      start('two', 'trap "" TERM; echo y > other; while :; do sleep 1; done'),
    ];
    await appears(join(real, 'one'));
    await appears(join(real, 'two'));
    const list = async () => {
      const { out } = await runWasbox(['ps', '--json'], { as, cwd });
      return (JSON.parse(out) as { runs: { id: string; pid: number; argv: string[] }[] }).runs;
    };
    const running = await list();
    const idOf = (word: string) =>
      running.find(({ argv }) => argv.join(' ').includes(word))?.id ?? '';
    for (const { pid } of running) {
      expect(readFileSync(`/proc/${pid}/status`, 'latin1')).toMatch(/^NSpid:\t\d+(\t\d+)*\t1$/m);
    }
    const table = await runWasbox(['ps'], { as, cwd });
    expect(table.out).toContain(idOf('exec sleep'));
    const asked = await runWasbox(['stop', idOf('exec sleep')], { as, cwd });
    expect([asked.status, asked.out]).toEqual([0, `stopped ${idOf('exec sleep')}\n`]);
    expect((await runs[0]).status).toBe(143);
    expect((await list()).map(({ id }) => id)).toContain(idOf('trap'));
    const killed = await runWasbox(['stop', '--grace', '100ms', idOf('trap')], { as, cwd });
    expect(killed.status).toBe(0);
    expect((await runs[1]).status).toBe(137);
    expect((await runWasbox(['diff', idOf('trap'), '--name-only'], { as, cwd })).out).toBe(
      'other\n',
    );
    const again = await runWasbox(['stop', idOf('trap')], { as, cwd });
    expect(again.status).toBe(1);
    expect(again.err).toContain(`no run or session "${idOf('trap')}" is running`);
  });

  test('a number in a lock that is another process’s now is not signalled', async () => {
    const cwd = makeProject(as);
    const real = makeProject(as, { one: '' });
    const file = join(real, 'one');
    const options = { as, cwd };
    const run = ended(
      startWasbox(['run', '--rw', file, '-c', `echo ready > ${file}; exec sleep 1000`], options),
      options,
    );
    await appears(file);
    const { out } = await runWasbox(['ps', '--json'], { as, cwd });
    const all = (JSON.parse(out) as { runs: { id: string; argv: string[] }[] }).runs;
    const id = all.find(({ argv }) => argv.join(' ').includes(file))?.id ?? '';
    const lock = join(stateOf(as), 'wasbox', 'runs', id, 'lock');
    const before = readFileSync(lock);
    writeFileSync(lock, `${String(process.pid).padStart(10, '0')}\n`);
    const stop = await runWasbox(['stop', id], { as, cwd });
    expect(stop.status).toBe(1);
    writeFileSync(lock, before);
    expect((await runWasbox(['stop', id], { as, cwd })).status).toBe(0);
    await run;
  });
});
