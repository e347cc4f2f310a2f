/** `wasbox image` as users type it: imported, listed, shown, run, removed. The oracle is the state directory. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, test } from 'vitest';
import { removeDirectory } from '../../../src/changes/index.js';
import { loadNative } from '../../../src/native/index.js';
import { identities, stateOf } from '../../support/identity.js';
import { madeServer } from '../../support/image-registry.js';
import { dockerArchive, tarOf } from '../../support/images.js';
import { makeProject } from '../../support/project.js';
import { runWasbox } from '../../support/wasbox.js';

const scratch = mkdtempSync(join(tmpdir(), 'wasbox-verbs-'));
execFileSync('chmod', ['755', scratch]);
afterAll(() => removeDirectory(loadNative().native, scratch));

describe.each(identities())('wasbox image as $label', (as) => {
  const image = async (...args: string[]) => {
    const cwd = makeProject(as);
    const { out, err, status } = await runWasbox(['image', ...args], { as, cwd });
    return { out, err, code: status };
  };
  const layers = (): string[] => {
    const path = join(stateOf(as), 'wasbox/images/layers');
    return existsSync(path) ? readdirSync(path) : [];
  };

  test('imports, lists, shows and removes an image', async () => {
    const archive = join(scratch, `${as.label.replace(/\W/g, '')}.tar`);
    const layer = await tarOf([{ name: 'of', data: as.label, mode: 0o4755 }]);
    const config = { Cmd: ['/of'], Env: ['A=\u001b[31mred'] };
    writeFileSync(archive, await dockerArchive({ layers: [layer], config }));
    const before = layers();
    const imported = await image('import', archive, '--name', 'example.com/mine:1');
    expect(imported).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^example.com\/mine:1 +[0-9a-f]{12}/),
    });
    expect(imported.err).toContain('1 files lost their set-user-ID or set-group-ID bits');
    expect(layers()).toHaveLength(before.length + 1);
    const listed = await image('ls', '--json');
    const { images } = JSON.parse(listed.out) as { images: { id: string; reference: string }[] };
    const id = images.find(({ reference }) => reference === 'example.com/mine:1')?.id ?? '';
    const shown = await image('inspect', 'example.com/mine:1');
    expect(shown.out).not.toContain('\u001b');
    expect(JSON.parse(shown.out)).toMatchObject({ images: [{ id, image: { config } }] });
    expect((await image('inspect', id.slice(7, 19))).out).toBe(shown.out);
    expect(await image('rm', 'example.com/mine:1')).toMatchObject({
      code: 0,
      out: 'removed example.com/mine:1\n',
    });
    expect(layers()).toEqual(before);
    const again = await image('rm', 'example.com/mine:1');
    expect(again).toMatchObject({
      code: 1,
      err: expect.stringContaining('The store has no image'),
    });
    expect(await image('prune')).toMatchObject({
      code: 0,
      out: 'removed 0 images, 0 layers, 0 leftovers\n',
    });
  });

  test('adds to directories that an image closes to their owner', async () => {
    const archives = await Promise.all([
      tarOf([
        { name: 'closed', type: 'directory', mode: 0o200 },
        { name: 'closed/unreadable', type: 'directory', mode: 0o311 },
        { name: 'closed/unreadable/deep', type: 'directory', mode: 0o750 },
      ]),
      tarOf([
        { name: 'closed/unreadable/deep/late', data: 'x' },
        { name: './', type: 'directory', mode: 0o644 },
      ]),
      tarOf([{ name: 'closed/unreadable/deep/later', data: 'x' }]),
    ]);
    const archive = join(scratch, 'closed.tar');
    writeFileSync(archive, await dockerArchive({ layers: archives }), { mode: 0o644 });
    const before = new Set(layers());
    expect(await image('import', archive, '--name', 'closed:1')).toMatchObject({ code: 0 });
    const made = layers().filter((name) => !before.has(name));
    expect(made).toHaveLength(3);
    // Opened on the way: an ordinary user could not look into them.
    const modesOf = (directory: string): number[] => {
      const mode = lstatSync(directory).mode & 0o7777;
      chmodSync(directory, mode | 0o700);
      const below = readdirSync(directory, { withFileTypes: true })
        .filter((entry) => entry.isDirectory())
        .flatMap((entry) => modesOf(join(directory, entry.name)));
      return [mode, ...below];
    };
    for (const name of made) {
      const root = join(stateOf(as), 'wasbox/images/layers', name, 'fs');
      chmodSync(root, 0o755);
      expect(modesOf(join(root, 'closed'))).toEqual([0o200, 0o311, 0o750]);
    }
    await image('rm', 'closed:1');
    expect(new Set(layers())).toEqual(before);
  });

  test.each([
    ['no archive', Buffer.from('junk'), 'the file is not a tar archive, or is truncated', ''],
    ['compressed', gzipSync('x'), 'the file is compressed with gzip', 'gzip -dc FILE > image.tar'],
    ['of docker export', 'export', 'it has no file "manifest.json"', 'use `docker save`'],
  ])('says which file is no image: %s', async (name, bytes, problem, hint) => {
    const file = join(scratch, `bad ${name}.tar`);
    writeFileSync(file, bytes === 'export' ? await tarOf([{ name: 'etc/x', data: 'x' }]) : bytes, {
      mode: 0o644,
    });
    const { code, err } = await image('import', file);
    expect(code).toBe(1);
    const [first, second = ''] = err.trimEnd().split('\n');
    expect(first).toMatch(/^wasbox: (docker-archive:)?\//);
    expect(first?.endsWith(`${file}: invalid image: ${problem}.`), err).toBe(true);
    expect(second).toContain(hint);
  });

  test('says what is wrong', async () => {
    expect(await image('push', 'x')).toMatchObject({
      code: 2,
      err: expect.stringContaining('Usage: wasbox image'),
    });
    expect(await image('pull')).toMatchObject({
      code: 2,
      err: expect.stringContaining('missing the image'),
    });
    expect(await image('pull', 'UPPER')).toMatchObject({
      code: 2,
      err: expect.stringContaining('invalid image "UPPER"'),
    });
    expect(await image('ls', '--all')).toMatchObject({
      code: 2,
      err: expect.stringContaining('wasbox image ls has no option --all'),
    });
    expect(await image('prune', '--mirror', 'x=y')).toMatchObject({
      code: 2,
      err: expect.stringContaining('It is for: wasbox image pull'),
    });
    expect(await image('import', join(scratch, 'none'))).toMatchObject({
      code: 1,
      err: expect.stringContaining('There is no image at'),
    });
  });

  test('names what a newer version stored, and loses no layer to an older one', async () => {
    const archive = join(scratch, 'newer.tar');
    const made = await dockerArchive({ layers: [await tarOf([{ name: 'of-newer', data: 'x' }])] });
    writeFileSync(archive, made, { mode: 0o644 });
    const before = new Set(layers());
    expect(await image('import', archive, '--name', 'newer:1')).toMatchObject({ code: 0 });
    const [key = ''] = layers().filter((name) => !before.has(name));
    const images = join(stateOf(as), 'wasbox/images');
    const changed: [path: string, text: string][] = [];
    for (const part of ['refs', 'ids']) {
      const place = join(images, part);
      for (const name of readdirSync(place)) {
        const text = readFileSync(join(place, name), 'utf8');
        if (!text.includes('newer:1')) continue;
        changed.push([join(place, name), text]);
        writeFileSync(join(place, name), text.replace('"version":1', '"version":2'));
      }
    }
    expect(changed).toHaveLength(2);
    const said = 'another version of wasbox stored images here: no layer was removed';
    expect(await image('prune')).toMatchObject({ code: 0, err: expect.stringContaining(said) });
    expect(layers()).toContain(key);
    for (const [path, text] of changed) writeFileSync(path, text);
    expect((await image('ls')).out).toContain('newer:1');
    // The control: what no image needs is removed.
    expect(await image('rm', 'newer:1')).toMatchObject({ code: 0 });
    expect(layers()).not.toContain(key);
  });

  test('an impossible image or platform is refused before a registry is asked or a file made', async () => {
    const server = await madeServer((_request, response) => response.writeHead(404).end());
    const cwd = makeProject(as, {
      'r.conf': `unqualified-search-registries = ["${server.host}"]\n[[registry]]\nlocation = "${server.host}"\ninsecure = true\n`,
    });
    const state = join(makeProject(as), 'state');
    const env = { CONTAINERS_REGISTRIES_CONF: join(cwd, 'r.conf'), XDG_STATE_HOME: state };
    const refused = async (...args: string[]) => {
      const { status, err } = await runWasbox(args, { as, cwd, env });
      return [status, err.split('\n')[0], existsSync(state), server.requests.length > 0];
    };
    const platform = (name: string, problem: string) =>
      `wasbox: invalid platform "${name}": ${problem}`;
    const id = (name: string) =>
      `wasbox: invalid image "${name}": an image ID is sha256: and 64 hexadecimal digits`;
    try {
      for (const [args, said] of [
        [['pull', 'app', '--platform', 'banana'], platform('banana', 'unknown architecture')],
        [
          ['pull', 'app', '--platform', 'windows/amd64'],
          platform('windows/amd64', 'an image for Linux is needed'),
        ],
        [['pull', 'app', 'sha256:zz'], id('sha256:zz')],
        [
          ['import', 'docker-archive:app.tar', '--name', 'oci:app'],
          'wasbox: invalid name "oci:app"',
        ],
        [['import', 'docker-archive:app.tar', '--name', 'sha256:zz'], id('sha256:zz')],
      ] as const) {
        expect(await refused('image', ...args)).toEqual([2, said, false, false]);
      }
      for (const [args, said] of [
        [['--image', 'app', '--platform', 'banana'], platform('banana', 'unknown architecture')],
        [['--image', 'sha256:zz'], id('sha256:zz')],
        [['--image', 'b'.repeat(64)], id('b'.repeat(64))],
      ] as const) {
        expect(await refused('run', ...args, '--', 'true')).toEqual([125, said, false, false]);
      }
      // The control: what can be one is asked for.
      for (const args of [
        ['image', 'pull'],
        ['run', '--image'],
      ]) {
        server.requests.length = 0;
        const [status, , , asked] = await refused(...args, 'app');
        expect([status === 0, asked]).toEqual([false, true]);
      }
    } finally {
      await server.stop();
    }
  });
});
