/**
 * Hard cases by file system. Each is mounted by root in a mount namespace of its own, so that the
 * machine sees nothing of it, and goes with it; in it wasbox runs as root and as an ordinary user.
 * The oracle is what a plain shell sees in that namespace.
 */
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { everyone } from '../../support/identity.js';
import { needs } from '../../support/needs.js';
import { makeProject } from '../../support/project.js';
import { nativeOf } from '../../support/two-ways.js';
import { type Ended, runProgram } from '../../support/wasbox.js';

const ignoreCase = fileURLToPath(new URL('ignore_case.py', import.meta.url));

/** The changes of each case: edit, delete, create, move a directory. */
const edit = 'echo run >> a; rm d/b; echo n > new; mkdir e; echo x > e/x; mv d f; chmod 700 e';
const edited = ['./a: a run', './e/x: x', './f/c: c', './new: n'];

needs('root').describe.each(everyone())('file systems, as $label', (as) => {
  /** Runs a script in a mount namespace: `w` is the tree, `user` runs as the identity, `wasbox` too. */
  async function within(mount: string, script: string): Promise<Ended> {
    const base = makeProject(as, { 'w/': '', 'low/': '', 'up/': '', 'work/': '', 'state/': '' });
    const own = as.uid === 0 ? '' : `setpriv --reuid=${as.uid} --regid=${as.gid} --clear-groups`;
    const text = `set -u
base=${base}; w=$base/w; export HOME=${as.home} XDG_STATE_HOME=$base/state PATH=$PATH
user() { ${own} "$@"; }
wasbox() { user ${process.execPath} ${as.cli} "$@"; }
native() { user ${nativeOf(as)} "$@"; }
show() { user find . -type f -exec sh -c 'for f; do echo "$f: $(tr "\\n" " " < "$f" | sed "s/ $//")"; done' sh {} + | sort; }
fill() { echo a > a; mkdir d; echo b > d/b; echo c > d/c; chown -R ${as.uid}:${as.gid} .; }
(${mount}) || exit 99
chown ${as.uid}:${as.gid} $w 2>/dev/null
cd $w
${script}`;
    const root = everyone().find((one) => one.uid === 0) ?? as;
    const argv = [
      'unshare',
      '--mount',
      '--propagation',
      'private',
      '--mount-proc',
      '--pid',
      '--fork',
      '--kill-child',
    ];
    const ended = await runProgram([...argv, '/bin/bash', '--norc', '-c', text], {
      as: root,
      cwd: base,
    });
    expect(ended.status, ended.err).not.toBe(99);
    return ended;
  }

  const kinds: Record<string, string> = {
    tmpfs: 'mount -t tmpfs none $w',
    'overlayfs itself':
      'mount -t overlay none -o lowerdir=$base/low,upperdir=$base/up,workdir=$base/work $w',
    'FUSE (bindfs)': 'bindfs -o allow_other $base/low $w',
    'a bind mount': 'mount --bind $base/low $w',
  };
  test.each(Object.entries(kinds))('%s: like any other', async (name, mount) => {
    // Their mounts take no id map, without which root would be root inside.
    const refused = as.uid === 0 && /FUSE|overlayfs/.test(name);
    const run = await within(
      mount,
      `fill; before=$(show); wasbox run -q -- sh -ec '${edit}' || echo failed
       [ "$(show)" = "$before" ] || echo changed; wasbox apply >/dev/null || echo refused; show; wasbox runs`,
    );
    if (refused) {
      expect(run.out).toMatch(/^failed\n/);
      expect(run.out).not.toContain('changed');
      expect(run.err).toContain('Run wasbox as the ordinary user who owns the files.');
      return;
    }
    expect(run.err).not.toContain('cannot');
    expect(run.out.trim().split('\n')).toEqual([...edited, 'No saved changes.']);
  });

  test('a link into another mount points outside (43)', async () => {
    const run = await within(
      `mkdir $w/m $w/d; echo secret > $base/low/f; chown ${as.uid}:${as.gid} $w/m $w/d`,
      `wasbox run -q -- sh -ec 'ln -s m/f out; ln -s m/new new; ln -s m mount; ln -s d/f fine'
       mount --bind $base/low $w/m; wasbox apply >/dev/null; ls | grep -v '^[dm]$'`,
    );
    expect(run.out, run.err).toBe('fine\n');
    for (const name of ['out', 'new', 'mount'])
      expect(run.err).toContain(
        `${name}: not applied automatically: the symbolic link points outside`,
      );
  });

  test('a state directory on FUSE, which keeps removed files until they are closed', async () => {
    const run = await within(
      `chown ${as.uid}:${as.gid} $base/low; bindfs -o allow_other $base/low $base/state`,
      `fill; wasbox run --isolation namespaces -- true; echo "status $?"
       wasbox run --isolation namespaces -- sh -c 'echo run >> a'; echo "status $?"; wasbox runs
       ls -A $base/state/wasbox/runs
       if [ ${as.uid} != 0 ]; then
         wasbox run -q --isolation landlock -- sh -c 'echo run >> a'; wasbox diff | grep '^+run'
         wasbox discard >/dev/null; echo "status $?"; wasbox runs; ls -A $base/state/wasbox/runs
       fi; cat a`,
    );
    expect(run.err).not.toContain('internal error');
    const why =
      as.uid === 0 ? /does not support id-mapped mounts/g : /FUSE cannot hold the upper layer/g;
    expect(run.err.match(why), run.err).toHaveLength(2);
    const refused = 'status 125\nstatus 125\nNo saved changes.\n';
    const discarded = as.uid === 0 ? '' : '+run\nstatus 0\nNo saved changes.\n';
    expect(run.out).toBe(`${refused}${discarded}a\n`);
  });

  test('a start that the native command repeats, with a state directory that is on FUSE by then', async () => {
    const words = "run -q --isolation namespaces -- sh -c 'exit 4'";
    const run = await within(
      `chown ${as.uid}:${as.gid} $base/low; mount --bind $base/low $base/state`,
      `for n in 1 2 3; do native ${words}; echo "status $?"; done
       umount -l $base/state; bindfs -o allow_other $base/low $base/state
       for n in 1 2 3; do native ${words} 2>told; echo "status $? $(grep -c 'wasbox: ' told)"; done
       ls -A $base/state/wasbox/runs`,
    );
    // One message says why it does not run, and nothing is left of it.
    expect(run.out).toBe(`${'status 4\n'.repeat(3)}${'status 125 1\n'.repeat(3)}`);
  });

  test('read-only: the run works, and apply refuses each path', async () => {
    const run = await within(
      `(cd $base/low; echo a > a; mkdir d; echo b > d/b; echo c > d/c; chown -R ${as.uid}:${as.gid} .); mount --bind $base/low $w; mount -o remount,bind,ro $w`,
      `wasbox run -q -- sh -ec 'echo run >> a; echo n > new; cat a'
       wasbox apply; echo "status $?"; show; wasbox diff --name-only`,
    );
    expect(run.out).toBe('a\nrun\nstatus 3\n./a: a\n./d/b: b\n./d/c: c\na\nnew\n');
    expect(run.err.match(/EROFS/g)).toHaveLength(2);
  });

  test('case-insensitive: a name in another case is the same file', async () => {
    const run = await within(
      `/usr/bin/python3 ${ignoreCase} $base/low $w & for i in $(seq 600); do mountpoint -q $w && break; sleep 0.1; done; mountpoint -q $w`,
      `echo a > Name; chown -R ${as.uid}:${as.gid} .
       wasbox run -- sh -c 'cat NAME; echo run >> Name; echo other > name2' ; echo "status $?"
       wasbox apply; echo "status $?"; ls; cat nAME; wasbox discard --all >/dev/null 2>&1; cd /; umount $w`,
    );
    // The kernel may refuse such a layer; then nothing starts, and it says so.
    if (run.out.includes('status 125')) {
      expect(run.err).toMatch(/cannot (mount|share)/);
      expect(run.out).toContain('Name\na\n');
    } else {
      expect(run.err).not.toContain(': not applied');
      expect(run.out).toMatch(/Name\nname2\na\nrun\n/);
      expect(run.out.match(/status 0/g)).toHaveLength(2);
    }
  });

  test('several mount points: a run does not change what is mounted inside', async () => {
    const run = await within(
      'mkdir $w/sub; mount -t tmpfs none $w/sub; echo s > $w/sub/s; chmod -R a+rwX $w/sub',
      `fill; wasbox run -- sh -c 'echo run >> a; echo x > sub/s; echo y > sub/t; echo ran'; echo "status $?"
       wasbox apply; cat sub/s; ls sub; wasbox discard --all >/dev/null 2>&1; cat a`,
    );
    // The other file system stays as it is, whatever the run wrote at its place.
    expect(run.out).toContain('s\ns\n');
    if (run.out.includes('status 125')) {
      expect(run.err).toContain('mount points inside');
      expect(run.out).not.toContain('ran');
      expect(run.out.endsWith('\na\n')).toBe(true);
    } else {
      expect(run.out).toContain('ran');
      expect(run.err).toMatch(/sub\/[st]: not applied: it is on another mount/);
      expect(run.out.endsWith('a\nrun\n')).toBe(true);
    }
  });

  test('a full disk during the run: the program gets an error, and its changes are saved', async () => {
    const run = await within(
      'mount -t tmpfs -o size=2m none $base/state; chmod 777 $base/state',
      `fill; mkdir -p $base/state; wasbox run -- sh -c 'echo run >> a; head -c 8m /dev/zero > big || echo full; echo more >> a'
       echo "status $?"; show; wasbox runs | wc -l; wasbox diff --stat >&2; wasbox apply no-such-path >&2; wasbox discard --all; echo "status $?"; wasbox runs`,
    );
    expect(run.out).toContain('full\n');
    expect(run.out).toContain('./a: a\n./d/b: b\n./d/c: c\n');
    expect(run.out.trim().split('\n').slice(-3)).toEqual([
      expect.stringMatching(/^discarded /),
      'status 0',
      'No saved changes.',
    ]);
    expect(run.err).not.toMatch(/at .*\.js:\d+|internal error/);
    // Control: there is no room for the notes that comparing takes.
    expect(run.err).toContain('No space is left in');
  });

  test('a full state directory: nothing starts, and the message names it', async () => {
    const run = await within(
      'mount -t tmpfs -o size=64k,nr_inodes=3 none $base/state; chmod 777 $base/state',
      `fill; wasbox run -- sh -c 'echo ran'; echo "status $?"; show`,
    );
    expect(run.out).toBe('status 125\n./a: a\n./d/b: b\n./d/c: c\n');
    expect(run.err).toContain('state directory');
  });

  test('a full disk during apply: what does not fit is refused and stays complete', async () => {
    const run = await within(
      'mount -t tmpfs -o size=1m none $w',
      `fill; head -c 300k /dev/zero > old; chown ${as.uid}:${as.gid} old
       wasbox run -q -- sh -ec 'head -c 900k /dev/zero | tr "\\0" x > big; head -c 800k /dev/zero | tr "\\0" y > old; echo run >> a; echo s > small'
       wasbox apply; echo "status $?"; cat a small; wc -c < old; ls -A; rm -f old; wasbox apply big; wc -c < big`,
    );
    expect(run.err).toContain('big: not applied: no space is left');
    const lines = run.out.split('\n').filter((line) => !/^(modified|added)/.test(line));
    expect(lines).toEqual([
      'status 3',
      'a',
      'run',
      's',
      '307200',
      'a',
      'd',
      'old',
      'small',
      '921600',
      '',
    ]);
  });
});
