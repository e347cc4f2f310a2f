/**
 * Images whose layout leads elsewhere: links and files in the places where the sandbox mounts something. The
 * oracle is the host: nothing of it is changed or seen.
 */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { treeDigest } from '../support/host.js';
import { type Identity, identities, ordinaryUser } from '../support/identity.js';
import { makeProject } from '../support/project.js';
import { link, rootDirectory, storeImage } from '../support/root-image.js';
import { runWasbox } from '../support/wasbox.js';

const places = ['proc', 'dev', 'sys', 'run', 'tmp', 'var', 'etc', 'mnt'];

/** Tries what a payload does at each of the places, and at all that it can name of the bait. */
const attack = (bait: string): string => `
  for at in ${places.join(' ')} ${bait.split('/')[1]}; do echo x > /$at/planted; mkdir /$at/made; cat /$at/secret; ls /$at | cat; done
  cat ${bait}/secret /proc/1/root${bait}/secret; echo x > ${bait}/planted
  echo self: $(cat /proc/self/comm); echo x > /dev/null; exit 0`;

/** An image with something at each place, and nothing of what the sandbox needs. */
function hostile(as: Identity, at: (path: string, name: string) => void): string {
  const image = rootDirectory(as);
  fs.rmSync(join(image, 'etc'), { recursive: true });
  for (const name of places) at(join(image, name), name);
  return image;
}

const makeBait = (as: Identity): string =>
  makeProject(
    as,
    {
      secret: 'host-secret\n',
      'pts/': '',
      'shm/': '',
      'user/': '',
      'tmp/': '',
      'devices/system/cpu/': '',
      hosts: 'host\n',
    },
    'bait',
  );

describe.each(identities())('an image as root, as $label', (as) => {
  const bait = makeBait(as);
  const upwards = `${'../'.repeat(12)}${bait.slice(1)}`;
  const inner = (image: string, path: string) => {
    fs.mkdirSync(join(image, path), { recursive: true });
    return path;
  };
  const layouts: readonly (readonly [string, string])[] = [
    ['absolute links', hostile(as, (path) => link(as, path, bait))],
    ['links upwards', hostile(as, (path) => link(as, path, upwards))],
    ['links through /proc', hostile(as, (path) => link(as, path, `/proc/1/root${bait}`))],
    ['links in circles', hostile(as, (path, name) => link(as, path, `/${name}`))],
    [
      'links to each other',
      hostile(as, (path, name) =>
        link(as, path, `/${places[(places.indexOf(name) + 1) % places.length]}`),
      ),
    ],
    ['files', hostile(as, (path) => fs.writeFileSync(path, 'a file\n'))],
    [
      'the same path with links in it',
      (() => {
        const image = rootDirectory(as);
        const [, top = ''] = bait.split('/');
        link(as, join(image, top), `/${inner(image, 'elsewhere')}`);
        return image;
      })(),
    ],
  ];

  test.each(layouts)('%s: the sandbox is whole, and the host as it was', async (_, image) => {
    const project = makeProject(as);
    const before = [treeDigest(bait), treeDigest(image)];
    const args = ['--discard', '--image', `dir:${image}`, '-c', attack(bait)];
    const run = await runWasbox(['run', ...args], { as, cwd: project });
    expect([run.status, run.out.includes('self: cat')]).toEqual([0, true]);
    expect(run.out + run.err).not.toContain('host-secret');
    expect([treeDigest(bait), treeDigest(image)]).toEqual(before);
    const writable = await runWasbox(['run', '--cow', '/', ...args], { as, cwd: project });
    expect([writable.status, writable.out.includes('self: cat')]).toEqual([0, true]);
    expect(writable.out + writable.err).not.toContain('host-secret');
    expect([treeDigest(bait), treeDigest(image)]).toEqual(before);
  });

  test('the control: what is shown is seen and written to', async () => {
    const project = makeProject(as);
    const open = makeBait(as);
    const run = await runWasbox(
      [
        'run',
        '-q',
        '--discard',
        '--image',
        `dir:${rootDirectory(as)}`,
        '--rw',
        open,
        '-c',
        attack(open),
      ],
      { as, cwd: project },
    );
    expect(run.out).toContain('host-secret');
    expect(fs.readFileSync(join(open, 'planted'), 'utf8')).toBe('x\n');
  });

  test("a link to a program of the host's is no program of the image", async () => {
    const project = makeProject(as);
    const image = rootDirectory(as);
    link(as, join(image, 'bin/outside'), '/usr/bin/id');
    const run = await runWasbox(['run', '--image', `dir:${image}`, '--', 'outside'], {
      as,
      cwd: project,
    });
    expect([run.status, run.out]).toEqual([127, '']);
    // The control: a link that leads to something in the image is one.
    link(as, join(image, 'usr/bin/id'), '/bin/busybox');
    const found = await runWasbox(['run', '--image', `dir:${image}`, '--', 'outside', 'true'], {
      as,
      cwd: project,
    });
    expect([found.status, found.err]).not.toEqual([127, run.err]);
  });
});

describe('the configuration of a hostile image', () => {
  const as = ordinaryUser();

  test("accounts are the image's own, whatever its files lead to", async () => {
    const project = makeProject(as);
    const bait = makeProject(as, { passwd: 'ghost:x:4242:4242::/:/bin/sh\n' }, 'bait');
    const store = (name: string, to?: string) => {
      const { directories } = storeImage(as, name, [{ files: {} }], {
        User: 'ghost',
        Cmd: ['/bin/id', '-u'],
      });
      const path = join(directories[0] ?? '', 'etc/passwd');
      fs.rmSync(path);
      if (to === undefined) fs.writeFileSync(path, 'ghost:x:4242:4242::/:/bin/sh\n');
      else link(as, path, to);
    };
    store('ghost-link:1', join(bait, 'passwd'));
    const run = await runWasbox(['run', '--image', 'ghost-link:1'], { as, cwd: project });
    expect([run.status, run.out]).toEqual([125, '']);
    expect(run.err).toContain('user ghost');
    // The control: with an account of its own it is that one.
    store('ghost-own:1');
    expect((await runWasbox(['run', '--image', 'ghost-own:1'], { as, cwd: project })).out).toBe(
      '4242\n',
    );
  });

  test.each(['/proc/self/fd/3', '/proc/1/cwd', '/dev/fd/7', '/sys/kernel'])(
    'a WorkingDir of %s is refused',
    async (workingDir) => {
      const project = makeProject(as);
      storeImage(as, 'start:1', [{ files: {} }], { WorkingDir: workingDir, Cmd: ['/bin/pwd'] });
      const run = await runWasbox(['run', '--image', 'start:1'], { as, cwd: project });
      expect([run.status, run.out]).toEqual([125, '']);
      expect(run.err).toContain(workingDir);
      // The control: the image runs where nothing is wrong with its WorkingDir.
      storeImage(as, 'start:1', [{ files: {} }], { WorkingDir: '/etc', Cmd: ['/bin/pwd'] });
      expect((await runWasbox(['run', '--image', 'start:1'], { as, cwd: project })).out).toBe(
        '/etc\n',
      );
    },
  );

  test('a link of the untrusted directory does not choose the image', async () => {
    const image = rootDirectory(as);
    const project = makeProject(as, {});
    link(as, join(project, 'image'), image);
    const run = await runWasbox(['run', '--image', 'dir:image', '--', 'pwd'], { as, cwd: project });
    expect([run.status, run.out]).toEqual([125, '']);
    expect(run.err).toContain('points outside');
    const named = await runWasbox(['run', '--image', `dir:${image}`, '--', 'pwd'], {
      as,
      cwd: project,
    });
    expect(named.out).toBe(`${project}\n`);
  });

  test("the image's variables do not steer wasbox", async () => {
    const project = makeProject(as);
    const trap = makeProject(as, { 'wasbox/': '' }, 'trap');
    storeImage(as, 'env:1', [{ files: {} }], {
      Env: [
        `XDG_STATE_HOME=${trap}`,
        'WASBOX=0',
        'HOME=/elsewhere',
        'LD_PRELOAD=/x.so',
        'PATH=/bin',
      ],
      Cmd: ['sh', '-c', 'echo $HOME $WASBOX'],
    });
    const run = await runWasbox(['run', '--image', 'env:1'], { as, cwd: project });
    expect(run.out).toBe(`${as.home} 1\n`);
    expect(fs.readdirSync(join(trap, 'wasbox'))).toEqual([]);
  });
});
