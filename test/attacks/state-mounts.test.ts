/**
 * The state directory under other paths than its own: bind mounts of what holds it, or of a part of it,
 * and that of the same user under other variables. Nothing of it is to be read or written. Bind mounts
 * take root: they are made in a mount namespace of their own, and wasbox runs as the user in it.
 */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { shellQuote } from '../../src/options/index.js';
import { fastpathOf, makeFastpath } from '../support/fastpath.js';
import { identities, ordinaryUser } from '../support/identity.js';
import { needs } from '../support/needs.js';
import { makeProject } from '../support/project.js';
import { nativeOf } from '../support/two-ways.js';
import { runProgram, runWasbox, wasboxArgv } from '../support/wasbox.js';

const as = ordinaryUser();

/** Tells what it sees of a saved run, and writes into what it finds of wasbox. */
const attack = `find "$1" 2>/dev/null | grep -E 'run.json|/made$'; grep -rs secret "$1"
for d in $(find "$1" -type d -name wasbox 2>/dev/null); do echo planted >"$d/planted"; mkdir -p "$d/saved/planted"; done
ls "$1"; cat "$1"/beside 2>/dev/null; exit 0`;

/** Runs a script as root in a mount namespace; in it, `user` runs what follows as the user. */
function inNamespace(script: string, cwd: string, env: Record<string, string>) {
  const user = `user() { setpriv --reuid=${as.uid} --regid=${as.gid} --clear-groups "$@"; }\n`;
  return runProgram(['unshare', '-m', 'sh', '-ec', user + script], {
    as: { ...as, uid: 0, gid: 0 },
    cwd,
    env: { ...env, HOME: as.home },
  });
}

/** A place that holds a state directory with one saved run. */
async function setUp() {
  const cwd = makeProject(as);
  const holder = makeProject(as, { beside: 'control\n', 'sub/': '' }, 'holder');
  const elsewhere = makeProject(as, { 'at/': '' }, 'elsewhere');
  const env = { XDG_STATE_HOME: join(holder, 'state') };
  const made = ['run', '--', 'sh', '-c', 'echo secret > made'];
  expect((await runWasbox(made, { as, cwd, env })).err).toContain('1 file added');
  const state = join(holder, 'state/wasbox');
  return { cwd, holder, elsewhere, env, state, at: join(elsewhere, 'at') };
}

needs('root').describe('a bind mount of what holds the state directory', () => {
  test.each([
    ['--ro', 'at'],
    ['--rw', 'at'],
    ['--ro', '.'],
    ['--rw', '.'],
  ])('%s of it (%s) shows nothing of it, and what is beside it', async (option, what) => {
    const { cwd, holder, elsewhere, env, state, at } = await setUp();
    const shown = join(elsewhere, what);
    const words = ['run', '--discard', option, shown, '--', 'sh', '-c', attack, 'sh', at];
    const run = (mounts: string) =>
      inNamespace(`${mounts}\nuser ${wasboxArgv(as, words).map(shellQuote).join(' ')}`, cwd, env);
    const { out, err } = await run(`mount --bind ${shellQuote(holder)} ${shellQuote(at)}`);
    expect(err).not.toContain('internal error');
    expect(out).toContain('control');
    expect(out).not.toMatch(/secret|run\.json|made/);
    for (const place of ['.', 'saved']) {
      expect(fs.readdirSync(join(state, place))).not.toContain('planted');
    }
    // Control: at that path it is to be seen, and written to, outside.
    const outside = ['sh', '-c', attack, 'sh', at].map(shellQuote).join(' ');
    const control = await inNamespace(
      `mount --bind ${shellQuote(holder)} ${shellQuote(at)}\nuser ${outside}`,
      cwd,
      env,
    );
    expect(control.out).toMatch(/secret/);
    expect(fs.readdirSync(state)).toContain('planted');
  });

  test.each(['plain', 'last', 'ätt', '\u65e5\u672c', 'a b\\c'])(
    'a run is found where the state directory is on a mount named %j',
    async (name) => {
      const { cwd, holder, elsewhere, at } = await setUp();
      const mounts = makeProject(as, { 'more/': '' }, 'mounts');
      const own = join(mounts, name);
      fs.mkdirSync(own);
      const env = { XDG_STATE_HOME: join(own, 'state') };
      const bind = (target: string) => `mount --bind ${shellQuote(holder)} ${shellQuote(target)}\n`;
      const words = ['run', '--discard', '--ro', elsewhere, '--', 'sh', '-c', attack, 'sh', at];
      for (const argv of [wasboxArgv(as, words), [nativeOf(as), ...words]]) {
        // More mounts put it behind the first pages of mountinfo.
        const more = `for i in $(seq 100); do mount -t tmpfs more ${shellQuote(join(mounts, 'more'))}; done\n`;
        const script = `${name === 'last' ? more : ''}${bind(own)}${bind(at)}user ${argv.map(shellQuote).join(' ')}`;
        const run = await inNamespace(script, cwd, env);
        expect(run.out, run.err).toContain('control');
        expect(run.out).not.toMatch(/secret|run\.json|made/);
      }
      // Control: outside it is to be seen.
      const outside = ['sh', '-c', attack, 'sh', at].map(shellQuote).join(' ');
      expect((await inNamespace(`${bind(at)}user ${outside}`, cwd, env)).out).toMatch(/secret/);
    },
  );

  test.each(['--cow', '--workdir'])('%s of it is refused', async (option) => {
    const { cwd, holder, env, at } = await setUp();
    const words = ['run', option, at, '--', 'true'];
    const run = await inNamespace(
      `mount --bind ${shellQuote(holder)} ${shellQuote(at)}\nuser ${wasboxArgv(as, words).map(shellQuote).join(' ')}`,
      cwd,
      env,
    );
    expect([run.status, run.err.includes("wasbox's state directory")], run.err).toEqual([
      125,
      true,
    ]);
  });

  test.each(['state/wasbox', 'state/wasbox/saved'])(
    'a mount of a part of it (%s) is as it itself',
    async (part) => {
      const { cwd, holder, elsewhere, env, at } = await setUp();
      const mount = `mount --bind ${shellQuote(join(holder, part))} ${shellQuote(at)}\n`;
      const wasbox = (...words: string[]) =>
        inNamespace(`${mount}user ${wasboxArgv(as, words).map(shellQuote).join(' ')}`, cwd, env);
      const itself = await wasbox('run', '--ro', at, '--', 'true');
      expect([itself.status, itself.err.includes('belongs to wasbox itself')], itself.err).toEqual([
        125,
        true,
      ]);
      const above = await wasbox(
        'run',
        '--discard',
        '--rw',
        elsewhere,
        '--',
        'sh',
        '-c',
        attack,
        'sh',
        elsewhere,
      );
      expect(above.out).toContain('at\n');
      expect(above.out).not.toMatch(/secret|run\.json|made/);
    },
  );

  test('is noticed without a new recording if it was made after a start was recorded', async () => {
    const cwd = makeProject(as);
    const fastpath = makeFastpath(as);
    // The mount is below a directory of the system's, which each run shows.
    const at = ['/usr/local/src', '/usr/local/games', '/usr/src', '/usr/games'].find(fs.existsSync);
    await fastpath.run(['run', '--', 'sh', '-c', 'echo secret > made'], { cwd });
    fs.writeFileSync(join(fastpath.state, '../beside'), '');
    const command = `user ${shellQuote(fastpathOf(as))} run --discard -- ls -R ${at} 2>/dev/null || true
      echo "nodes $(wc -l <${shellQuote(join(fastpath.state, '../../marks'))})"`;
    const script = `${command}
      ${command}
      mount --bind ${shellQuote(join(fastpath.state, '..'))} ${at}
      ${command}`;
    const run = await inNamespace(script, cwd, { ...fastpath.env, PWD: cwd });
    expect(run.out, run.err).toContain('beside');
    expect(run.out).not.toMatch(/run\.json|made/);
    // The first and the last through Node; the second was made again.
    const nodes = [...run.out.matchAll(/nodes (\d+)/g)].map(([, count]) => Number(count));
    const [first = 0, second = 0, third = 0] = nodes;
    expect([second - first, third - second], run.out).toEqual([0, 1]);
  });
});

describe.each(identities())('the state directory of other variables, as $label', (who) => {
  test.each(['--ro', '--rw'])('is not shown by %s', async (option) => {
    const cwd = makeProject(who);
    const home = makeProject(who, { beside: 'control\n' }, 'home');
    const other = { HOME: home, XDG_STATE_HOME: makeProject(who, {}, 'state') };
    const made = ['run', '--', 'sh', '-c', 'echo secret > made'];
    const wasbox = (args: string[], env: Record<string, string>) =>
      runProgram(['env', '-u', 'XDG_STATE_HOME', ...wasboxArgv(who, args)], { as: who, cwd, env });
    expect((await wasbox(made, { HOME: home })).err).toContain('1 file added');
    const state = join(home, '.local/state/wasbox');
    expect(fs.readdirSync(state)).toContain('saved');
    const words = ['run', '--discard', option, home, '--', 'sh', '-c', attack, 'sh', home];
    const run = await runWasbox(words, { as: who, cwd, env: other });
    expect(run.out, run.err).toContain('control');
    expect(run.out).not.toMatch(/secret|run\.json|made/);
    expect(fs.readdirSync(state)).not.toContain('planted');
    // Control: another directory of such a name is shown.
    fs.renameSync(state, `${state}.moved`);
    const control = await runWasbox(words, { as: who, cwd, env: other });
    expect(control.out).toContain('run.json');
  });
});
