/**
 * The Debian package's scripts turn its AppArmor profile off where the parser is too old, and a purge takes what they made
 * and nothing else. They run here as an ordinary user's, on a directory in place of /etc and /var/lib, and with a parser
 * that takes or refuses the profile.
 */
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { maintainerScripts } from '../../src/release/deb.mjs';

type Script = keyof typeof maintainerScripts;

describe("the Debian package's scripts", () => {
  let root = '';
  const etc = (name: string) => join(root, 'etc/apparmor.d', name);
  const link = () => etc('disable/wasbox');
  const isLink = () => fs.lstatSync(link(), { throwIfNoEntry: false })?.isSymbolicLink() ?? false;

  beforeEach(() => {
    root = fs.mkdtempSync(join(tmpdir(), 'wasbox-deb-'));
    for (const name of ['bin', 'etc/apparmor.d', 'var/lib', 'sys'])
      fs.mkdirSync(join(root, name), { recursive: true });
    fs.writeFileSync(etc('wasbox'), 'profile');
  });
  afterEach(() => fs.rmSync(root, { recursive: true, force: true }));

  function parser(status: number): void {
    const path = join(root, 'bin/apparmor_parser');
    fs.writeFileSync(path, `#!/bin/sh\nexit ${status}\n`, { mode: 0o755 });
  }
  function run(name: Script, ...words: string[]): void {
    const text = maintainerScripts[name].replaceAll(
      /(?<![\w.])\/(etc|var\/lib|sys)\//g,
      `${root}/$1/`,
    );
    const env = { PATH: `${join(root, 'bin')}:${process.env.PATH}` };
    execFileSync('sh', ['-c', text, name, ...words], { env });
  }
  /** Returns what lies in the directories that the scripts write to. */
  const all = () =>
    ['etc', 'var']
      .flatMap((name) =>
        fs
          .readdirSync(join(root, name), { recursive: true, encoding: 'utf8' })
          .map((path) => `${name}/${path}`),
      )
      .sort();
  /** dpkg removes the profile, which is a conffile. */
  function purge(): void {
    fs.rmSync(etc('wasbox'));
    run('postrm', 'purge');
  }

  test.each([
    ['with a directory of disabled profiles', true],
    ['without one', false],
  ])('leave a machine as it was whose parser is too old, %s', (_, isThere) => {
    if (isThere) fs.mkdirSync(etc('disable'));
    const before = all();
    parser(1);
    run('postinst', 'configure');
    expect(fs.readlinkSync(link())).toBe(etc('wasbox'));
    run('postinst', 'triggered');
    expect(isLink()).toBe(true);
    purge();
    expect(all()).toEqual(before.filter((path) => path !== 'etc/apparmor.d/wasbox'));
  });

  test('turn the profile on when a newer parser is installed, and leave nothing after that', () => {
    const before = all();
    parser(1);
    run('postinst', 'configure');
    expect(isLink()).toBe(true);
    parser(0);
    run('postinst', 'triggered');
    expect(isLink()).toBe(false);
    purge();
    expect(all()).toEqual(before.filter((path) => path !== 'etc/apparmor.d/wasbox'));
  });

  test('keep what a worker saved in /var/lib/wasbox', () => {
    const job = join(root, 'var/lib/wasbox/.local/state/wasbox/saved/1');
    fs.mkdirSync(job, { recursive: true });
    parser(1);
    run('postinst', 'configure');
    purge();
    expect(fs.existsSync(job)).toBe(true);
  });

  test.each([
    ['a link', () => fs.symlinkSync('/nowhere', link())],
    ['a file', () => fs.writeFileSync(link(), '')],
  ])("leave the administrator's decision alone, %s", (_, decide) => {
    fs.mkdirSync(etc('disable'));
    decide();
    const before = all();
    for (const status of [1, 0]) {
      parser(status);
      run('postinst', 'configure');
      expect(all()).toEqual(before);
    }
    purge();
    expect(all()).toContain('etc/apparmor.d/disable/wasbox');
  });

  test("keep another package's disabled profile, in a directory that they made", () => {
    parser(1);
    run('postinst', 'configure');
    fs.writeFileSync(etc('disable/other'), '');
    purge();
    expect(fs.readdirSync(etc('disable'))).toEqual(['other']);
  });
});
