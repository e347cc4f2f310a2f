/**
 * A state directory on overlayfs, as in a container: overlayfs cannot write to it, so layers are in memory until a run
 * ends. The place is made here, of a user namespace with an overlay that holds the home and the state directory.
 */
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import { type Identity, ordinaryUser } from '../support/identity.js';
import { needs } from '../support/needs.js';
import { makeProject } from '../support/project.js';
import { type Ended, runProgram, wasboxArgv } from '../support/wasbox.js';

const quote = (words: readonly string[]): string =>
  words.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');

const note = 'changes are in memory until the run ends';

/** The users as whom wasbox runs in the namespace, whose root is the user that made it. */
const callers: Readonly<Record<string, readonly string[]>> = {
  "a namespace's root": [],
  'a user in it': ['unshare', '--user', '--map-user=1000', '--map-group=1000', '--'],
};

/** Returns what a shell script with wasbox says in a project whose state directory is on an overlay, or beside it. */
async function inPlace(
  as: Identity,
  script: string,
  {
    become = [],
    state = 'root/state',
    room,
  }: { become?: readonly string[]; state?: string; room?: string } = {},
): Promise<Ended> {
  const place = makeProject(as, {
    'disk/': '',
    'root/': '',
    'lower/project/kept': 'one\n',
    'lower/project/removed': 'gone\n',
    'lower/project/replaced/old': 'old\n',
    'lower/project/refilled/old': 'old\n',
    'lower/project/refilled/older': 'older\n',
    'lower/home/': '',
  });
  const wasbox = quote([...become, ...wasboxArgv(as, [])]);
  const mounted = [
    ...(room === undefined ? [] : [`mount -t tmpfs -o size=${room} disk disk`]),
    // All on one file system: else an overlay gives a directory that was written to another number.
    'mkdir disk/upper disk/work disk/state',
    'mount -t overlay root -o userxattr,lowerdir=lower,upperdir=disk/upper,workdir=disk/work root',
    `export HOME=$PWD/root/home XDG_STATE_HOME=$PWD/${state}`,
    `wasbox() { ${wasbox} "$@"; }`,
    `alone() { exec ${wasbox} "$@"; }`, // a process of its own, whose ID is $!
    'cd root/project',
    script,
  ].join('\n');
  return runProgram(['unshare', '--user', '--map-root-user', '--mount', 'sh', '-ec', mounted], {
    as,
    cwd: place,
    env: { PWD: place },
  });
}

/** All kinds of changes; the modes make them harder to copy. */
const changing = `
  echo two >>kept
  rm removed
  rm -r replaced; mkdir replaced; echo new >replaced/new
  rm -r refilled; mkdir refilled; echo brief >refilled/old; rm refilled/old; echo last >refilled/older
  echo added >added; ln added linked; ln -s added symbolic
  mkdir closed; echo in it >closed/file; chmod 400 closed/file; chmod 500 closed
  mkdir shut; echo shut >shut/file; chmod 0 shut/file shut; echo shut >0; chmod 0 0
  echo shut >shut1; ln shut1 shut2; chmod 0 shut1
  echo marked >marked; python3 -c "import os; os.setxattr(\\"marked\\", \\"user.wasbox.test\\", b\\"x\\")"
  mkdir -m 2750 group; mkfifo pipe
  truncate -s 3G sparse
  echo mine >~/mine`;

/** Lists what is in the project and its home, without times. */
const listing =
  'find . ~ -mindepth 1 -printf "%P %y %m %n %s %l\\n" | sort; cat kept replaced/* refilled/*';
const review = `
  ${listing}
  wasbox run -- sh -ec '${changing}'
  ${listing}
  wasbox diff
  wasbox apply || true
  wasbox apply ~/mine
  cat ~/mine
  ${listing}
  test added -ef linked; cat closed/file
  test shut1 -ef shut2; chmod 700 shut shut/file shut1; cat shut/file shut1`;

/** Ids and numbers of a run that differ from one to the next. */
const withoutIds = (text: string): string =>
  text.replaceAll(/\b[0-9a-z]{9}\b/g, 'ID').replaceAll(/project-\d+-\d+/g, 'PLACE');

describe.each(Object.entries(callers))('on overlayfs, as %s', (_, become) => {
  const as = ordinaryUser();

  test('a changed file is shown and applied as anywhere else', async () => {
    const [overlay, disk] = [
      await inPlace(as, review, { become }),
      await inPlace(as, review, { become, state: 'disk/state' }),
    ];
    expect(disk.err).not.toContain(note);
    expect(overlay.err).toContain(`${note}, and lost if wasbox is killed: `);
    expect([disk.status, overlay.status], overlay.err).toEqual([0, 0]);
    // The control: what was removed is in the diff, and the closed file came through.
    expect(disk.out).toContain('-gone');
    expect(disk.out).toMatch(/in it\nshut\nshut\n$/);
    expect(disk.out).toContain('deleted  refilled/old\n');
    expect(disk.out).toContain('marked: extended attributes');
    // The line comes by the second apply, when the first had written to a directory of the image.
    expect(disk.out).toContain('\nmine\n');
    expect(withoutIds(overlay.out)).toBe(withoutIds(disk.out));
    expect(withoutIds(overlay.err.replace(/^.*in memory until.*\n/m, ''))).toBe(
      withoutIds(disk.err),
    );
  });

  test('a run that changes nothing leaves nothing', async () => {
    const { status, out, err } = await inPlace(
      as,
      'wasbox run -q -- true; wasbox run -q --discard -- sh -c "echo x >x"; wasbox runs; ls -A $XDG_STATE_HOME/wasbox/runs',
      { become },
    );
    expect([status, out], err).toEqual([0, 'No saved changes.\n']);
  });
});

describe('layers in memory', () => {
  const as = ordinaryUser();
  const { test } = needs('ordinary user');

  test('are lost if wasbox is killed, and the next run works', async () => {
    const script = `
      mkfifo ../ready
      alone run -q -- sh -c 'echo x >added; echo ready; exec sleep 1000' >../ready & run=$!
      read line <../ready
      kill -KILL $run; wait $run || echo killed
      test ! -e added; wasbox runs
      wasbox run -q -- sh -c 'echo y >added'; wasbox diff | grep '^+y'`;
    const run = await inPlace(as, script);
    expect([run.status, run.out], run.err).toEqual([
      0,
      expect.stringMatching(/^killed\n.*\+y\n$/s),
    ]);
  });

  test('hold no more than the limit on disk space', async () => {
    const run = await inPlace(
      as,
      `wasbox run --disk 4M -- sh -c 'for n in $(seq 64); do head -c 1M /dev/zero >$n || exit 7; done' 2>&1 || echo ended $?`,
    );
    expect(run.out).toContain('No space left on device');
    expect(run.out).toMatch(/ended 7\n$/);
  });

  /** More than the state directory has room for. */
  const much = 'head -c 6M /dev/urandom';
  const room = '4M';

  test('are lost as a whole if they do not fit, and only the home is saved', async () => {
    const script = `
      mkdir ../second; echo old >../second/file
      wasbox run -- sh -c 'echo small >small'; wasbox apply >/dev/null
      wasbox run --cow $PWD/../second -- sh -c 'echo new >added; ${much} >../second/file'; echo ended $?
      wasbox runs
      wasbox run --cow $PWD/../second -- sh -c '${much} >added; echo new >../second/file; echo more >~/more'; echo ended $?
      ls -A $XDG_STATE_HOME/wasbox/runs
      wasbox diff; cat small`;
    const run = await inPlace(as, script, { room });
    expect(run.status, run.err).toBe(0);
    // The program's own status; what was lost is told beside it.
    expect(run.out).toContain('ended 0\nNo saved changes.\nended 0\n');
    expect(run.err.match(/the disk is full/g)).toHaveLength(2);
    expect(run.out).toMatch(/\+more\nsmall\n$/);
    expect(run.out).not.toMatch(/added|second/);
    expect(run.err).toContain('lost, except those to its home: the disk is full');
  });

  test('leave nothing in the library if they do not fit, and its process goes on', async () => {
    const program = `
      import { getEventListeners } from 'node:events';
      import { readdirSync } from 'node:fs';
      import { run } from '${pathToFileURL(join(dirname(as.cli), 'index.js'))}';
      const { signal } = new AbortController();
      const error = await run({ command: 'sh', args: ['-c', '${much} >added'], changes: 'keep', signal }).catch((error) => error);
      const left = readdirSync(process.env.XDG_STATE_HOME + '/wasbox/runs');
      console.log(error.code, left.length, getEventListeners(signal, 'abort').length);
      const next = await run({ command: 'sh', args: ['-c', 'echo x >added'], changes: 'keep', signal });
      console.log(next.exitCode, next.changes?.disposition);`;
    const script = `cat >../program.mjs <<'end'\n${program}\nend\n${quote([process.execPath])} ../program.mjs`;
    const run = await inPlace(as, script, { room });
    expect([run.status, run.out], run.err).toEqual([0, 'ERR_STATE_DIR 0 0\n0 kept\n']);
  });

  test('need no room if they are discarded', async () => {
    const script = `
      wasbox run --discard --report ../report -- sh -c '${much} >added; rm removed'
      grep -A9 '"changes"' ../report
      wasbox run --discard -- sh -c '${much} >added; exit 3' || echo ended $?
      ls -A $XDG_STATE_HOME/wasbox/runs`;
    const run = await inPlace(as, script, { room });
    expect(run.status, run.err).toBe(0);
    expect(run.out).toMatch(
      /"discarded",.*"added": 1,.*"deleted": 1\n.*"sizeBytes": 6291456,.*\nended 3\n$/s,
    );
    // The control: only a successful run is discarded.
    expect(run.err).toContain('the disk is full');
  });

  test('are not available with --continue and in sessions', async () => {
    const script = `
      wasbox run -q -- sh -c 'echo y >added'
      wasbox run --continue -- true || echo no continuing
      wasbox session start --name one || echo no session`;
    const run = await inPlace(as, script);
    expect(run.out).toContain('no continuing\nno session\n');
    expect(run.err).toContain('--continue is not available here');
    expect(run.err).toContain('cannot keep a session');
    expect(run.err).toContain('XDG_STATE_HOME=DIR');
  });

  needs('root').test('are not for root, whose files have other owners inside', async () => {
    const root: Identity = { ...as, uid: 0, gid: 0 };
    const place = makeProject(root, { 'disk/': '', 'lower/project/': '' });
    const mounted = [
      'mount -t tmpfs disk disk; mkdir disk/upper disk/work disk/state root',
      'mount -t overlay root -o lowerdir=lower,upperdir=disk/upper,workdir=disk/work root',
      `mkdir disk/project; cd disk/project; XDG_STATE_HOME=${join(place, 'root/state')}; export XDG_STATE_HOME`,
      `wasbox() { ${quote(wasboxArgv(as, []))} run -- sh -c 'echo x >added'; }`,
      'wasbox || status=$?',
      // Looked for here, where the overlay is mounted. The control is a run whose state directory is beside it.
      'find ../../root/state -name layers',
      `XDG_STATE_HOME=${join(place, 'disk/state')}; wasbox`,
      'find ../state -name layers | wc -l; exit $status',
    ].join('\n');
    const run = await runProgram(['unshare', '--mount', 'sh', '-ec', mounted], {
      as: root,
      cwd: place,
    });
    expect([run.status, run.out], run.err).toEqual([125, '1\n']);
    expect(run.err).toMatch(/cannot share .*state.* with a program that is not root/);
  });
});
