/**
 * The state directory on file systems of their own, with Landlock isolation, where a run's copy is moved to its layer: what
 * an ended and a killed run did is applied, and nothing is left. The control takes a layer away.
 */
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type Identity, identities } from '../support/identity.js';
import { needs } from '../support/needs.js';
import { makeProject } from '../support/project.js';
import { runWasbox, startWasbox } from '../support/wasbox.js';

/** Mounts a file system on `state`. */
const mounts: Readonly<Record<string, (base: string, as: Identity) => void>> = {
  tmpfs: (base, { uid, gid }) =>
    mount('-t', 'tmpfs', '-o', `uid=${uid},gid=${gid},mode=700`, 'none', join(base, 'state')),
  overlayfs: (base) => {
    const [low, up, work] = ['low', 'up', 'work'].map((name) => join(base, name));
    const options = `lowerdir=${low},upperdir=${up},workdir=${work}`;
    mount('-t', 'overlay', '-o', options, 'none', join(base, 'state'));
  },
  'FUSE (bindfs)': (base) =>
    execFileSync('bindfs', ['-o', 'allow_other', join(base, 'low'), join(base, 'state')]),
};

function mount(...words: string[]): void {
  execFileSync('mount', words);
}

const rows = identities().flatMap((as) => Object.keys(mounts).map((name) => ({ as, name })));

/** Saves a run, kills another, and returns the files of the project once both are applied. */
async function savedAndKilled(
  as: Identity,
  name: string,
  meanwhile: (state: string) => void,
): Promise<readonly string[]> {
  const cwd = makeProject(as, { a: 'a\n', b: 'b\n', 'd/c': 'c\n' });
  const base = makeProject(as, { 'low/': '', 'up/': '', 'work/': '', 'state/': '' });
  const state = join(base, 'state');
  mounts[name]?.(base, as);
  try {
    fs.chmodSync(state, 0o700);
    const options = { as, cwd, env: { XDG_STATE_HOME: state } };
    const words = ['run', '-q', '--isolation', 'landlock', '--', 'sh', '-c'];
    const saved = await runWasbox([...words, 'rm a; mv d e; exit 3'], options);
    expect(saved.status, saved.err).toBe(3);
    const child = startWasbox([...words, 'rm b; echo n > n; echo ready; sleep 60'], options);
    await new Promise((resolve) => child.stdout?.once('data', resolve));
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('close', resolve));
    meanwhile(state);
    const list = async () =>
      (
        JSON.parse((await runWasbox(['runs', '--json'], options)).out) as {
          runs: { id: string; status: string }[];
        }
      ).runs;
    // The sandbox takes a moment to end.
    await expect
      .poll(async () => (await list()).filter(({ status }) => status === 'running'))
      .toEqual([]);
    for (const { id } of await list()) await runWasbox(['apply', id], options);
    const gone = await runWasbox(['discard', '--all'], options);
    expect(gone.status, gone.err).toBe(0);
    for (const place of ['runs', 'saved'])
      expect(fs.readdirSync(join(state, 'wasbox', place))).toEqual([]);
    return (fs.readdirSync(cwd, { recursive: true }) as string[]).sort();
  } finally {
    execFileSync('umount', ['-l', state]);
  }
}

needs('root').describe('a state directory on a mount', () => {
  test.each(rows)(
    'loses nothing of an ended and a killed run on $name, as $as.label',
    async (row) => {
      expect(await savedAndKilled(row.as, row.name, () => {})).toEqual(['e', 'e/c', 'n']);
    },
  );

  test.each(identities())(
    'control: a layer that was taken away is missed, as $label',
    async (as) => {
      const takeAway = (state: string): void => {
        const saved = join(state, 'wasbox/saved');
        for (const id of fs.readdirSync(saved))
          fs.rmSync(join(saved, id, 'layers/0/upper'), { recursive: true });
      };
      expect(await savedAndKilled(as, 'tmpfs', takeAway)).toEqual(['a', 'd', 'd/c', 'n']);
    },
  );
});
