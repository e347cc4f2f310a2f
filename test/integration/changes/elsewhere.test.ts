/**
 * Runs whose directory was deleted, replaced or moved: their changes are shown, and taken out into another directory.
 * And what `discard --all` leaves in the state directory.
 */
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Identity, identities } from '../../support/identity.js';
import { makeProject, writeFiles } from '../../support/project.js';
import { type Ended, runWasbox } from '../../support/wasbox.js';

const files = { 'a.txt': 'one\ntwo\n', 'gone.txt': 'x\n', 'd/same.txt': 'same\n' };
const script = `echo three >> a.txt; rm gone.txt; mkdir -p new; echo n > new/n.txt; ln -s a.txt link
mkdir -p .git/hooks; echo h > .git/hooks/pre-commit; mkfifo fifo`;

const said = ({ out, err }: Ended): string => out + err;
const tree = (directory: string): string[] =>
  (fs.readdirSync(directory, { recursive: true }) as string[]).sort();

/** Losses that may happen to the directory of a run. */
const losses: Readonly<Record<string, (cwd: string, as: Identity) => void>> = {
  deleted: (cwd) => fs.rmSync(cwd, { recursive: true }),
  replaced: (cwd, as) => {
    fs.renameSync(cwd, `${cwd}.old`);
    fs.mkdirSync(cwd);
    fs.lchownSync(cwd, as.uid, as.gid);
  },
  'a file': (cwd) => {
    fs.rmSync(cwd, { recursive: true });
    fs.writeFileSync(cwd, '');
  },
};

describe.each(
  identities().flatMap((as) =>
    (['namespaces', 'landlock'] as const).map((isolation) => ({ as, isolation })),
  ),
)('as $as.label with $isolation', ({ as, isolation }) => {
  /** A run in a directory, and how to use it from elsewhere. */
  async function saved() {
    const cwd = makeProject(as, files);
    const elsewhere = makeProject(as, {});
    await runWasbox(['run', '-q', '--isolation', isolation, '--', 'sh', '-c', script], { as, cwd });
    const wasbox = (...words: string[]) => runWasbox(words, { as, cwd: elsewhere });
    const { runs } = JSON.parse((await wasbox('runs', '--json')).out) as {
      runs: { id: string; workdir: { path: string } }[];
    };
    const { id = '' } = runs.find(({ workdir }) => workdir.path === cwd) ?? {};
    return { cwd, elsewhere, wasbox, id };
  }

  test.each(Object.keys(losses))('changes in a directory that is %s are shown', async (how) => {
    const { cwd, wasbox, id } = await saved();
    losses[how]?.(cwd, as);
    expect(said(await wasbox('runs'))).toContain(id);
    const diff = await wasbox('diff', id);
    expect([diff.status, diff.err]).toEqual([0, expect.stringContaining('not there any more')]);
    expect(diff.out).toContain('+three');
    expect(diff.out).toContain('new/n.txt');
    const patch = await wasbox('diff', id, '--patch');
    expect([patch.status, patch.out]).toEqual([0, expect.stringContaining('+three')]);
    const refused = await wasbox('apply', id);
    expect([refused.status, refused.err]).toEqual([1, expect.stringContaining('--workdir DIR')]);
    expect(said(await wasbox('discard', id))).toContain(`discarded ${id}`);
  });

  test('changes are taken out into an empty directory, and the run stays', async () => {
    const { cwd, elsewhere, wasbox, id } = await saved();
    losses.deleted?.(cwd, as);
    const taken = await wasbox('apply', id, '--workdir', '.');
    // A change that is held back is held back there, too, and a FIFO is never made.
    expect([taken.status, tree(elsewhere)]).toEqual([
      3,
      expect.arrayContaining(['a.txt', 'link', 'new', 'new/n.txt']),
    ]);
    expect(tree(elsewhere)).not.toContain('.git/hooks/pre-commit');
    expect(tree(elsewhere)).not.toContain('fifo');
    expect(fs.readFileSync(join(elsewhere, 'a.txt'), 'utf8')).toBe('one\ntwo\nthree\n');
    expect(fs.statSync(join(elsewhere, 'a.txt')).uid).toBe(as.uid);
    expect(said(await wasbox('runs'))).toContain(id);
    const named = await wasbox('apply', id, '.git/hooks/pre-commit', '--workdir', elsewhere);
    expect([named.status, tree(elsewhere)]).toEqual([
      0,
      expect.arrayContaining(['.git/hooks/pre-commit']),
    ]);
    await wasbox('discard', id);
  });

  test('changes are applied to the directory under its new name, with deletions', async () => {
    const { cwd, wasbox, id } = await saved();
    fs.renameSync(cwd, `${cwd}-moved`);
    const diff = await wasbox('diff', id, '--name-only', '--workdir', `${cwd}-moved`);
    expect(diff.out.split('\n')).toContain('gone.txt');
    expect((await wasbox('apply', id, '--workdir', `${cwd}-moved`)).status).toBe(3);
    expect(tree(`${cwd}-moved`).filter((path) => !path.startsWith('.git'))).toEqual(
      ['a.txt', 'd', 'd/same.txt', 'link', 'new', 'new/n.txt'].sort(),
    );
    await wasbox('discard', id);
  });

  test('changes overwrite nothing that is newer, nor what a link leads to', async () => {
    const { cwd, elsewhere, wasbox, id } = await saved();
    losses.deleted?.(cwd, as);
    writeFiles(as, elsewhere, { 'a.txt': 'mine\n', 'other/x': '' });
    expect((await wasbox('apply', id, '--workdir', '.')).status).toBe(3);
    expect(fs.readFileSync(join(elsewhere, 'a.txt'), 'utf8')).toBe('mine\n');
    fs.symlinkSync('other', join(elsewhere, 'way'));
    const refused = await wasbox('apply', id, '--workdir', 'way');
    expect([refused.status, refused.err]).toEqual([2, expect.stringContaining('symbolic link')]);
    expect((await wasbox('apply', id, '--workdir', 'nothing')).status).toBe(2);
    expect(tree(join(elsewhere, 'other'))).toEqual(['x']);
    await wasbox('discard', id);
  });
});

test.each(identities())(
  'discard --all leaves nothing that names what was run, as $label',
  async (as) => {
    const cwd = makeProject(as, files);
    const state = makeProject(as, {}, 'state');
    fs.chmodSync(state, 0o700);
    const env = { XDG_STATE_HOME: state };
    const wasbox = (...words: string[]) => runWasbox(words, { as, cwd, env });
    for (let i = 0; i < 2; i++) {
      await wasbox('run', '-q', '--', 'sh', '-c', 'echo word-7401 > made');
      await wasbox('run', '-q', '--audit', '--', 'sh', '-c', ': word-7401');
    }
    await wasbox('diff');
    // A search of a large home leaves such a file.
    writeFiles(as, join(state, 'wasbox'), { 'searches/1-2': 'word-7401' });
    fs.chmodSync(join(state, 'wasbox/searches'), 0o700);
    // A directory that overlayfs leaves in a layer's directory is closed to its owner, and empty.
    const holding = (): string =>
      spawnSync('grep', ['-rls', 'word-7401', state], { encoding: 'utf8' }).stdout;
    // The name of what was run is there before: the control.
    expect(holding()).not.toBe('');
    await wasbox('discard', '--all');
    expect(holding()).toBe('');
    const left = ['plans', 'places', 'last-runs', 'searches'].flatMap((name) => {
      const path = join(state, 'wasbox', name);
      return fs.existsSync(path) ? fs.readdirSync(path) : [];
    });
    expect(left).toEqual([]);
  },
);
