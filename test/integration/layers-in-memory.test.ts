/**
 * A state directory on overlayfs, as in a container: overlayfs cannot write to it, so layers are in memory until a run
 * ends. The place is made here, of a user namespace with an overlay that holds the home and the state directory.
 */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Identity, ordinaryUser, underRoot } from '../support/identity.js';
import { makeProject } from '../support/project.js';
import { type Ended, runProgram, wasboxArgv } from '../support/wasbox.js';

const quote = (words: readonly string[]): string =>
  words.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');

const note = 'changes are in memory until the run ends';

/** As which user wasbox runs in the namespace, whose root is the user that made it. */
const callers: Readonly<Record<string, readonly string[]>> = {
  "a namespace's root": [],
  'a user in it': ['unshare', '--user', '--map-user=1000', '--map-group=1000', '--'],
};

/** What a shell script with wasbox says in a project whose state directory is on an overlay, or beside it. */
async function inPlace(
  as: Identity,
  script: string,
  { become = [], state = 'root/state' }: { become?: readonly string[]; state?: string } = {},
): Promise<Ended> {
  const place = makeProject(as, {
    'disk/': '',
    'root/': '',
    'lower/project/kept': 'one\n',
    'lower/project/removed': 'gone\n',
    'lower/project/replaced/old': 'old\n',
    'lower/home/': '',
  });
  const wasbox = quote([...become, ...wasboxArgv(as, [])]);
  const mounted = [
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
  echo added >added; ln added linked; ln -s added symbolic
  mkdir closed; echo in it >closed/file; chmod 400 closed/file; chmod 500 closed
  mkdir -m 2750 group; mkfifo pipe
  truncate -s 3G sparse
  echo mine >~/mine`;

/** What is in the project and its home, without times. */
const listing = 'find . ~ -mindepth 1 -printf "%P %y %m %n %s %l\\n" | sort; cat kept replaced/*';
const review = `
  ${listing}
  wasbox run -- sh -ec '${changing}'
  ${listing}
  wasbox diff
  wasbox apply || true
  wasbox apply ~/mine
  cat ~/mine
  ${listing}
  test added -ef linked; cat closed/file`;

/** Ids and numbers of a run that differ from one to the next. */
const withoutIds = (text: string): string =>
  text.replaceAll(/\b[0-9a-z]{9}\b/g, 'ID').replaceAll(/project-\d+-\d+/g, 'PLACE');

describe.each(Object.entries(callers))('on overlayfs, as %s', (_, become) => {
  const as = ordinaryUser();

  test('what a run changed is shown and applied as anywhere else', async () => {
    const [overlay, disk] = [
      await inPlace(as, review, { become }),
      await inPlace(as, review, { become, state: 'disk/state' }),
    ];
    expect(disk.err).not.toContain(note);
    expect(overlay.err).toContain(`${note}, and lost if wasbox is killed: `);
    expect([disk.status, overlay.status], overlay.err).toEqual([0, 0]);
    // The control: what was removed is in the diff, and the closed file came through.
    expect(disk.out).toContain('-gone');
    expect(disk.out).toContain('in it\n');
    // By the second apply, when the first had written to a directory of the image.
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

  test.runIf(underRoot)('are not for root, whose files have other owners inside', async () => {
    const root: Identity = { ...as, uid: 0, gid: 0 };
    const place = makeProject(root, { 'disk/': '', 'lower/project/': '' });
    const mounted = [
      'mount -t tmpfs disk disk; mkdir disk/upper disk/work disk/state root',
      'mount -t overlay root -o lowerdir=lower,upperdir=disk/upper,workdir=disk/work root',
      `mkdir disk/project; cd disk/project; XDG_STATE_HOME=${join(place, 'root/state')}; export XDG_STATE_HOME`,
      quote(wasboxArgv(as, ['run', '--', 'true'])),
    ].join('\n');
    const run = await runProgram(['unshare', '--mount', 'sh', '-ec', mounted], {
      as: root,
      cwd: place,
    });
    expect([run.status, fs.existsSync(join(place, 'root/state'))]).toEqual([125, false]);
    expect(run.err).toMatch(/cannot share .*state.* with a program that is not root/);
  });
});
