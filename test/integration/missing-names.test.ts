/**
 * Removing a name that is not there, in a place that is read-only: the kernel asks whether the mount can be
 * written to before it looks for the name (do_unlinkat() in fs/namei.c), in a sandbox and outside of one.
 */
import { describe, expect, test } from 'vitest';
import { identities } from '../support/identity.js';
import { needs } from '../support/needs.js';
import { makeProject } from '../support/project.js';
import { runProgram, runWasbox } from '../support/wasbox.js';

const script = `import errno, os, sys
top = sys.argv[1]
def attempt(what, call):
    try: call(); print(what, 'done')
    except OSError as e: print(what, errno.errorcode[e.errno])
attempt('unlink', lambda: os.unlink(top + '/missing'))
attempt('rmdir', lambda: os.rmdir(top + '/missing'))
attempt('rename', lambda: os.rename(top + '/missing', top + '/other'))
attempt('open', lambda: os.open(top + '/missing', os.O_RDONLY))
attempt('chmod', lambda: os.chmod(top + '/missing', 0o600))
attempt('mkdir', lambda: os.mkdir(top + '/there'))
`;
const before = ['unlink EROFS', 'rmdir EROFS', 'rename EROFS'];
const after = ['open ENOENT', 'chmod ENOENT', 'mkdir EEXIST'];

describe.each(identities())('a missing name, as $label', (as) => {
  const lay = () => ({
    shown: makeProject(as, { 'there/': '' }),
    cwd: makeProject(as, { 'attempt.py': script }),
  });

  test('is looked for after the mount, where that is read-only', async () => {
    const { shown, cwd } = lay();
    const run = async (option: string) => {
      const words = ['run', '-q', '--discard', option, shown, '--', 'python3', 'attempt.py', shown];
      return (await runWasbox(words, { as, cwd })).out.trim().split('\n');
    };
    expect(await run('--ro')).toEqual([...before, ...after]);
    // Where something can be written, it is looked for first, as in any directory.
    const looked = before.map((line) => line.replace('EROFS', 'ENOENT'));
    expect(await run('--cow')).toEqual([...looked, ...after]);
    expect(await run('--rw')).toEqual([...looked, ...after]);
  });

  test('rm -f takes it for what it is', async () => {
    const { shown, cwd } = lay();
    for (const path of [`${shown}/missing`, '/usr/missing', '/etc/missing']) {
      const words = ['run', '-q', '--discard', '--ro', shown, '--', 'rm', '-f', path];
      expect(await runWasbox(words, { as, cwd })).toMatchObject({ status: 0, err: '' });
    }
  });

  // The control is without a sandbox: a read-only bind mount, which root makes in a mount namespace.
  needs(as.uid === 0 ? 'root' : 'another identity').test(
    'the same outside, on a read-only mount',
    async () => {
      const { shown, cwd } = lay();
      const mounted = `mount --bind ${shown} ${shown} && mount -o remount,bind,ro ${shown} && exec python3 attempt.py ${shown}`;
      const run = await runProgram(['unshare', '-m', 'sh', '-c', mounted], { as, cwd });
      expect(run.out.trim().split('\n')).toEqual([...before, ...after]);
    },
  );
});
