/**
 * Places that lack something: `run` and `doctor` say the same of each, in words of its own, with what to
 * do. The control is the same place without the obstacle.
 */
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import type { RunReport } from '../../src/index.js';
import { everyone, type Identity, ordinaryUser } from '../support/identity.js';
import { needs } from '../support/needs.js';
import { compilePayload } from '../support/payload.js';
import { makeProject } from '../support/project.js';
import { runProgram, wasboxArgv } from '../support/wasbox.js';

interface Place {
  readonly as: Identity;
  readonly cwd: string;
  readonly state: string;
}

function makePlace(as: Identity): Place {
  const cwd = makeProject(as);
  compilePayload(as, 'deny', cwd);
  return { as, cwd, state: makeProject(as, {}, 'state') };
}

/** Returns what a run and doctor say where their commands begin with `before`. */
async function both({ as, cwd, state }: Place, before: readonly string[]) {
  const options = { as, cwd, env: { XDG_STATE_HOME: state, STATE: state }, timeoutMs: 120_000 };
  const within = (args: readonly string[]) =>
    runProgram([...before, process.execPath, as.cli, ...args], options);
  const run = await within(['run', '--discard', '--json', '-c', 'echo ran']);
  const doctor = await within(['doctor', '--json']);
  expect(doctor.err).toBe('');
  const { ready, findings } = JSON.parse(doctor.out);
  const found = findings.at(-1);
  expect(found.name).toBe('a run');
  // The verdict is that of doctor's own run, and of this one.
  const works = run.status === 0;
  expect([ready, doctor.status, found.verdict !== 'missing']).toEqual([
    works,
    works ? 0 : 1,
    works,
  ]);
  return { run, found };
}

/** A mount namespace of the user's own, in which `obstacle` has its way before wasbox is started. */
const mounted = (obstacle: string, map = '--map-current-user') => [
  ...['unshare', '--user', '--mount', ...map.split(' '), '--keep-caps', 'sh', '-ec'],
  `${obstacle}\nexec setpriv --ambient-caps=-all --inh-caps=-all "$@"`,
  'sh',
];

const readOnly = 'mount --bind "$STATE" "$STATE"; mount -o remount,bind,ro "$STATE"';
const layered = `mkdir -p up work
  mount -t overlay -o "lowerdir=$STATE,upperdir=up,workdir=work,userxattr" overlay "$STATE"`;
const nobody = '--map-user=54321 --map-group=54321';

type Obstacle = readonly [name: string, before: readonly string[], words: string, fix: string];

const withoutNamespaces: readonly Obstacle[] = [
  [
    'a part of /proc hidden',
    mounted('mount -t tmpfs none /proc/fs'),
    'cannot mount /proc',
    'docker run',
  ],
  [
    'no namespaces',
    [
      ...['unshare', '--user', '--map-current-user', '--keep-caps', 'sh', '-ec'],
      ...['echo 0 > /proc/sys/user/max_user_namespaces; exec "$@"', 'sh'],
    ],
    'limit on namespaces',
    'sysctl user.max_user_namespaces',
  ],
];

/** A run goes on without namespaces and says so; with namespaces asked for it says what is in the way. */
async function expectLandlock(place: Place, ...[, before, words, fix]: Obstacle): Promise<void> {
  const { run, found } = await both(place, before);
  expect([run.out, run.status], run.err).toEqual(['ran\n', 0]);
  for (const text of [run.err, found.detail]) expect(text).toContain('isolated by Landlock');
  const { as, cwd, state } = place;
  const argv = ['run', '--isolation', 'namespaces', '--discard', '-c', 'echo ran'];
  const asked = await runProgram([...before, process.execPath, as.cli, ...argv], {
    as,
    cwd,
    env: { XDG_STATE_HOME: state, STATE: state },
  });
  expect([asked.out, asked.status]).toEqual(['', 125]);
  expect(asked.err).toContain(words);
  expect(asked.err).toContain(fix);
}

const asUser = needs('ordinary user');

asUser.describe('no sandbox can be made', () => {
  let place: Place;
  beforeAll(() => {
    place = makePlace(ordinaryUser());
  });

  test.each([
    [
      'a read-only state directory',
      mounted(readOnly),
      'its file system is read-only',
      'XDG_STATE_HOME=',
    ],
    [
      'a state directory without extended attributes',
      mounted('mount -t ramfs none "$STATE"'),
      'no user extended attributes',
      'XDG_STATE_HOME=',
    ],
    ['no /proc', mounted('mount -t tmpfs none /proc'), '/proc is not mounted', 'mount -t proc'],
    [
      'no home',
      mounted('unset HOME XDG_STATE_HOME', nobody),
      'user 54321 has no account',
      'XDG_STATE_HOME=',
    ],
    [
      'a home of another user',
      mounted('unset XDG_STATE_HOME; HOME=/usr/nothing', nobody),
      'permission denied',
      'XDG_STATE_HOME=',
    ],
  ])('%s', async (_, before, words, fix) => {
    const { run, found } = await both(place, before);
    expect([run.status, run.out]).toEqual([125, '']);
    // An error that was found before there was a spec has no report.
    for (const text of [run.err, found.detail]) expect(text).toContain(words);
    for (const text of [run.err, found.fix]) expect(text).toContain(fix);
    expect(run.err).not.toMatch(/internal error/);
  });

  // Where Linux has Landlock, as on the machines that run these tests.
  test.each(withoutNamespaces)(
    '%s: isolated by Landlock, unless namespaces are asked for',
    async (...row) => {
      await expectLandlock(place, ...row);
    },
  );

  test('control: nothing is in the way', async () => {
    for (const map of ['--map-current-user', nobody]) {
      const { run, found } = await both(place, mounted(':', map));
      expect([run.out, run.status, found]).toEqual([
        'ran\n',
        0,
        { name: 'a run', verdict: 'good', detail: 'works' },
      ]);
    }
    // A /dev/shm of its own, in which nothing stays behind.
    const memory = 'mount -t tmpfs none /dev/shm; export XDG_STATE_HOME=$(mktemp -d -p /dev/shm)';
    const there = mounted(memory);
    const other = mounted(`${layered}; ${memory}`);
    for (const before of [there, other]) {
      const { run } = await both(place, before);
      expect([run.out, run.err.includes('in memory')]).toEqual(['ran\n', false]);
    }
  });

  test('a state directory on overlayfs: changes are in memory', async () => {
    const { run, found } = await both(place, mounted(layered));
    expect([run.out, run.status, found.detail]).toEqual(['ran\n', 0, 'works']);
    expect(run.err).toContain('changes are in memory until the run ends');
    const { as, cwd, state } = place;
    const doctor = await runProgram([...mounted(layered), process.execPath, as.cli, 'doctor'], {
      as,
      cwd,
      env: { XDG_STATE_HOME: state, STATE: state },
    });
    expect(doctor.out).toContain("so a run's changes are in memory until it ends");
  });

  test('inside a sandbox of wasbox', async () => {
    const { as, cwd, state } = place;
    const dist = join(as.cli, '..');
    const options = { as, cwd, env: { XDG_STATE_HOME: state } };
    const run = (args: readonly string[]) =>
      runProgram(
        wasboxArgv(as, [
          'run',
          '-q',
          '--discard',
          '--ro',
          dist,
          '--',
          process.execPath,
          as.cli,
          ...args,
        ]),
        options,
      );
    const inner = await run(['run', 'true']);
    const doctor = await run(['doctor']);
    expect([inner.status, doctor.status]).toEqual([125, 1]);
    for (const text of [inner.err, doctor.out]) {
      expect(text).toContain('cannot run inside a wasbox sandbox');
      expect(text).toContain('un the inner command without wasbox');
    }
  });
});

needs('root').test('root without CAP_SYS_ADMIN can make no sandbox', async () => {
  const root = everyone().find(({ label }) => label === 'root');
  if (root === undefined) throw new Error('there is no root');
  const own = makePlace(root);
  const { run, found } = await both(own, ['setpriv', '--bounding-set=-sys_admin']);
  expect([run.status, run.out]).toEqual([125, '']);
  for (const text of [run.err, found.detail]) expect(text).toContain('root has no CAP_SYS_ADMIN');
  expect(found.fix).toContain('setpriv --reuid');
  const control = await both(own, ['setpriv', '--bounding-set=-sys_time']);
  expect(control.run.out).toBe('ran\n');
});

const x86 = process.arch === 'x64';
const [EPERM, ENOSYS, EDQUOT] = [1, 38, 122];
const keyctl = x86 ? 250 : 219;
const sethostname = x86 ? 170 : 161;
const sendto = x86 ? 44 : 206;
const sendmsg = x86 ? 46 : 211;

asUser.describe('a filter around wasbox forbids', () => {
  let place: Place;
  beforeAll(() => {
    place = makePlace(ordinaryUser());
  });
  const denying = (call: number, errno: number) => [
    join(place.cwd, 'deny'),
    `${call}`,
    `${errno}`,
    '-',
  ];

  test.each([['sethostname', sethostname, EPERM, "had this machine's host name"]])(
    '%s: the run goes on and says what it lacks',
    async (_, call, errno, words) => {
      const { run, found } = await both(place, denying(call, errno));
      expect([run.out, run.status]).toEqual(['ran\n', 0]);
      expect((JSON.parse(run.err) as RunReport).notes).toEqual([expect.stringContaining(words)]);
      expect(found).toMatchObject({ verdict: 'degraded', detail: expect.stringContaining(words) });
    },
  );

  test.each([
    ['sendto', sendto, EPERM],
    // The policy refuses key calls, so no keyring is made for the run: not even where there is no room for one.
    ['keyctl', keyctl, EPERM],
    ['keyctl, as a kernel without it', keyctl, ENOSYS],
    ['a keyring, for lack of quota', keyctl, EDQUOT],
  ])('%s: nothing is missing', async (_, call, errno) => {
    const { run, found } = await both(place, denying(call, errno));
    expect([run.out, (JSON.parse(run.err) as RunReport).notes]).toEqual(['ran\n', []]);
    expect(found.verdict).toBe('good');
  });

  // The calls that came with Linux 5.2 to 5.12: the same numbers on every processor.
  test.each([
    ['open_tree', 428],
    ['move_mount', 429],
    ['close_range', 436],
    ['mount_setattr', 442],
  ])('%s, as a kernel without it: nothing is started', async (_, call) => {
    const { run, found } = await both(place, denying(call, ENOSYS));
    expect([run.out, run.status]).toEqual(['', 125]);
    const words = 'a system call that a sandbox needs is missing here';
    for (const text of [run.err, found.detail]) expect(text).toContain(words);
    expect(found.fix).toContain('A system call filter around wasbox');
  });

  // These are needed for a file system of its own, and so for a /proc.
  test.each([
    ['fsopen', 430],
    ['fsconfig', 431],
    ['fsmount', 432],
  ])('%s, as a kernel without it: isolated by Landlock', async (name, call) => {
    const words = 'a system call that a sandbox needs is missing here';
    await expectLandlock(place, name, denying(call, ENOSYS), words, '');
  });

  test.each([['sendmsg', sendmsg, EPERM, 'sendmsg(2) is blocked here']])(
    '%s: nothing is started',
    async (_, call, errno, words) => {
      const { run, found } = await both(place, denying(call, errno));
      expect([run.out, run.status]).toEqual(['', 125]);
      for (const text of [run.err, found.detail]) expect(text).toContain(words);
      expect(found.fix).toBeTruthy();
    },
  );

  test.each([
    ['keyctl', EPERM],
    ['keyctl, as a kernel without it', ENOSYS],
    ['a keyring, for lack of quota', EDQUOT],
  ])('%s: nothing is started that may use keys', async (_, errno) => {
    const args = ['run', '--discard', '--allow', 'keyctl', '--', 'echo', 'ran'];
    const argv = [...denying(keyctl, errno), ...wasboxArgv(place.as, args)];
    const run = await runProgram(argv, { as: place.as, cwd: place.cwd });
    expect([run.out, run.status]).toEqual(['', 125]);
    expect(run.err).toContain('step keyring');
  });
});
