/** Causes beyond the filter, as an audit tells them; the option that is named then works. */
import { chmodSync, chownSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { identities, ordinaryUser } from '../support/identity.js';
import { needs } from '../support/needs.js';
import { makeProject, writeFiles } from '../support/project.js';
import { runWasbox } from '../support/wasbox.js';

/** The line about a path. */
const lineOf = (err: string, path: string): string =>
  err.split('\n').find((line) => line.startsWith('wasbox:   file') && line.includes(path)) ?? '';

const optionIn = (line: string): string[] =>
  /Allow with (--\w+) (\S+)$/m.exec(line)?.slice(1) ?? [];

describe.each(identities())('causes as $label', (as) => {
  test('a file that exists outside only is hidden, and --ro shows it', async () => {
    const [cwd, other] = [makeProject(as), makeProject(as, { secret: 'text' })];
    const path = join(other, 'secret');
    const args = ['--', 'cat', path, '/nonexistent/at/all'];
    const run = await runWasbox(['run', '--audit', ...args], { as, cwd });
    const line = lineOf(run.err, path);
    expect(line).toContain('it is hidden');
    expect(optionIn(line)).toEqual(['--ro', path]);
    expect(run.err).not.toContain('wasbox:   file      openat /nonexistent');
    const again = await runWasbox(['run', '--audit', ...optionIn(line), ...args], { as, cwd });
    expect(again.out).toBe('text');
    expect(again.err).not.toContain('it is hidden:');
  });

  test('leave out what a program made itself, and what is closed on purpose', async () => {
    const cwd = makeProject(as, { '.env': 'TOKEN=1' });
    writeFiles(as, as.home, { made: 'outside' });
    const script = 'echo inside > ~/made; cat ~/made .env';
    const run = await runWasbox(['run', '--audit', '--hide', '**/.env', '--', 'sh', '-c', script], {
      as,
      cwd,
    });
    expect(run.out).toContain('inside');
    expect(run.err).not.toContain('it is hidden:');
    expect(lineOf(run.err, '.env')).toContain('hidden by --hide');
  });

  needs('root').test('a file or group of another user, which cannot be copied', async () => {
    const cwd = makeProject(as, { 'theirs.txt': 'text', mine: '' });
    // Root has all of the first 65536 ids, others one of each.
    chownSync(join(cwd, 'theirs.txt'), as.uid === 0 ? 70_000 : as.uid, 70_000);
    chmodSync(join(cwd, 'theirs.txt'), 0o666);
    const script = 'echo x >> theirs.txt; echo x >> mine';
    const run = await runWasbox(['run', '--audit', '--discard', '--', 'sh', '-c', script], {
      as,
      cwd,
    });
    expect(lineOf(run.err, 'theirs.txt')).toContain(
      'the kernel cannot copy it. Run chown or chgrp',
    );
    expect(lineOf(run.err, 'mine')).toBe('');
  });

  test('a script whose interpreter does not exist', async () => {
    const cwd = makeProject(as, { 's.sh': '#!/no/such/interpreter\n' });
    const args = ['--', 'sh', '-c', './s.sh'];
    const run = await runWasbox(['run', '--audit', ...args], { as, cwd });
    expect(run.status).toBe(127);
    expect(lineOf(run.err, 's.sh')).toContain(
      'its interpreter /no/such/interpreter does not exist',
    );
    const plain = await runWasbox(['run', ...args], { as, cwd });
    expect(plain.err).toContain('To see which: wasbox why --rerun');
  });

  test('reports a hidden interpreter as hidden', async () => {
    const [cwd, other] = [
      makeProject(as),
      makeProject(as, { 'my.sh': '#!/bin/sh\necho ran "$1"\n' }),
    ];
    const interpreter = join(other, 'my.sh');
    writeFiles(as, cwd, { 'script.sh': `#!${interpreter}\n` });
    const args = ['--', 'sh', '-c', './script.sh'];
    const run = await runWasbox(['run', '--audit', ...args], { as, cwd });
    const line = lineOf(run.err, 'script.sh');
    expect(line).toContain(`its interpreter ${interpreter} is hidden`);
    const again = await runWasbox(['run', ...optionIn(line), ...args], { as, cwd });
    expect(again.out).toContain('ran ./script.sh');
  });

  test('a device file is refused by Landlock, and other files made so are not', async () => {
    const cwd = makeProject(as);
    const script = 'mknod null c 1 3; mknod pipe p && echo made';
    const run = await runWasbox(['run', '--audit', '--', 'sh', '-c', script], { as, cwd });
    expect(run.out).toBe('made\n');
    const line = lineOf(run.err, 'mknod');
    expect(line).toContain('null — device files cannot be created inside (Landlock refuses them)');
    expect(line).not.toContain('pipe');
  });

  test('a library that no directory has', async () => {
    const cwd = makeProject(as, {
      'a.c': 'int f(void);int main(void) { return f(); }',
      'f.c': 'int f(void) { return 0; }',
    });
    const script =
      'gcc -shared -fPIC f.c -o libgone.so && gcc a.c -o a -L. -lgone && rm libgone.so && ./a';
    const run = await runWasbox(['run', '--audit', '--', 'sh', '-c', script], { as, cwd });
    expect(run.status).toBe(127);
    expect(lineOf(run.err, 'libgone.so')).toContain('this shared library was not found');
  });
});

test('the cause of files to create or change in a hidden place names --cow or no option', async () => {
  const as = ordinaryUser();
  const [cwd, other] = [makeProject(as), makeProject(as, { 'd/f': 'text' })];
  const [made, file] = [join(other, 'd/made'), join(other, 'd/f')];
  const told = async (script: string, options: string[] = []) =>
    runWasbox(['run', '--audit', '--discard', ...options, '--', 'sh', '-c', script], { as, cwd });
  for (const script of [`mkdir ${made}`, `echo x > ${made}`, `ln -s x ${made}`]) {
    const line = lineOf((await told(script)).err, made);
    expect(line, script).toContain('its directory is hidden');
    expect(optionIn(line)).toEqual(['--cow', join(other, 'd')]);
    expect((await told(script, optionIn(line))).status, script).toBe(0);
  }
  for (const script of [`[ -e ${file} ]; echo more >> ${file}`, `rm ${file}`]) {
    const line = lineOf((await told(script)).err, file);
    expect(line, script).toContain('it is hidden');
    expect(optionIn(line)).toEqual(['--cow', join(other, 'd')]);
    expect((await told(script, optionIn(line))).status, script).toBe(0);
    // The control: shown read-only, it fails.
    expect((await told(script, ['--ro', file])).status, script).not.toBe(0);
  }
  const script = `rm ~/own; mkdir /root/x; mkdir /srv/x; mkdir ~/not-there/new`;
  writeFiles(as, as.home, { own: '' });
  const { err } = await told(script);
  expect(lineOf(err, join(as.home, 'own'))).toMatch(/the homes of users\. No option allows it/);
  for (const path of ['/root/x', '/srv/x']) {
    expect(lineOf(err, path)).toMatch(/hidden.* you may not change it\. No option allows it/);
  }
  expect(err).not.toContain('not-there/new —');
});

test.each(identities())(
  'as $label, no advice shows the homes of users for one file',
  async (as) => {
    const [cwd, other] = [makeProject(as), makeProject(as, { 'd/f': '' })];
    const script = `mkdir /home/new ${other}/d/new; echo x > /new`;
    const run = await runWasbox(['run', '--audit', '--discard', '-c', script], { as, cwd });
    expect(lineOf(run.err, '/home/new')).toContain('No option allows it');
    expect(lineOf(run.err, 'openat /new')).toContain('No option allows it');
    // Control: another directory is shown for one.
    expect(optionIn(lineOf(run.err, `${other}/d/new`))).toEqual(['--cow', join(other, 'd')]);
  },
);

test('the cause of a read-only path names --cow for one of the user, no option for one of the system', async () => {
  const as = ordinaryUser();
  const [cwd, other] = [makeProject(as), makeProject(as, { 'd/f': 'text' })];
  const target = join(other, 'd/f');
  const args = ['--', 'sh', '-c', `echo more >> ${target}; echo x > /usr/new`];
  const run = await runWasbox(['run', '--audit', '--ro', other, ...args], { as, cwd });
  const line = lineOf(run.err, target);
  expect(line).toContain('read-only inside');
  expect(optionIn(line)).toEqual(['--cow', join(other, 'd')]);
  expect(lineOf(run.err, '/usr/new')).toContain('No option allows it');
  const again = await runWasbox(
    [
      'run',
      '--discard',
      ...optionIn(line),
      '--',
      'sh',
      '-c',
      `echo more >> ${target} && cat ${target}`,
    ],
    { as, cwd },
  );
  expect(again.out).toBe('textmore\n');
  expect(existsSync('/usr/new')).toBe(false);
});
