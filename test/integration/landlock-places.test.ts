/**
 * Places that have no namespaces, made here: in each of them a run is isolated by Landlock, and its changes are reviewed
 * and applied. Only root can make them; the program runs as root and as the ordinary user there.
 */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { forkUntilRefused } from '../support/fork-until-refused.js';
import { everyone, type Identity, identities, ordinaryUser } from '../support/identity.js';
import { needs } from '../support/needs.js';
import { makeProject } from '../support/project.js';
import { runProgram, runWasbox, wasboxArgv } from '../support/wasbox.js';

const quote = (words: readonly string[]): string =>
  words.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');

/** A command as this user, in a place that root has made. */
const become = ({ uid, gid }: Identity, words: readonly string[]): string =>
  `setpriv --reuid ${uid} --regid ${gid} --clear-groups ${quote(words)}`;

/** A shell script for root that makes the place, and runs `command` in it. */
const places: Readonly<Record<string, (directory: string, command: string) => readonly string[]>> =
  {
    'user.max_user_namespaces=0': (_, command) => [
      ...['unshare', '--user', '--map-users=all', '--map-groups=all', 'sh', '-ec'],
      `echo 0 >/proc/sys/user/max_user_namespaces; ${command}`,
    ],
    'a chroot': (directory, command) => [
      ...['unshare', '--mount', 'sh', '-ec'],
      `mkdir ${directory}/root; mount --rbind / ${directory}/root; chroot ${directory}/root sh -ec ${quote([`cd ${directory}/project; ${command}`])}`,
    ],
  };

const script = 'echo new >added; test ! -r /etc/shadow; ! kill -0 $PPID; id -u';

needs('root').describe.each(Object.keys(places))('%s', (name) => {
  const root = { uid: 0, gid: 0 };

  test.each(everyone())('runs are isolated by Landlock, as $label', async (as) => {
    const place = makeProject(as, { 'project/text': 'one\n', 'state/': '' });
    const cwd = join(place, 'project');
    const env = { XDG_STATE_HOME: join(place, 'state'), PWD: cwd };
    const inside = (words: readonly string[]) =>
      runProgram(places[name]?.(place, become(as, wasboxArgv(as, words))) ?? [], {
        as: { ...as, ...root },
        cwd,
        env,
      });
    // The control, outside; and a start that is recorded there must not be all that is tried inside.
    const outside = await runProgram(
      ['sh', '-c', become(as, wasboxArgv(as, ['run', '--', 'sh', '-ec', 'id -u']))],
      { as: { ...as, ...root }, cwd, env },
    );
    expect([outside.status, outside.err]).toEqual([0, '']);
    const run = await inside(['run', '--', 'sh', '-ec', script]);
    expect(run.err).toContain('isolated by Landlock');
    expect([run.status, fs.existsSync(join(cwd, 'added'))], run.err).toEqual([0, false]);
    expect(run.out).not.toBe('0\n');
    fs.rmSync(join(place, 'root'), { recursive: true, force: true });
    const applied = await inside(['apply']);
    expect([applied.status, fs.readFileSync(join(cwd, 'added'), 'utf8')]).toEqual([0, 'new\n']);
  });
});

needs('root').test('root that cannot become another user is told so', async () => {
  const [as] = identities();
  if (as === undefined) throw new Error('no identity');
  const cwd = makeProject(as, {});
  const argv = [
    ...['setpriv', '--bounding-set', '-setuid', '--inh-caps', '-setuid', '--'],
    ...wasboxArgv(as, ['run', '--isolation', 'landlock', '--', 'true']),
  ];
  const run = await runProgram(argv, { as, cwd });
  expect([run.status, run.err]).toEqual([
    125,
    expect.stringMatching(/root cannot become another user.*\n.*--user 1000/),
  ]);
});

needs('root').test('--pids counts on top of what the user has in other containers', async () => {
  const as = ordinaryUser();
  const place = makeProject(as, { 'project/': '', 'state/': '' });
  const others = 'for n in $(seq 30); do sleep 1000 & done; echo ready >../ready; wait';
  const run = ['run', '-q', '--discard', '--isolation', 'landlock', '--pids', '20', '--'];
  const program = become(
    as,
    wasboxArgv(as, [...run, '/usr/bin/python3', '-c', forkUntilRefused()]),
  );
  // The kernel counts for each user namespace: here without what other tests start as the same user. The other
  // processes are in no /proc that the run sees.
  const script = [
    'mkfifo -m 666 ../ready',
    `${become(as, ['setsid', 'sh', '-c', others])} & others=$!`,
    'read line <../ready',
    `unshare --pid --fork --mount-proc sh -ec ${quote([program])} || echo failed`,
    'kill -KILL -$others',
  ].join('; ');
  const argv = ['unshare', '--user', '--map-users=all', '--map-groups=all', 'sh', '-ec', script];
  const ended = await runProgram(argv, {
    as: { ...as, uid: 0, gid: 0 },
    cwd: join(place, 'project'),
    env: { XDG_STATE_HOME: join(place, 'state'), PWD: join(place, 'project') },
  });
  // Up to two threads of wasbox's own are the user's as well: one answers calls, one looks at what a busy run uses.
  expect(ended, ended.err).toMatchObject({
    status: 0,
    out: expect.stringMatching(/^(18|19|20)\n$/),
  });
});

/** As root, a run's copies are below /var/tmp, and what it changed is moved, or copied, to the state directory. */
needs('root').test(
  'changes are saved on another file system, with what apply never makes',
  async () => {
    const as = everyone().find(({ label }) => label === 'root') as Identity;
    const place = makeProject(as, { 'project/a': 'one\n', 'state/': '' });
    const program = 'mkfifo f; mkdir d; mkfifo d/f; echo x >d/x; ln -s a l; rm a';
    const run = [...['run', '-q', '--isolation', 'landlock'], ...['--', 'sh', '-c', program]];
    const script = [
      `mount -t tmpfs none ${place}/state`,
      become(as, wasboxArgv(as, run)),
      become(as, wasboxArgv(as, ['diff', '--name-only'])),
    ].join('; ');
    const ended = await runProgram(['unshare', '--mount', 'sh', '-ec', script], {
      as,
      cwd: join(place, 'project'),
      env: { XDG_STATE_HOME: join(place, 'state'), PWD: join(place, 'project') },
    });
    expect([ended.status, ended.err, ended.out]).toEqual([0, '', 'a\nd\nd/f\nd/x\nf\nl\n']);
  },
);

needs('root').test(
  'names of one file stay names of one file in a state directory elsewhere',
  async () => {
    const [as] = identities();
    if (as === undefined) throw new Error('no identity');
    const state = fs.mkdtempSync('/dev/shm/wasbox-test-');
    try {
      const cwd = makeProject(as, { text: 'one\n' });
      expect(fs.statSync(state).dev).not.toBe(fs.statSync('/var/tmp').dev); // where root's copy lies
      const run = (...words: readonly string[]) =>
        runWasbox(words, { as, cwd, env: { XDG_STATE_HOME: state } });
      const made = 'mkdir d e; echo 1 >e/a; ln e/a e/b; ln e/a d/c; ln text other; echo two >>text';
      const { status, err } = await run('run', '--isolation', 'landlock', '--', 'sh', '-c', made);
      expect(status, err).toBe(0);
      expect((await run('apply')).status).toBe(0);
      const inodes = ['e/a', 'e/b', 'd/c'].map((name) => fs.statSync(join(cwd, name)).ino);
      expect(new Set(inodes).size).toBe(1);
      expect(fs.readFileSync(join(cwd, 'other'), 'utf8')).toBe('one\ntwo\n');
    } finally {
      fs.rmSync(state, { recursive: true, force: true });
    }
  },
);
