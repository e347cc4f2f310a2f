/**
 * Copies of the working directory that a kill has cut short: nothing is concluded from what they lack. Landlock
 * isolation, in which a run works on a copy.
 */
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Identity, identities, stateOf } from '../support/identity.js';
import { makeProject } from '../support/project.js';
import { type Ended, ended, runWasbox, startWasbox } from '../support/wasbox.js';

const files = Object.fromEntries(Array.from({ length: 300 }, (_, n) => [`f${n}`, `${n}\n`]));
const landlock = ['run', '--isolation', 'landlock'];

const runsOf = (as: Identity): string => join(stateOf(as), 'wasbox', 'runs');

/** Starts a run that waits, kills it, and returns its directory in the state. */
async function killedRun(
  as: Identity,
  cwd: string,
  code: string,
  words = landlock,
): Promise<string> {
  const child = startWasbox([...words, '--', 'sh', '-c', `${code}; echo ready; sleep 60`], {
    as,
    cwd,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  await new Promise((resolve) => child.stdout?.once('data', resolve));
  const [id = ''] = fs.readdirSync(runsOf(as));
  child.kill('SIGKILL');
  await new Promise((resolve) => child.once('close', resolve));
  const init = /wasbox-init/;
  for (let tries = 0; tries < 200; tries++) {
    const lock = fs.readFileSync(join(runsOf(as), id, 'lock'), 'latin1');
    try {
      if (!init.test(fs.readFileSync(`/proc/${Number(lock)}/comm`, 'latin1'))) break;
    } catch {
      break;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return join(runsOf(as), id);
}

const said = ({ out, err }: Ended): string => out + err;

describe.each(identities())('an interrupted run, as $label', (as) => {
  const wasbox = (cwd: string, ...words: string[]) => runWasbox(words, { as, cwd });

  test('is saved with what its program did', async () => {
    const cwd = makeProject(as, files);
    await killedRun(as, cwd, 'rm f1; echo new > f2');
    expect(said(await wasbox(cwd, 'runs'))).toMatch(/interrupted +\+0 ~1 -1 /);
    expect((await wasbox(cwd, 'apply')).status).toBe(0);
    expect([fs.readdirSync(cwd).length, fs.readFileSync(join(cwd, 'f2'), 'utf8')]).toEqual([
      299,
      'new\n',
    ]);
  });

  test('whose copy was never whole is not saved', async () => {
    const cwd = makeProject(as, files);
    const run = await killedRun(as, cwd, 'rm f1');
    fs.renameSync(join(run, 'live'), join(run, 'live.new'));
    expect(said(await wasbox(cwd, 'runs'))).toBe('No saved changes.\n');
    expect(fs.readdirSync(runsOf(as))).toEqual([]);
  });

  test('whose copy was captured and half removed is saved with what was captured', async () => {
    const cwd = makeProject(as, files);
    const run = await killedRun(as, cwd, 'rm f1');
    const place = fs.realpathSync(join(run, 'live'));
    fs.writeFileSync(join(run, 'layers/0/upper/added'), 'a\n');
    for (let n = 0; n < 200; n++) fs.rmSync(join(place, `copy0/f${n}`), { force: true });
    fs.renameSync(join(run, 'live'), join(run, 'live.gone'));
    expect(said(await wasbox(cwd, 'runs'))).toMatch(/interrupted +\+1 ~0 -0 /);
    await wasbox(cwd, 'apply');
    expect(fs.readdirSync(cwd)).toHaveLength(301);
    expect(fs.existsSync(place)).toBe(false);
  });

  test('whose copy is not marked as whole is incomplete, and nothing of it is applied unasked', async () => {
    const cwd = makeProject(as, files);
    const run = await killedRun(as, cwd, 'rm f1; echo new > f2');
    // An earlier version left a mark without its magic number.
    const index = join(fs.realpathSync(join(run, 'live')), 'copy0.index');
    const bytes = fs.readFileSync(index);
    fs.writeFileSync(index, bytes.fill(0, 0, 8));
    expect(said(await wasbox(cwd, 'runs'))).toMatch(/incomplete +\+0 ~1 -0 /);
    expect(said(await wasbox(cwd, 'diff'))).toContain('this run was saved incompletely');
    const refused = await wasbox(cwd, 'apply');
    expect([refused.status, refused.err]).toEqual([3, expect.stringContaining('--incomplete')]);
    expect(fs.readFileSync(join(cwd, 'f2'), 'utf8')).toBe('2\n');
    await wasbox(cwd, 'apply', '--incomplete');
    expect([fs.readdirSync(cwd).length, fs.readFileSync(join(cwd, 'f2'), 'utf8')]).toEqual([
      300,
      'new\n',
    ]);
  });

  test('does not delete what came to the directory later, nor bring back what the user removed', async () => {
    const cwd = makeProject(as, { ...files, 'kept/a': 'a', 'dir/b': 'b' });
    const other = makeProject(as, { 'old/x': 'x', 'old/y': 'y' });
    execFileSync('find', [other, '-exec', 'touch', '-d', '2020-01-01', '{}', '+']);
    await killedRun(as, cwd, 'rm f1');
    fs.renameSync(join(other, 'old'), join(cwd, 'old'));
    fs.rmSync(join(cwd, 'f3'));
    fs.rmSync(join(cwd, 'dir'), { recursive: true });
    expect(said(await wasbox(cwd, 'runs'))).toMatch(/interrupted +\+0 ~0 -1 /);
    await wasbox(cwd, 'apply');
    expect(fs.readdirSync(join(cwd, 'old'))).toEqual(['x', 'y']);
    expect(['f1', 'f3', 'dir'].map((name) => fs.existsSync(join(cwd, name)))).toEqual([
      false,
      false,
      false,
    ]);
  });

  /** Kills a run, moves its directory, and lists the runs. */
  async function moved() {
    const cwd = makeProject(as, { f1: '1\n', f2: '2\n', 'd/a': 'a' });
    const run = await killedRun(as, cwd, 'rm f1; echo new > f2; echo made > made; mv d e');
    const now = `${cwd}.moved`;
    fs.renameSync(cwd, now);
    const elsewhere = makeProject(as, {});
    const id = run.slice(run.lastIndexOf('/') + 1);
    expect(said(await wasbox(elsewhere, 'runs'))).toContain(id);
    const lost = await wasbox(elsewhere, 'diff', id);
    expect([lost.status, lost.err]).toEqual([
      1,
      expect.stringMatching(/cannot be opened[\s\S]*wasbox diff \w+ --workdir DIR/),
    ]);
    return { cwd, now, elsewhere, id };
  }

  test('whose directory was moved is applied to it there, deletions as well', async () => {
    const { now, elsewhere, id } = await moved();
    const diff = await wasbox(elsewhere, 'diff', id, '--stat', '--workdir', now);
    expect([diff.status, diff.out]).toEqual([0, expect.stringContaining('D f1')]);
    const applied = await wasbox(elsewhere, 'apply', id, '--workdir', now);
    expect([applied.status, fs.readdirSync(now).sort()], said(applied)).toEqual([
      0,
      ['e', 'f2', 'made'],
    ]);
    expect(fs.readFileSync(join(now, 'f2'), 'utf8')).toBe('new\n');
    await wasbox(elsewhere, 'discard', id);
  });

  test('whose directory was moved is applied once that is back', async () => {
    const { cwd, now, elsewhere, id } = await moved();
    // Another directory by that name is not compared either, or its deletions would be lost.
    fs.mkdirSync(cwd);
    fs.chownSync(cwd, as.uid, as.gid);
    expect((await wasbox(elsewhere, 'diff', id)).err).toContain('is not the one that the run used');
    fs.rmdirSync(cwd);
    fs.renameSync(now, cwd);
    const applied = await wasbox(cwd, 'apply', id);
    expect([applied.status, fs.readdirSync(cwd).sort()], said(applied)).toEqual([
      0,
      ['e', 'f2', 'made'],
    ]);
  });

  test('a run whose directory was replaced keeps its status, and its changes for the moved one', async () => {
    const cwd = makeProject(as, { f1: '1\n', f2: '2\n' });
    const code = 'echo ready; read line; rm f1; echo new > f2; exit 7';
    const child = startWasbox([...landlock, '--', 'sh', '-c', code], { as, cwd });
    await new Promise((resolve) => child.stdout?.once('data', resolve));
    fs.renameSync(cwd, `${cwd}.moved`);
    fs.mkdirSync(cwd);
    fs.chownSync(cwd, as.uid, as.gid);
    const run = await ended(child, { as, stdin: '\n' });
    expect([run.status, run.err]).toEqual([7, expect.stringContaining('could not be saved yet')]);
    const [, id = ''] = /wasbox diff (\w+)/.exec(run.err) ?? [];
    await wasbox(cwd, 'apply', id, '--workdir', `${cwd}.moved`);
    expect(fs.readdirSync(`${cwd}.moved`)).toEqual(['f2']);
    await wasbox(cwd, 'discard', id);
  });

  test('an interrupted run is incomplete in another directory, from which nothing is deleted', async () => {
    const { elsewhere, id } = await moved();
    for (const name of ['f1', 'f2']) fs.writeFileSync(join(elsewhere, name), 'other\n');
    const words = ['apply', id, '--workdir', elsewhere];
    const refused = await wasbox(elsewhere, ...words);
    expect([refused.status, refused.err]).toEqual([3, expect.stringContaining('--incomplete')]);
    await wasbox(elsewhere, ...words, '--incomplete');
    expect(fs.readdirSync(elsewhere).sort()).toEqual(['e', 'f1', 'f2', 'made']);
    await wasbox(elsewhere, 'discard', id);
  });

  test.each(['namespaces', 'landlock'])(
    'is applied though the clock was behind its directory when it began, with %s',
    async (isolation) => {
      const cwd = makeProject(as, { f1: '1\n', f2: '2\n' });
      const run = await killedRun(as, cwd, 'echo new > f2', ['run', '--isolation', isolation]);
      const path = join(run, 'run.json');
      const entry = JSON.parse(fs.readFileSync(path, 'utf8')) as Record<string, unknown>;
      const write = (workdir: unknown, status: string) =>
        fs.writeFileSync(
          path,
          JSON.stringify({ ...entry, workdir, status, started: '2020-01-01T00:00:00.000Z' }),
        );
      // The control, as an earlier version noted it: the directory is younger than the run.
      const { birthNs, ...without } = entry.workdir as Record<string, string>;
      write(without, 'running');
      const { runs } = JSON.parse((await wasbox(cwd, 'runs', '--json')).out) as {
        runs: { id: string }[];
      };
      const id = runs[0]?.id ?? '';
      expect(said(await wasbox(cwd, 'apply', id))).toContain('is not the one that the run used');
      const saved = join(runsOf(as), '..', 'saved', id);
      fs.renameSync(saved, run);
      write({ ...without, birthNs }, 'running');
      const applied = await wasbox(cwd, 'apply', id);
      expect([applied.status, fs.readFileSync(join(cwd, 'f2'), 'utf8')], said(applied)).toEqual([
        0,
        'new\n',
      ]);
    },
  );
});
