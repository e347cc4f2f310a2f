/**
 * A release that lacks a part is refused, and the part is named: before anything is built where a source, a program or a
 * version is wrong, and after it where something is missing in what was built.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { needs } from '../support/needs.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const work = fs.mkdtempSync(join(tmpdir(), 'wasbox-refused-'));
const checkout = join(work, 'checkout');
const version = JSON.parse(fs.readFileSync(join(root, 'package.json'), 'utf8')).version as string;

/** Every program of the PATH but one. */
function pathWithout(name: string): string {
  const folder = join(work, `without-${name}`);
  fs.mkdirSync(folder);
  for (const directory of ['/usr/bin', '/bin', '/usr/local/bin'])
    for (const one of fs.existsSync(directory) ? fs.readdirSync(directory) : [])
      if (one !== name && !fs.existsSync(join(folder, one)))
        fs.symlinkSync(join(directory, one), join(folder, one));
  return folder;
}

/** Returns what a release says that cannot be made, and its status. */
function release(env: Record<string, string>): { said: string; status: number | null } {
  const { stderr, status } = spawnSync(process.execPath, ['src/release/main.mjs'], {
    cwd: checkout,
    encoding: 'utf8',
    env: { ...process.env, ...env },
  });
  expect(fs.existsSync(join(checkout, 'build/release'))).toBe(false);
  expect(fs.existsSync(join(checkout, 'dist'))).toBe(false);
  return { said: stderr, status };
}

describe('a release', () => {
  beforeAll(() => {
    const names = execFileSync(
      'git',
      [
        'ls-files',
        '-z',
        '--',
        'addon',
        'src',
        'wasm-core',
        'package.json',
        'package-lock.json',
        'CHANGELOG.md',
      ],
      {
        cwd: root,
        encoding: 'utf8',
      },
    );
    for (const name of names.split('\0').filter((one) => fs.existsSync(join(root, one)) && one))
      fs.cpSync(join(root, name), join(checkout, name));
    fs.symlinkSync(join(root, 'node_modules'), join(checkout, 'node_modules'));
  });
  afterAll(() => fs.rmSync(work, { recursive: true, force: true }));

  test('is refused without the sources of the engine, for each processor', () => {
    const { said, status } = release({ WASBOX_SOURCES: join(work, 'no-sources') });
    expect(status).toBe(1);
    for (const arch of ['x64', 'arm64']) expect(said).toContain(`no engine for ${arch}: `);
    expect(said).toContain('npm run engine');
  });

  needs('engine sources').test(
    'is refused without the sources, also where libraries of them were compiled before',
    () => {
      const kept = join(checkout, 'addon/engine/build');
      fs.symlinkSync(join(root, 'addon/engine/build'), kept);
      const env = { WASBOX_SOURCES: join(work, 'no-sources') };
      const asked = `import { haveLibraries } from './addon/engine/libraries.mjs';
        console.log(haveLibraries(process.arch))`;
      const words = ['--input-type=module', '-e', asked];
      const how = { cwd: checkout, encoding: 'utf8', env: { ...process.env, ...env } } as const;
      expect(execFileSync(process.execPath, words, how)).toBe('true\n'); // the control
      expect(release(env).said).toContain(`no engine for ${process.arch}: its sources`);
      fs.rmSync(kept);
    },
  );

  test('is refused without a program that it needs, which it names', () => {
    const { said, status } = release({ PATH: pathWithout('xz') });
    expect(status).toBe(1);
    expect(said).toMatch(/these programs are missing: .*\bxz\b/);
  });

  test('is refused where a package is missing or in another version than the lock has', () => {
    const file = join(checkout, 'package-lock.json');
    const text = fs.readFileSync(file, 'utf8');
    const lock = JSON.parse(text);
    lock.packages['node_modules/wabt'].version = '99.0.0';
    lock.packages['node_modules/not-there'] = { version: '1.0.0' };
    lock.packages['node_modules/elsewhere'] = { version: '1.0.0', optional: true };
    fs.writeFileSync(file, JSON.stringify(lock));
    const changed = release({});
    expect(changed.status).toBe(1);
    expect(changed.said).toMatch(
      /\(npm ci\): node_modules\/wabt 99\.0\.0, node_modules\/not-there 1\.0\.0$/m,
    );
    fs.writeFileSync(file, text);
    const control = release({ WASBOX_SOURCES: join(work, 'no-sources') });
    expect(control.said).not.toContain('package-lock.json');
  });

  test.each(['esbuild', 'node-api-headers'])(
    'is refused without %s, which the refusal itself does not need',
    (hidden) => {
      const modules = join(checkout, 'node_modules');
      fs.rmSync(modules);
      fs.mkdirSync(modules);
      for (const name of fs.readdirSync(join(root, 'node_modules')))
        if (name !== hidden) fs.symlinkSync(join(root, 'node_modules', name), join(modules, name));
      const { said, status } = release({});
      fs.rmSync(modules, { recursive: true });
      fs.symlinkSync(join(root, 'node_modules'), modules);
      const line = `^wasbox: no release is made:\n.*\\(npm ci\\): node_modules/${hidden} [\\d.]+\n`;
      expect(said).toMatch(new RegExp(line));
      expect(said).not.toMatch(/^ +at /m);
      expect(status).toBe(1);
    },
  );

  test('is refused where the tag is not the version', () => {
    const tag = { GITHUB_REF_TYPE: 'tag', GITHUB_REF_NAME: 'v99.0.0' };
    const { said, status } = release({ ...tag, WASBOX_SOURCES: join(work, 'no-sources') });
    expect(status).toBe(1);
    expect(said).toContain(`the tag is v99.0.0, but package.json says ${version}`);
    const right = { ...tag, GITHUB_REF_NAME: `v${version}` };
    const control = release({ ...right, WASBOX_SOURCES: join(work, 'no-sources') });
    expect(control.said).not.toContain('the tag is');
  });

  test('is refused for a tag where a file is not as its commit has it', () => {
    const me = ['-c', 'user.name=me', '-c', 'user.email=me@localhost', '-c', 'gc.auto=0'];
    const git = (...words: string[]) =>
      execFileSync('git', [...me, ...words], { cwd: checkout, stdio: 'ignore' });
    git('init');
    fs.writeFileSync(join(checkout, '.git/info/exclude'), 'node_modules\n');
    git('add', '--all');
    git('commit', '--message', 'all');
    const tag = { GITHUB_REF_TYPE: 'tag', GITHUB_REF_NAME: `v${version}` };
    const said = () => release({ ...tag, WASBOX_SOURCES: join(work, 'no-sources') }).said;
    const words = `files are not as the commit of v${version} has them`;
    expect(said()).not.toContain(words);
    for (const name of ['CHANGELOG.md', 'src/new.ts']) {
      const file = join(checkout, name);
      const before = fs.existsSync(file) ? fs.readFileSync(file) : undefined;
      fs.appendFileSync(file, '\n');
      expect(said(), name).toContain(words);
      if (before === undefined) fs.rmSync(file);
      else fs.writeFileSync(file, before);
    }
    fs.rmSync(join(checkout, '.git'), { recursive: true });
    expect(said()).toContain(words);
  });

  test('is refused where dpkg would take a part of the version for a revision', () => {
    const file = join(checkout, 'package.json');
    const text = fs.readFileSync(file, 'utf8');
    const said = (one: string) => {
      fs.writeFileSync(file, text.replace(`"version": "${version}"`, `"version": "${one}"`));
      return release({ WASBOX_SOURCES: join(work, 'no-sources') }).said;
    };
    expect(said('99.0.0-rc.1')).toContain('the version is not three numbers: 99.0.0-rc.1');
    expect(said('99.0.0')).not.toContain('three numbers');
    fs.writeFileSync(file, text);
  });

  test('a tag whose version and day do not begin the changelog is refused', () => {
    const tag = { GITHUB_REF_TYPE: 'tag', GITHUB_REF_NAME: `v${version}` };
    const file = join(checkout, 'CHANGELOG.md');
    const text = fs.readFileSync(file, 'utf8');
    const said = (heading: string) => {
      fs.writeFileSync(file, text.replace(/^## .*$/m, heading));
      return release({ ...tag, WASBOX_SOURCES: join(work, 'no-sources') }).said;
    };
    for (const heading of [`## ${version} (not released yet)`, '## 99.0.0 (2026-12-02)'])
      expect(said(heading)).toContain(`not "${heading}"`);
    expect(said(`## ${version} (2026-12-02)`)).not.toContain('CHANGELOG.md');
    fs.writeFileSync(file, text);
  });

  test('is refused where a part of what was built is missing or for another processor', async () => {
    const { missingParts } = await import('../../src/release/complete.mjs');
    const place = join(work, 'built');
    const native = 'dist/native';
    fs.cpSync(join(root, 'dist'), join(place, 'dist'), { recursive: true });
    const own = join(place, native, `linux-${process.arch}`);
    const other = process.arch === 'x64' ? 'arm64' : 'x64';
    fs.rmSync(join(place, native, `linux-${other}`), { recursive: true, force: true });
    fs.cpSync(own, join(place, native, `linux-${other}`), { recursive: true });
    fs.rmSync(join(own, 'wasbox-init'));
    fs.rmSync(join(place, 'dist/man'), { recursive: true });
    const notices = join(place, 'dist/THIRD-PARTY.txt');
    const text = fs.readFileSync(notices, 'utf8');
    fs.writeFileSync(notices, text.replace('\nzlib 1', '\nzlob 1'));
    const billFile = join(place, 'dist/sbom.cdx.json');
    const bill = JSON.parse(fs.readFileSync(billFile, 'utf8'));
    const of = (name: string) =>
      bill.components.find((part: { name: string }) => part.name === name);
    delete of('libgcc').hashes;
    fs.writeFileSync(billFile, JSON.stringify(bill));
    const found = missingParts(place);
    expect(found).toContain(`wasbox-init for ${process.arch} is missing`);
    expect(found).toContain(`wasbox for ${other} is for another processor`);
    expect(found).toContain('dist/man/wasbox.1 is missing');
    expect(found).toContain('THIRD-PARTY.txt lacks the notice of zlib');
    const lacksHash = (name: string) => `the bill of materials lacks the hash of ${name}`;
    expect(found).toContain(lacksHash('libgcc'));
    expect(found).not.toContain(lacksHash('musl')); // the control
    expect(found).not.toContain(`wasbox for ${process.arch} is missing`);
  });

  test('is not what npm publish in a checkout makes', () => {
    const { status, stderr } = spawnSync(
      process.execPath,
      [join(root, 'src/release/refuse-publish.mjs')],
      { encoding: 'utf8', env: { ...process.env, npm_package_version: version } },
    );
    expect(status).toBe(1);
    expect(stderr).toContain(`npm publish build/release/wasbox-${version}-npm.tgz`);
    const { scripts } = JSON.parse(fs.readFileSync(join(root, 'package.json'), 'utf8'));
    expect(scripts.prepublishOnly).toContain('refuse-publish.mjs');
  });
});
