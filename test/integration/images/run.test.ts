/** `wasbox run --image`: an image is the root, and its configuration counts as it does for Docker. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { listTree, treeDigest } from '../../support/host.js';
import { type Identity, identities, ordinaryUser } from '../../support/identity.js';
import { makeProject } from '../../support/project.js';
import { imageId, rootDirectory, storeImage } from '../../support/root-image.js';
import { runWasbox } from '../../support/wasbox.js';

async function output(as: Identity, cwd: string, args: readonly string[]): Promise<string> {
  const { out, err, status } = await runWasbox(['run', ...args], { as, cwd });
  expect([err, status]).toEqual(['', 0]);
  return out;
}

describe.each(identities())('as $label', (as) => {
  const directory = rootDirectory(as, { 'etc/os-release': 'ID=tiny\n' });
  const image = ['--image', `dir:${directory}`];

  test('the root is the image, and nothing else of the host is there', async () => {
    const project = makeProject(as, { 'mine.txt': 'host\n' });
    const before = treeDigest(directory);
    const { out, err } = await runWasbox(
      [
        'run',
        '--discard',
        ...image,
        '-c',
        'ls /; cat /etc/os-release mine.txt; ls /etc; echo x > /etc/x; echo y > /y',
      ],
      { as, cwd: project },
    );
    const [home = ''] = as.home.split('/').filter((name) => name !== '');
    const top = [
      ...new Set([
        'bin',
        'dev',
        'etc',
        'proc',
        'run',
        'sys',
        'tmp',
        'var',
        home,
        project.split('/')[1] ?? '',
      ]),
    ];
    expect(out.split('\n')).toEqual([
      ...top.sort(),
      'ID=tiny',
      'host',
      ...['group', 'hosts', 'os-release', 'passwd', ''],
    ]);
    expect(err.match(/Read-only file system/g)).toHaveLength(2);
    expect(treeDigest(directory)).toBe(before);
  });

  test('the working directory is reviewed as ever', async () => {
    const project = makeProject(as, { 'mine.txt': 'host\n' });
    await runWasbox(['run', ...image, '-c', 'echo more >> mine.txt; echo new > new.txt'], {
      as,
      cwd: project,
    });
    expect(fs.readFileSync(join(project, 'mine.txt'), 'utf8')).toBe('host\n');
    const applied = await runWasbox(['apply'], { as, cwd: project });
    expect(applied.status).toBe(0);
    expect(fs.readFileSync(join(project, 'mine.txt'), 'utf8')).toBe('host\nmore\n');
    expect(fs.readFileSync(join(project, 'new.txt'), 'utf8')).toBe('new\n');
  });

  test('--cow / lets the program write to the root, and nothing of it stays', async () => {
    const project = makeProject(as);
    const before = treeDigest(directory);
    const args = [
      ...image,
      '--cow',
      '/',
      '--discard',
      '-c',
      'echo x > /etc/os-release; rm /etc/group; echo y > /y; cat /etc/os-release /y; ls /etc',
    ];
    const expected = 'x\ny\nhosts\nos-release\npasswd\n';
    expect(await output(as, project, args)).toBe(expected);
    expect(treeDigest(directory)).toBe(before);
    expect(await output(as, project, args)).toBe(expected);
  });

  test('layers are one tree: whiteouts hide, upper files win, programs are found in it', async () => {
    const project = makeProject(as);
    const { directories } = storeImage(
      as,
      'layers:1',
      [
        {
          files: {
            'app/a': 'lower\n',
            'app/b': 'lower\n',
            'opt/tool.sh': '#!/bin/sh\necho tool $1\n',
            'opt/old.sh': '#!/bin/sh\n',
          },
        },
        { files: { 'app/b': 'upper\n' }, gone: ['opt/old.sh', 'home', 'var'] },
      ],
      { Env: ['PATH=/bin:/opt', 'COLOUR=blue'] },
    );
    const before = directories.map((one) => listTree(one));
    const layered = ['--image', 'layers:1', '--discard'];
    expect(
      await output(as, project, [...layered, '-c', 'cat /app/a /app/b; echo $COLOUR $PATH']),
    ).toBe('lower\nupper\nblue /bin:/opt\n');
    expect(await output(as, project, [...layered, '--', 'tool.sh', 'x'])).toBe('tool x\n');
    const gone = await runWasbox(['run', ...layered, '--', 'old.sh'], { as, cwd: project });
    expect([gone.status, gone.err]).toEqual([
      127,
      expect.stringContaining("nor in the image's PATH"),
    ]);
    expect(directories.map((one) => listTree(one))).toEqual(before);
  });
});

describe('the configuration of an image', () => {
  const as = ordinaryUser();
  const show = '#!/bin/sh\necho "$(id -u):$(id -g) $(pwd) $PWD [$*]"\n';
  const store = (name: string, config: Readonly<Record<string, unknown>>) =>
    storeImage(
      as,
      name,
      [{ files: { 'opt/show.sh': show, 'app/own.sh': show, 'app/x': '' } }],
      config,
    );

  test.each([
    [
      'nothing given',
      { Entrypoint: ['/opt/show.sh'], Cmd: ['a', 'b'], WorkingDir: '/app' },
      [],
      '0:0 /app /app [a b]\n',
    ],
    [
      'a command takes the place of Cmd',
      { Entrypoint: ['/opt/show.sh'], Cmd: ['a'] },
      ['--', 'c', '-d'],
      '0:0 HERE HERE [c -d]\n',
    ],
    [
      'another entry point takes Cmd with it',
      { Entrypoint: ['/bin/false'], Cmd: ['a'] },
      ['--entrypoint', '/opt/show.sh'],
      '0:0 HERE HERE []\n',
    ],
    [
      'no entry point',
      { Entrypoint: ['/bin/false'], Cmd: ['a'] },
      ['--entrypoint', '', '--', '/opt/show.sh', 'z'],
      '0:0 HERE HERE [z]\n',
    ],
    [
      'a path from the WorkingDir',
      { WorkingDir: '/app' },
      ['--', './own.sh', '1'],
      '0:0 /app /app [1]\n',
    ],
    [
      '--chdir is more than WorkingDir',
      { WorkingDir: '/app', Cmd: ['/opt/show.sh'] },
      ['--chdir', '.'],
      '0:0 HERE HERE []\n',
    ],
    [
      'a WorkingDir that is not there',
      { WorkingDir: '/new/one', Cmd: ['/opt/show.sh'] },
      [],
      '0:0 /new/one /new/one []\n',
    ],
    ['a user by name', { User: 'node', Cmd: ['/opt/show.sh'] }, [], '1000:1001 HERE HERE []\n'],
    [
      'a user and a group',
      { User: 'node:crew', Cmd: ['/opt/show.sh'] },
      [],
      '1000:1234 HERE HERE []\n',
    ],
    [
      'ids without an account',
      { User: '77:88', Cmd: ['/opt/show.sh'] },
      [],
      '77:88 HERE HERE []\n',
    ],
    [
      '--root is more than User',
      { User: 'node', Cmd: ['/opt/show.sh'] },
      ['--root'],
      '0:0 HERE HERE []\n',
    ],
  ] as const)('%s', async (name, config, args, expected) => {
    const project = makeProject(as);
    const reference = `c${name.replaceAll(/[^a-z]/g, '')}:1`;
    store(reference, config);
    const out = await output(as, project, ['--image', reference, ...args]);
    expect(out).toBe(expected.replaceAll('HERE', project));
  });

  test('a script of the working directory is run by the interpreter of the image, and starts here', async () => {
    const project = makeProject(as, {
      's.sh': '#!/bin/sh\necho "$0 $1 in $(pwd), $(cat /etc/group)"\n',
      'n.py': 'print(1)\n',
      'b.sh': '#!/bin/bash\n',
    });
    store('script:1', { Entrypoint: ['/bin/false'], WorkingDir: '/app' });
    const image = ['--image', 'script:1'];
    expect(await output(as, project, [...image, 's.sh', 'a'])).toBe(
      `s.sh a in ${project}, crew:x:1234:\n`,
    );
    // The host has both of them; the image has neither.
    const python = await runWasbox(['run', ...image, 'n.py'], { as, cwd: project });
    expect([python.status, python.err]).toEqual([
      127,
      expect.stringContaining("not in the image's PATH"),
    ]);
    const bash = await runWasbox(['run', ...image, 'b.sh'], { as, cwd: project });
    expect([bash.status, bash.err]).toEqual([127, expect.stringContaining('not in the image')]);
  });

  test('the payload is the user who runs wasbox outside, whichever user it is inside', async () => {
    const project = makeProject(as);
    store('who:1', { User: 'node', Cmd: ['sh', '-c', 'echo x > made'], Env: ['PATH=/bin'] });
    await output(as, project, ['-q', '--image', 'who:1', '--rw', project]);
    const { uid, gid } = fs.statSync(join(project, 'made'));
    expect([uid, gid]).toEqual([as.uid, as.gid]);
  });

  test('is named in one line where a part of it is not there', async () => {
    const project = makeProject(as);
    store('nobody:1', { User: 'ghost', Cmd: ['/opt/show.sh'] });
    store('empty:1', {});
    const error = async (...args: string[]) => {
      const { status, err } = await runWasbox(['run', ...args], { as, cwd: project });
      return [status, err.split('\n')[0]];
    };
    expect(await error('--image', 'nobody:1')).toEqual([
      125,
      expect.stringContaining('user ghost'),
    ]);
    expect(await error('--image', 'empty:1')).toEqual([
      125,
      expect.stringContaining('names no command'),
    ]);
    expect(await error('--image', `dir:${project}/none`, 'x')).toEqual([
      125,
      expect.stringContaining('no such directory'),
    ]);
    expect(await error('--image', 'dir:/', 'x')).toEqual([
      125,
      expect.stringContaining("this machine's own root"),
    ]);
    expect(await error('--entrypoint', 'x', '--', 'true')).toEqual([
      125,
      expect.stringContaining('needs --image'),
    ]);
    expect(await error('--isolation', 'landlock', '--image', 'empty:1', 'x')).toEqual([
      125,
      expect.stringContaining('not available with Landlock'),
    ]);
  });

  test('a start is repeated only with the image that it was recorded with', async () => {
    const project = makeProject(as);
    const said = async () =>
      await output(as, project, ['--image', 'moving:1', '--', 'cat', '/which']);
    const layers = (which: string) => [{ files: {} }, { files: { which } }];
    storeImage(as, 'moving:1', layers('one\n'), { Env: ['PATH=/bin'] });
    expect([await said(), await said(), await said()]).toEqual(['one\n', 'one\n', 'one\n']);
    const { directories } = storeImage(as, 'moving:1', layers('two\n'), { Env: ['PATH=/bin'] });
    expect([await said(), await said()]).toEqual(['two\n', 'two\n']);
    // A layer in place of another one of that name, and one that is gone.
    const [top = ''] = directories;
    fs.renameSync(top, `${top}-away`);
    fs.cpSync(`${top}-away`, top, { recursive: true });
    fs.writeFileSync(join(top, 'which'), 'three\n');
    expect([await said(), await said()]).toEqual(['three\n', 'three\n']);
    fs.rmSync(top, { recursive: true });
    const lost = await runWasbox(['run', '--image', 'moving:1', '--', 'cat', '/which'], {
      as,
      cwd: project,
    });
    expect([lost.status, lost.out]).toEqual([125, '']);
  });

  test('an audit says that the image is read-only, and its advice works', async () => {
    const project = makeProject(as);
    store('audited:1', { Env: ['PATH=/bin'] });
    const args = ['--image', 'audited:1', '--', 'sh', '-c', 'echo x > /app/x'];
    const refused = await runWasbox(['run', '--audit', '--json', ...args], { as, cwd: project });
    const { calls } = JSON.parse(refused.err.slice(refused.err.indexOf('{'))).refusals;
    expect(calls).toContainEqual(expect.objectContaining({ target: '/app/x', option: '--cow /' }));
    await output(as, project, ['--cow', '/', ...args]);
  });

  test('report and dry run name the image and its digest', async () => {
    const project = makeProject(as);
    store('named:1', { Cmd: ['/opt/show.sh'] });
    const reported = await runWasbox(['run', '--image', 'named:1', '--json'], { as, cwd: project });
    expect(JSON.parse(reported.err).sandbox.image).toEqual({
      reference: 'docker.io/library/named:1',
      id: imageId,
    });
    const dry = await runWasbox(['run', '--image', 'named:1', '--dry-run'], { as, cwd: project });
    expect(dry.out).toContain(`docker.io/library/named:1 (${imageId})`);
  });
});
