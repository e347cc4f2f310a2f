/** `--cow` and `--continue`: more trees in one run, and runs that go on with an earlier one's layer. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { treeDigest } from '../../support/host.js';
import { identities } from '../../support/identity.js';
import { makeProject } from '../../support/project.js';
import { runWasbox } from '../../support/wasbox.js';

describe.each(identities())('trees, as $label', (as) => {
  let state = '';
  const env = () => ({ XDG_STATE_HOME: state });

  /** A working directory, another tree, and a store of its own. */
  function setUp() {
    const cwd = makeProject(as, { a: 'a\n', 'd/keep': 'k\n' });
    const other = makeProject(as, { b: 'b\n' }, 'other');
    state = makeProject(as, {}, 'state');
    const env = { XDG_STATE_HOME: state };
    const wasbox = async (...args: string[]) => runWasbox(args, { as, cwd, env });
    const sh = async (options: string[], script: string) =>
      wasbox('run', '-q', ...options, '--', 'sh', '-ec', script);
    const runs = async () =>
      (JSON.parse((await wasbox('runs', '--json')).out) as { runs: { id: string }[] }).runs;
    return { cwd, other, wasbox, sh, runs };
  }

  test('each tree has a layer of its own, and one apply covers them all', async () => {
    const { cwd, other, wasbox, sh, runs } = setUp();
    const before = [treeDigest(cwd), treeDigest(other)];
    const script = `echo x >> a; echo y >> ${other}/b; echo n > ${other}/n; mv ${other}/n new`;
    expect((await sh(['--cow', other], `${script}; echo z > ${other}/z`)).err).toBe('');
    expect([treeDigest(cwd), treeDigest(other)]).toEqual(before);
    const named = (await wasbox('diff', '--name-only')).out;
    expect(named).toBe(`a\nnew\n${other}/b\n${other}/z\n`);
    const part = await wasbox('apply', `${other}/b`, join(cwd, 'a'));
    expect(part.out).toBe(`modified a\nmodified ${other}/b\n`);
    expect(fs.readFileSync(join(other, 'b'), 'utf8')).toBe('b\ny\n');
    expect(fs.readFileSync(join(cwd, 'a'), 'utf8')).toBe('a\nx\n');
    expect(fs.existsSync(join(other, 'z'))).toBe(false);
    expect((await wasbox('apply')).status).toBe(0);
    expect(fs.readFileSync(join(other, 'z'), 'utf8')).toBe('z\n');
    expect(await runs()).toEqual([]);
    // Control: without the option the other tree is not there at all.
    expect((await sh([], script)).status).not.toBe(0);
  });

  test('a run that lost its other trees is reported and can be discarded', async () => {
    const { cwd, other, wasbox, sh, runs } = setUp();
    await sh(['--cow', other], `echo x >> a; echo y >> ${other}/b`);
    const [run] = await runs();
    const id = run?.id ?? '';
    fs.rmSync(join(state, 'wasbox/saved', id, 'trees'), { recursive: true });
    const before = [treeDigest(cwd), treeDigest(other)];
    for (const verb of ['diff', 'apply']) {
      const { err, status } = await wasbox(verb);
      expect([err.split('\n')[0], status]).toEqual([
        `wasbox: The saved changes of run ${id} are missing or incomplete.`,
        1,
      ]);
    }
    expect([treeDigest(cwd), treeDigest(other)]).toEqual(before);
    expect((await wasbox('discard', id)).status).toBe(0);
    expect(await runs()).toEqual([]);
  });

  test('a tree may be shown at another place', async () => {
    const { other, sh } = setUp();
    const run = await sh(['--cow', `${other}:/data`, '--apply'], 'echo y >> /data/b');
    expect([run.err, run.status]).toEqual(['', 0]);
    expect(fs.readFileSync(join(other, 'b'), 'utf8')).toBe('b\ny\n');
  });

  test('a run continues an earlier one, modes included', async () => {
    const { cwd, wasbox, sh, runs } = setUp();
    const before = treeDigest(cwd);
    await sh([], 'echo 1 > one; rm -r d; mkdir shut; echo s > shut/s; chmod 000 shut one');
    const [first] = await runs();
    const id = first?.id ?? '';
    const again = await sh(
      ['--continue', id],
      'ls; stat -c "%a %n" one shut; chmod 644 one; cat one; chmod 700 shut; cat shut/s; echo 2 > two; rm a',
    );
    expect(again.out).toBe('a\none\nshut\n0 one\n0 shut\n1\ns\n');
    expect(treeDigest(cwd)).toBe(before);
    expect((await runs()).map((run) => run.id)).toEqual([id]);
    const failed = await sh(['--continue', id, '--apply'], 'echo 3 > three; exit 3');
    expect(failed.status).toBe(3);
    // A launch that fails drops nothing of what was kept.
    expect((await wasbox('run', '--continue', id, '--', './none')).status).toBe(127);
    expect((await wasbox('apply', id)).status).toBe(0);
    expect(fs.readdirSync(cwd).sort()).toEqual(['one', 'shut', 'three', 'two']);
    const gone = await sh(['--continue', id], 'true');
    expect([gone.status, gone.err.includes('start a new run without --continue')]).toEqual([
      125,
      true,
    ]);
  });

  test('changes on the host in between are seen, and never overwritten', async () => {
    const { cwd, wasbox, sh, runs } = setUp();
    await sh([], 'echo run > a');
    fs.writeFileSync(join(cwd, 'a'), 'by the user\n');
    fs.writeFileSync(join(cwd, 'd/keep'), 'by the user\n');
    const id = (await runs())[0]?.id ?? '';
    const again = await sh(['--continue', id], 'cat a d/keep; echo more >> d/keep; echo 2 >> a');
    expect(again.out).toBe('run\nby the user\n');
    const applied = await wasbox('apply', id);
    expect(applied.out).toBe('modified d/keep\n');
    expect(applied.err).toContain(' a: not applied: ');
    expect(fs.readFileSync(join(cwd, 'a'), 'utf8')).toBe('by the user\n');
    expect(fs.readFileSync(join(cwd, 'd/keep'), 'utf8')).toBe('by the user\nmore\n');
  });

  test('a run that was applied in part continues with the rest', async () => {
    const { cwd, wasbox, sh, runs } = setUp();
    await sh([], 'echo run > a; echo n > n');
    const id = (await runs())[0]?.id ?? '';
    expect((await wasbox('apply', id, 'a')).status).toBe(0);
    const again = await sh(['--continue', id], 'cat a n; echo again > a');
    expect(again.out).toBe('run\nn\n');
    expect((await wasbox('apply', id)).err).not.toContain('not applied');
    expect(fs.readFileSync(join(cwd, 'a'), 'utf8')).toBe('again\n');
    // A directory that was replaced whole is no different: what was applied is there, what was deleted is not.
    await sh([], 'rm -r d; mkdir d; echo 1 > d/x; echo 1 > d/y');
    const whole = (await runs())[0]?.id ?? '';
    await wasbox('apply', whole, 'd/x');
    expect(fs.readdirSync(join(cwd, 'd'))).toContain('keep');
    const on = await sh(['--continue', whole], 'ls d; echo 2 > d/x');
    expect([on.status, on.out]).toEqual([0, 'x\ny\n']);
    expect((await wasbox('apply', whole)).status).toBe(0);
    expect(fs.readdirSync(join(cwd, 'd'))).toEqual(['x', 'y']);
    expect(fs.readFileSync(join(cwd, 'd/x'), 'utf8')).toBe('2\n');
  });

  test('a run goes on after a part of a new directory was applied', async () => {
    const { cwd, wasbox, sh, runs } = setUp();
    const made =
      'mkdir -p new/deep/er; for f in new/a new/deep/b new/deep/er/c; do echo 1 > $f; done';
    await sh([], `${made}; echo x > new/deep/.envrc; mkdir empty alone; echo 1 > alone/f`);
    const id = (await runs())[0]?.id ?? '';
    expect((await wasbox('apply', id, 'new', 'empty')).status).toBe(3); // one file is held
    fs.writeFileSync(join(cwd, 'new/deep/mine'), 'by the user\n');
    fs.rmSync(join(cwd, 'new/a'));
    const on = await sh(
      ['--continue', id],
      'find new alone -type f | sort; echo 2 > new/deep/b; rm new/deep/er/c; echo 2 > new/deep/d',
    );
    expect([on.status, on.out]).toEqual([
      0,
      'alone/f\nnew/deep/.envrc\nnew/deep/b\nnew/deep/er/c\nnew/deep/mine\n',
    ]);
    const names = (await wasbox('diff', id, '--name-only')).out.trim().split('\n').sort();
    expect(names).toEqual([
      'alone',
      'alone/f',
      'new/deep/.envrc',
      'new/deep/b',
      'new/deep/d',
      'new/deep/er/c',
    ]);
    expect((await wasbox('apply', id)).status).toBe(3);
    const file = (name: string) => fs.readFileSync(join(cwd, 'new/deep', name), 'utf8');
    expect([file('b'), file('d'), file('mine')]).toEqual(['2\n', '2\n', 'by the user\n']);
    expect(fs.readdirSync(join(cwd, 'new/deep')).sort()).toEqual(['b', 'd', 'er', 'mine']);
    // The last run starts from what that left.
    const last = await sh(['--continue', id], 'ls -A new/deep; rm new/deep/.envrc');
    expect([last.status, last.out]).toEqual([0, '.envrc\nb\nd\ner\nmine\n']);
  });

  test('old changes are discarded when new ones are saved, and that is reported', async () => {
    const { cwd, other, wasbox, sh, runs } = setUp();
    await sh([], 'echo 1 > old');
    await runWasbox(['run', '-q', '--', 'sh', '-c', 'echo 1 > old'], {
      as,
      cwd: other,
      env: env(),
    });
    await sh([], 'echo 2 > new');
    const all = await runs();
    expect(all).toHaveLength(3);
    // Both directories' first runs are made to look 40 days old.
    for (const { id } of all.slice(1)) {
      const file = join(env().XDG_STATE_HOME, 'wasbox/saved', id, 'run.json');
      const record = JSON.parse(fs.readFileSync(file, 'utf8'));
      const ended = new Date(Date.now() - 40 * 86_400_000).toISOString();
      fs.writeFileSync(file, JSON.stringify({ ...record, ended }));
    }
    // Expired runs are looked for once a day.
    const tally = join(env().XDG_STATE_HOME, 'wasbox/tally');
    const [, , bytes = ''] = fs.readFileSync(tally, 'utf8').split(/[ \n]/);
    fs.writeFileSync(tally, `1 ${Date.now() - 25 * 3_600_000} ${bytes}\n`);
    const run = await wasbox('run', '--', 'sh', '-c', 'echo 3 > newest');
    const oldest = all[2]?.id ?? '';
    expect(run.err).toContain(`old changes were discarded: ${oldest} (${cwd}): older than 30 days`);
    expect((await runs()).map(({ id }) => id)).not.toContain(oldest);
    // The latest of the other directory is as old, and stays.
    expect((await runs()).map(({ id }) => id)).toContain(all[1]?.id);
  });

  test('invalid combinations are refused, and nothing starts', async () => {
    const { cwd, other, wasbox, sh, runs } = setUp();
    await sh([], 'echo 1 > one');
    const id = (await runs())[0]?.id ?? '';
    const refused = [
      [['--cow', join(cwd, 'd')], 'overlaps with'],
      [['--cow', join(other, 'b')], 'not a directory'],
      [['--cow', other, '--cow', `${other}:/x`], 'overlaps with'],
      [['--continue', id, '--discard'], 'cannot be used with'],
      [['--continue', id, '--cow', other], 'other copy-on-write directories'],
      [['--continue', id, '--rw', cwd], 'mounts nothing copy-on-write'],
      [['--continue=nothing'], 'is not a run ID'],
    ] as const;
    for (const [options, message] of refused) {
      const run = await sh([...options], 'echo ran');
      expect([run.status, run.out], message).toEqual([125, '']);
      expect(run.err).toContain(message);
    }
    expect((await wasbox('diff', '--name-only', id)).out).toBe('one\n');
  });
});
