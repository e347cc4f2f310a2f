/** Files that the user and the run both changed: merged, taken, left, or reported as done. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { identities } from '../../support/identity.js';
import { makeProject, writeFiles } from '../../support/project.js';
import { runWasbox } from '../../support/wasbox.js';

const text = (...lines: string[]) => `${lines.join('\n')}\n`;
const base = text('one', 'two', 'three', 'four', 'five');

describe.each(identities())('a path that both changed, as $label', (as) => {
  /** A run that edits, and what the user does meanwhile. */
  async function both(script: string, theUsers: Record<string, string>, files = {}) {
    const cwd = makeProject(as, { 'f.txt': base, ...files });
    const env = { XDG_STATE_HOME: makeProject(as, {}, 'state') };
    const wasbox = (...args: string[]) => runWasbox(args, { as, cwd, env });
    const run = await wasbox('run', '--', 'sh', '-ec', script);
    expect(run.status, run.err).toBe(0);
    writeFiles(as, cwd, theUsers);
    const read = (name: string) => fs.readFileSync(join(cwd, name), 'utf8');
    return { cwd, env, wasbox, read, id: /wasbox diff (\w+)/.exec(run.err)?.[1] ?? '' };
  }
  const others = { 'f.txt': text('ONE', 'two', 'three', 'four', 'five') };
  const same = { 'f.txt': text('one', 'two', 'three', 'four', 'FIVE!') };
  const edit = 'sed -i s/five/FIVE/ f.txt; echo new > new.txt';

  test('is refused by default, and the message says what to do', async () => {
    const { wasbox, read, id } = await both(edit, others);
    const run = await wasbox('apply');
    expect([run.status, read('f.txt'), read('new.txt')]).toEqual([3, others['f.txt'], 'new\n']);
    for (const option of ['--merge', '--theirs', '--ours', '--resolved PATH']) {
      expect(run.err).toContain(option);
    }
    expect(run.err).toContain(`wasbox apply ${id} --merge`);
    for (const line of run.err.split('\n').filter((one) => one.includes('--ours')))
      expect(line.length).toBeLessThanOrEqual(80);
  });

  test('is merged if different lines changed, and the run is finished', async () => {
    const { wasbox, read } = await both(`${edit}; chmod 755 f.txt`, others);
    const run = await wasbox('apply', '--merge');
    expect([run.status, run.out], run.err).toEqual([0, 'merged   f.txt\nadded    new.txt\n']);
    expect(read('f.txt')).toBe(text('ONE', 'two', 'three', 'four', 'FIVE'));
    expect((await wasbox('runs')).out).toBe('No saved changes.\n');
  });

  test('gets conflict markers only on request', async () => {
    const { wasbox, read, cwd } = await both(edit, same);
    const refused = await wasbox('apply', '--merge');
    expect([refused.status, read('f.txt'), read('new.txt')]).toEqual([3, same['f.txt'], 'new\n']);
    expect(refused.err).toContain(
      'f.txt: not applied: you and the run changed the same lines in one place',
    );
    const marked = await wasbox('apply', '--conflict-markers');
    expect([marked.status, marked.out]).toEqual([3, 'conflict f.txt\n']);
    expect(read('f.txt')).toBe(
      `one\ntwo\nthree\nfour\n<<<<<<< yours\nFIVE!\n||||||| before the run\nfive\n=======\nFIVE\n>>>>>>> the run's\n`,
    );
    expect(fs.readdirSync(cwd).sort()).toEqual(['f.txt', 'new.txt']);
    expect((await wasbox('runs')).out).toBe('No saved changes.\n');
  });

  test.each([
    ['--theirs', base.replace('five', 'FIVE'), false],
    ['--ours', same['f.txt'], true],
  ] as const)('%s: one of the two wins, for deletions, too', async (option, wanted, stays) => {
    const { wasbox, read, cwd } = await both(
      `${edit}; rm gone.txt; rm plain.txt`,
      { ...same, 'gone.txt': 'the user wrote on\n' },
      { 'gone.txt': 'x\n', 'plain.txt': 'x\n' },
    );
    expect((await wasbox('apply', '-i')).status).not.toBe(0);
    const run = await wasbox('apply', option);
    expect([run.status, read('f.txt')], run.err).toEqual([0, wanted]);
    expect(fs.existsSync(join(cwd, 'gone.txt'))).toBe(stays);
    // A change that only the run made is applied.
    expect([fs.existsSync(join(cwd, 'plain.txt')), read('new.txt')]).toEqual([false, 'new\n']);
    expect((await wasbox('runs')).out).toBe('No saved changes.\n');
  });

  test('is marked as applied if it was merged by hand, and nothing else', async () => {
    const { wasbox, read, cwd } = await both(`${edit}; mkdir d; echo 1 > d/a; echo 2 > d/b`, same);
    expect((await wasbox('apply', '--resolved')).status).not.toBe(0);
    const run = await wasbox('apply', '--resolved', 'f.txt', 'd/a');
    expect([run.status, run.out], run.err).toEqual([0, 'resolved d/a\nresolved f.txt\n']);
    expect([read('f.txt'), fs.readdirSync(cwd)]).toEqual([same['f.txt'], ['f.txt']]);
    const rest = await wasbox('apply');
    expect([rest.status, rest.out]).toEqual([0, 'added    d\nadded    d/b\nadded    new.txt\n']);
    expect(read('f.txt')).toBe(same['f.txt']);
  });

  test('is not merged without a copy from before the run', async () => {
    const { wasbox, read, cwd } = await both(`${edit}; printf 'a\\0b' > bin`, others, {
      bin: 'a\0a',
    });
    writeFiles(as, cwd, { bin: 'a\0c' });
    const run = await wasbox('apply', '--merge', 'bin');
    expect([run.status, read('bin')]).toEqual([3, 'a\0c']);
    expect(run.err).toContain('Choose --ours or --theirs');

    // Changed on the host while the run went on: what it saw is gone.
    const during = await both('true', {});
    const running = runWasbox(['run', '--', 'sh', '-ec', 'sed -i s/five/FIVE/ f.txt; sleep 2'], {
      as,
      cwd: during.cwd,
      env: during.env,
    });
    await new Promise((resolve) => setTimeout(resolve, 1200));
    writeFiles(as, during.cwd, others);
    expect((await running).status).toBe(0);
    const refused = await during.wasbox('apply', '--merge');
    expect([refused.status, during.read('f.txt')]).toEqual([3, others['f.txt']]);
    expect(refused.err).toContain('no copy from before the run');
  });

  test('is merged with the version from before the last of several runs', async () => {
    const { wasbox, read, cwd, id } = await both('sed -i s/five/FIVE/ f.txt; echo > x', {});
    expect((await wasbox('apply', 'f.txt')).status).toBe(0);
    writeFiles(as, cwd, { 'f.txt': text('one', 'two', 'three', 'four', 'FIVE', 'six') });
    const script = 'sed -i s/six/SIX/ f.txt';
    const on = await wasbox('run', '--continue', id, '--', 'sh', '-ec', script);
    expect(on.status, on.err).toBe(0);
    writeFiles(as, cwd, { 'f.txt': text('ONE', 'two', 'three', 'four', 'FIVE', 'six') });
    const run = await wasbox('apply', id, '--merge');
    expect([run.status, read('f.txt')], run.err).toEqual([
      0,
      text('ONE', 'two', 'three', 'four', 'FIVE', 'SIX'),
    ]);
  });

  test('accepts only one of these options', async () => {
    const { wasbox } = await both(edit, others);
    const run = await wasbox('apply', '--ours', '--theirs');
    expect(run.err).toContain('--theirs or --ours, not both');
  });
});
