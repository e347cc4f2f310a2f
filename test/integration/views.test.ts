/**
 * Views that plans can have and no option leads to yet: a root of the host's directories, several lower
 * directories, id maps of several ranges, and sandboxes without namespaces. The oracle is the host.
 */
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { HostView, View } from '../../src/resolve/index.js';
import { listTree, treeDigest } from '../support/host.js';
import { type Identity, identities, ordinaryUser } from '../support/identity.js';
import { needs } from '../support/needs.js';
import { type Planned, runPlanned } from '../support/planned.js';
import { makeProject } from '../support/project.js';

/** Debian's busybox-static: it runs in a root that has no library. */
const busybox = fs.readFileSync('/bin/busybox');

/** The directory of a run with two layers. */
function makeRun(as: Identity): string {
  const names = ['layers/0/upper/', 'layers/0/work/'];
  const all = [...names, ...names.map((name) => `trees/1/${name}`)];
  return makeProject(as, Object.fromEntries(all.map((name) => [name, ''])), 'run');
}

/** Two layers of an image: the upper one replaces a file and removes another. */
function makeImage(as: Identity): { upper: string; lower: string } {
  const files = { 'etc/both': 'lower\n', 'etc/lower': 'lower\n', 'etc/gone': 'lower\n' };
  const lower = makeProject(as, { ...files, 'bin/busybox': busybox }, 'lower');
  fs.chmodSync(join(lower, 'bin/busybox'), 0o755);
  const upper = makeProject(as, { 'etc/both': 'upper\n', 'etc/upper': 'upper\n' }, 'upper');
  // A whiteout, which overlayfs and anyone may make: mknod(2).
  execFileSync('mknod', [join(upper, 'etc/gone'), 'c', '0', '0']);
  return { upper, lower };
}

const privateAt = (target: string, mode: number): View => ({
  type: 'private',
  target,
  access: 'write',
  persistence: 'private',
  mode,
  origin: 'system',
});

const below: readonly View[] = [
  { type: 'proc', target: '/proc', sealed: [], hidden: [] },
  privateAt('/tmp', 0o1777),
  privateAt('/dev', 0o755),
  { type: 'device', name: 'null', target: '/dev/null' },
];

const copied = {
  type: 'host',
  access: 'copy-on-write',
  persistence: 'kept',
  directory: true,
} as const;
const shown = { type: 'host', access: 'read', persistence: 'host', directory: true } as const;

const sh = (script: string): string[] => ['/bin/busybox', 'sh', '-c', script];

/** Names below a directory, without the marks of overlayfs. */
const namesIn = (directory: string) => listTree(directory).map(({ path, kind }) => [path, kind]);

describe.each(identities())('a root of host directories, as $label', (as) => {
  // A user's own directories belong to it; root's are seen through id-mapped mounts.
  const image = makeImage(as);
  const rootOf = (upper: string, lower: string): HostView => ({
    ...copied,
    source: upper,
    lowers: [{ source: lower }],
    target: '/',
    origin: 'user',
  });

  test('several directories are one: the upper one wins, and a whiteout hides', async () => {
    const directory = makeRun(as);
    // The working directory's is the first.
    const [projectLayer, layer] = ['layers/0', 'trees/1/layers/0'].map((name) =>
      join(directory, name),
    ) as [string, string];
    const before = [treeDigest(image.upper), treeDigest(image.lower)];
    const project = makeProject(as, { 'mine.txt': 'host\n' });
    const run = await runPlanned(
      as,
      {
        views: [
          rootOf(image.upper, image.lower),
          ...below,
          { ...copied, source: project, target: '/inside/here', origin: 'workdir' },
        ],
        directory,
        writable: ['/'],
        cwd: '/inside/here',
      },
      sh(`cat /etc/both /etc/lower /etc/upper mine.txt; ls /etc
          echo new > /etc/new; echo more >> /etc/lower; rm /etc/upper; echo changed > mine.txt
          cat /etc/lower; ls -d / /inside/here; mkdir -p /opt/tool`),
    );
    expect([run.err, run.status]).toEqual(['', 0]);
    expect(run.out.split('\n')).toEqual([
      ...['upper', 'lower', 'upper', 'host'],
      ...['both', 'lower', 'upper'],
      ...['lower', 'more', '/', '/inside/here', ''],
    ]);
    // The host: both directories are as they were, and the layer has what was written, and nothing else.
    expect([treeDigest(image.upper), treeDigest(image.lower)]).toEqual(before);
    expect(namesIn(join(layer, 'upper'))).toEqual([
      ['etc', 'directory'],
      ['etc/lower', 'file'],
      ['etc/new', 'file'],
      ['etc/upper', 'other'],
      ['opt', 'directory'],
      ['opt/tool', 'directory'],
    ]);
    expect(fs.readFileSync(join(layer, 'upper/etc/lower'), 'utf8')).toBe('lower\nmore\n');
    expect(fs.readFileSync(join(project, 'mine.txt'), 'utf8')).toBe('host\n');
    expect(fs.readFileSync(join(projectLayer, 'upper/mine.txt'), 'utf8')).toBe('changed\n');

    // The control: the order decides, and so it is looked at.
    const turned = await runPlanned(
      as,
      {
        views: [rootOf(image.lower, image.upper), ...below],
        directory: makeRun(as),
        writable: ['/'],
      },
      sh('cat /etc/both /etc/gone'),
    );
    expect([turned.out, turned.err]).toEqual(['lower\nlower\n', '']);
  });

  test('a layer is written on again', async () => {
    const planned: Planned = {
      views: [rootOf(image.upper, image.lower), ...below],
      directory: makeRun(as),
      writable: ['/'],
    };
    expect((await runPlanned(as, planned, sh('echo 1 > /etc/count'))).status).toBe(0);
    expect((await runPlanned(as, planned, sh('cat /etc/count'))).out).toBe('1\n');
  });

  test('without a layer nothing can be written, and mount points are there all the same', async () => {
    const root: View = { ...rootOf(image.upper, image.lower), ...shown };
    const run = await runPlanned(
      as,
      { views: [root, ...below], writable: ['/', '/tmp'] },
      sh('cat /etc/both; ls /etc; echo x > /etc/new; echo x > /new; echo x > /tmp/y && ls /tmp'),
    );
    expect(run.out).toBe('upper\nboth\nlower\nupper\ny\n');
    expect(run.err.match(/Read-only file system/g)).toHaveLength(2);
  });

  test('forty directories are one', async () => {
    const names = Array.from({ length: 40 }, (_, i) => `n${String(i).padStart(2, '0')}`);
    const lowers = names.map((name) => ({
      source: makeProject(as, { [`all/${name}`]: '' }, 'part'),
    }));
    const root: HostView = {
      ...shown,
      source: image.upper,
      lowers: [...lowers, { source: image.lower }],
      target: '/',
      origin: 'user',
    };
    const run = await runPlanned(as, { views: [root, ...below], writable: [] }, sh('ls /all'));
    expect([run.out, run.err]).toEqual([`${names.join('\n')}\n`, '']);
  });

  test('a directory that is another one by now is refused', async () => {
    const lower = fs.statSync(image.lower, { bigint: true });
    const root = (ino: bigint) =>
      ({
        ...rootOf(image.upper, image.lower),
        ...shown,
        lowers: [{ source: image.lower, identity: { dev: lower.dev, ino } }],
      }) as View;
    const run = (ino: bigint) =>
      runPlanned(as, { views: [root(ino), ...below], writable: [] }, sh('echo in'));
    expect((await run(lower.ino)).out).toBe('in\n');
    const refused = await run(lower.ino + 1n);
    expect(JSON.parse(refused.err)).toEqual({ step: 'overlay', errno: 116, path: image.lower });
  });

  test('a read-only bind needs its mount points, and is not written to', async () => {
    const source = makeProject(as, { 'bin/busybox': busybox, 'etc/mine': 'host\n' }, 'tree');
    fs.chmodSync(join(source, 'bin/busybox'), 0o755);
    const root: HostView = {
      ...shown,
      source,
      target: '/',
      origin: 'user',
    };
    const planned: Planned = { views: [root, ...below], writable: ['/', '/tmp'] };
    const lacking = await runPlanned(as, planned, sh('true'));
    expect(JSON.parse(lacking.err)).toEqual({ step: 'mount-point', errno: 2, path: '/proc' });
    for (const name of ['proc', 'tmp', 'dev']) fs.mkdirSync(join(source, name));
    const before = treeDigest(source);
    const run = await runPlanned(
      as,
      planned,
      sh('cat /etc/mine; echo x > /etc/mine; rm -r /etc; echo x > /tmp/y && ls /tmp'),
    );
    expect(run.out).toBe('host\ny\n');
    expect(run.err).toContain('Read-only file system');
    expect(treeDigest(source)).toBe(before);
    // The control: the host's tree as root, to write to, is refused.
    const given: View = { ...root, access: 'write' };
    const open = await runPlanned(as, { ...planned, views: [given, ...below] }, sh('true'));
    expect(JSON.parse(open.err)).toEqual({ code: 'ERR_BACKEND' });
  });
});

needs('root').describe('id maps of several ranges', () => {
  const [as] = identities().filter(({ uid }) => uid === 0);
  const owners = [200_005, 300_003, 400_000];

  async function seen(maps: NonNullable<Planned['maps']>): Promise<string[]> {
    if (as === undefined) throw new Error('no root');
    const { upper, lower } = makeImage(as);
    const files = makeProject(as, { a: '', b: '', c: '' });
    for (const [i, name] of ['a', 'b', 'c'].entries()) {
      fs.chownSync(join(files, name), owners[i] ?? 0, owners[i] ?? 0);
    }
    const root: HostView = {
      ...shown,
      source: upper,
      lowers: [{ source: lower }],
      target: '/',
      origin: 'user',
    };
    const bind: View = {
      ...shown,
      source: files,
      target: '/shown',
      origin: 'user',
    };
    const { err, out } = await runPlanned(
      as,
      {
        views: [root, ...below, bind],
        writable: ['/tmp'],
        identity: { uid: 0, gid: 0, hostUid: 200_000, hostGid: 200_000, idmap: false },
        maps,
      },
      sh(`cat /proc/self/uid_map | tr -s ' '; stat -c '%u %g' /shown/*
          echo > /tmp/f; chown 1003 /tmp/f; chown 777777 /tmp/f`),
    );
    expect(err.match(/^chown: .*not permitted$/gm) ?? err).toHaveLength(2);
    return out.split('\n').map((line) => line.trim());
  }

  const first = { inside: 0, outside: 200_000, count: 1000 };
  const second = { inside: 1000, outside: 300_000, count: 10 };

  test('each owner on the host has the id of its range inside', async () => {
    expect(await seen({ uids: [first, second], gids: [first, second] })).toEqual([
      '0 200000 1000',
      '1000 300000 10',
      '5 5',
      '1003 1003',
      '65534 65534',
      '',
    ]);
    // The control: without the second range its owner is the user nobody.
    expect(await seen({ uids: [first], gids: [first, second] })).toEqual([
      '0 200000 1000',
      '5 5',
      '65534 1003',
      '65534 65534',
      '',
    ]);
  });
});

describe('a run without namespaces', () => {
  const as = ordinaryUser();

  test('Landlock is the wall, and the ids are those of the caller', async () => {
    const project = makeProject(as, { 'open/': '', 'closed/': '' });
    const script = `id -u; id -g; echo x > ${project}/open/file; echo x > ${project}/closed/file; cat ${project}/open/file`;
    const run = (writable: readonly string[]) =>
      runPlanned(as, { views: [], writable, cwd: project, namespaces: [] }, [
        '/bin/busybox',
        'sh',
        '-c',
        script,
      ]);
    const { out, err } = await run([join(project, 'open')]);
    expect(out).toBe(`${as.uid}\n${as.gid}\nx\n`);
    expect(err).toContain('Permission denied');
    expect(fs.readdirSync(join(project, 'open'))).toEqual(['file']);
    expect(fs.readdirSync(join(project, 'closed'))).toEqual([]);
    // The control: with a rule for it, it is written to.
    await run([project]);
    expect(fs.readdirSync(join(project, 'closed'))).toEqual(['file']);
  });

  needs('root').test("the host's root is not the payload's user", async () => {
    const [root] = identities().filter(({ uid }) => uid === 0);
    if (root === undefined) return;
    const { err } = await runPlanned(
      root,
      { views: [], writable: [], namespaces: [], identity: { uid: 0, gid: 0 } },
      ['/bin/busybox', 'true'],
    );
    expect(JSON.parse(err)).toMatchObject({ step: 'plan', errno: 22 });
  });
});
