/**
 * Processes of the host, by a mount of proc(5) in a directory that is shown, as in a chroot; and the whole
 * file system. Mounts take root: they are made in a mount namespace of their own, and wasbox runs as the
 * user in it.
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

/** Tells of each process that it sees below a directory; and what lies beside them. */
const attack = `cat "$1"/proc/[0-9]*/cmdline "$1"/*/proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' '
ls "$1" "$1"/*; cat "$1"/beside; exit 0`;

/** Runs a script with a process to be seen, `sleep 4711`, and a `chroot` that shows it once `mounted` is called. */
function inNamespace(script: string, cwd: string, chroot: string, env: Record<string, string>) {
  const user = `setpriv --reuid=${as.uid} --regid=${as.gid} --clear-groups`;
  const prelude = `user() { ${user} "$@"; }
mounted() { mount -t proc proc ${shellQuote(join(chroot, 'proc'))}; }
${user} sleep 4711 </dev/null >/dev/null 2>&1 & seen=$!
trap 'kill $seen' EXIT
`;
  return runProgram(['unshare', '-m', 'sh', '-ec', prelude + script], {
    as: { ...as, uid: 0, gid: 0 },
    cwd,
    env: { ...env, HOME: as.home },
  });
}

const quoted = (words: readonly string[]): string => words.map(shellQuote).join(' ');

needs('root').describe('a mount of proc(5) in what is shown', () => {
  function setUp() {
    const cwd = makeProject(as);
    const holder = makeProject(as, { beside: 'control\n', 'chroot/proc/': '' }, 'holder');
    fs.writeFileSync(join(holder, 'chroot/beside'), 'control\n');
    return { cwd, holder, chroot: join(holder, 'chroot') };
  }

  test.each([
    ['--ro', 'chroot'],
    ['--rw', 'chroot'],
    ['--ro', '.'],
    ['--rw', '.'],
  ])('%s of it (%s) shows no process of the host', async (option, what) => {
    const { cwd, holder, chroot } = setUp();
    const env = { XDG_STATE_HOME: makeProject(as, {}, 'state') };
    const shown = join(holder, what);
    const command = ['--', 'sh', '-c', attack, 'sh', '/mnt/c'];
    const words = ['run', '--discard', option, `${shown}:/mnt/c`, ...command];
    for (const argv of [wasboxArgv(as, words), [nativeOf(as), ...words]]) {
      const run = await inNamespace(`mounted; user ${quoted(argv)}`, cwd, chroot, env);
      expect(run.out.includes('control'), run.err).toBe(true);
      expect(run.out.includes('4711')).toBe(false);
    }
    // Control: outside it is to be seen.
    const outside = quoted(['sh', '-c', attack, 'sh', shown]);
    const control = await inNamespace(`mounted; user ${outside}`, cwd, chroot, env);
    expect(control.out.includes('4711')).toBe(true);
  });

  test('cannot be shown itself', async () => {
    const { cwd, chroot } = setUp();
    const env = { XDG_STATE_HOME: makeProject(as, {}, 'state') };
    for (const path of ['proc', 'proc/self/status', 'proc/1']) {
      const words = wasboxArgv(as, ['run', '--ro', `${join(chroot, path)}:/mnt/c`, '--', 'true']);
      const run = await inNamespace(`mounted; user ${quoted(words)}`, cwd, chroot, env);
      expect([run.status, run.err.includes('proc(5)')], run.err).toEqual([125, true]);
    }
  });

  test('is noticed without a new recording if it was made after a start was recorded', async () => {
    const { cwd, holder, chroot } = setUp();
    const fastpath = makeFastpath(as);
    await fastpath.run(['run', '--', 'true'], { cwd });
    // A file: a start that shows a directory is never recorded.
    const words = [fastpathOf(as), 'run', '--ro', join(holder, 'beside'), '--', 'true'];
    const command = `user ${quoted(words)}
      echo "nodes $(wc -l <${shellQuote(join(fastpath.state, '../../marks'))})"\n`;
    const script = `${command}${command}mounted\n${command}`;
    const run = await inNamespace(script, cwd, chroot, { ...fastpath.env, PWD: cwd });
    // The first and the last through Node; the second was made again.
    const nodes = [...run.out.matchAll(/nodes (\d+)/g)].map(([, count]) => Number(count));
    const [first = 0, second = 0, third = 0] = nodes;
    expect([second - first, third - second], run.out).toEqual([0, 1]);
  });
});

describe.each(identities())('the whole file system, as $label', (who) => {
  test.each(['--ro', '--rw'])('cannot be shown by %s', async (option) => {
    const cwd = makeProject(who);
    const words = (path: string) => ['run', option, `${path}:/mnt/c`, '--', 'ls', '/mnt/c'];
    for (const path of ['/', '/usr/..']) {
      const run = await runWasbox(words(path), { as: who, cwd });
      expect([run.status, run.out]).toEqual([125, '']);
      expect(run.err).toContain('the whole file system cannot be mounted');
    }
    // Control: a directory of it can.
    const shown = makeProject(who, { beside: '' }, 'shown');
    expect((await runWasbox(words(shown), { as: who, cwd })).out).toContain('beside');
  });
});
