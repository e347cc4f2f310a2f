/**
 * Tests what `apply` renames out of the layer, and what it copies because a renamed file would differ from
 * a copy. The oracle is the inode number.
 */
import { execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Journal } from '../../../src/changes/apply/journal.js';
import { withFd } from '../../../src/changes/files/fdtree.js';
import { applyRun, finishRun, listRuns, openRun, scanRun } from '../../../src/changes/index.js';
import { moveRun } from '../../../src/changes/store/run-directory.js';
import { type Fixture, makeFixture, runScript } from './fixture.js';

let fixture: Fixture;
beforeEach(() => {
  fixture = makeFixture();
});
afterEach(() => {
  fixture.dispose();
});

const host = (name: string): string => join(fixture.workdir, name);
const setAttribute = (path: string, value: string): void => {
  execFileSync('python3', [
    '-c',
    'import os, sys; os.setxattr(sys.argv[1], "user.wasbox", sys.argv[2].encode())',
    path,
    value,
  ]);
};
const attributesOf = (path: string): string =>
  execFileSync(
    'python3',
    [
      '-c',
      'import os, sys; p = sys.argv[1]; print({n: os.getxattr(p, n) for n in os.listxattr(p)}, end="")',
      path,
    ],
    { encoding: 'utf8' },
  );

/** Applies what a script does; gives the names below the working directory that were renamed. */
function movedBy(script: string, names: readonly string[]): string[] {
  const run = runScript(fixture, script);
  finishRun(fixture.store, run, { succeeded: true }, 'keep');
  const inodes = new Map(names.map((name) => [name, statSync(join(run.upper, name)).ino]));
  const kept = openRun(fixture.store);
  applyRun(fixture.store, kept);
  kept.close();
  return names.filter((name) => lstatSync(host(name)).ino === inodes.get(name));
}

test('new and edited files are renamed, with their mode and time, and without overlayfs’ attributes', () => {
  mkdirSync(host('d'));
  writeFileSync(host('d/edited'), 'old\n');
  const names = ['d/edited', 'new/deep/added', 'replaced', 'shut'];
  const script = `echo run >> d/edited; touch -d 2001-02-03T04:05:06.789 d/edited
    mkdir -p new/deep; echo run > new/deep/added; chmod 640 new/deep/added
    echo a > t; mv t replaced; echo s > shut; chmod 000 shut`;
  expect(movedBy(script, names)).toEqual(names);
  expect(readFileSync(host('d/edited'), 'utf8')).toBe('old\nrun\n');
  expect(statSync(host('d/edited')).mtime.getUTCMilliseconds()).toBe(789);
  expect(statSync(host('new/deep/added')).mode & 0o7777).toBe(0o640);
  expect(statSync(host('shut')).mode & 0o7777).toBe(0);
  expect(attributesOf(host('d/edited'))).toBe('{}');
  expect(listRuns(fixture.store)).toEqual([]);
});

test('a file that differs from a copy is copied', () => {
  for (const name of ['tagged', 'plain']) writeFileSync(host(name), 'old\n');
  setAttribute(host('tagged'), 'mine');
  mkdirSync(host('group'));
  chmodSync(host('group'), 0o2775);
  mkdirSync(host('opaque'));
  writeFileSync(host('opaque/old'), 'old\n');
  const names = ['a', 'suid', 'attr', 'tagged', 'group/new', 'opaque/new', 'plain'];
  const script = `echo a > a; ln a b; echo s > suid; chmod 4755 suid
    echo x > attr; python3 -c 'import os; os.setxattr("attr", "user.evil", b"1"); os.setxattr("tagged", "user.wasbox", b"theirs")'
    echo run >> tagged; echo run > group/new; rm -r opaque; mkdir opaque; echo n > opaque/new
    echo run >> plain`;
  // Control: what has none of it is renamed by the same call.
  expect(movedBy(script, names)).toEqual(['plain']);
  expect(readFileSync(host('b'), 'utf8')).toBe('a\n');
  expect(statSync(host('suid')).mode & 0o7777).toBe(0o755);
  expect(attributesOf(host('attr'))).toBe('{}');
  // The host's attributes stay; those of the run do not come.
  expect(attributesOf(host('tagged'))).toBe("{'user.wasbox': b'mine'}");
  expect(readFileSync(host('tagged'), 'utf8')).toBe('old\nrun\n');
  expect(readdirSync(host('opaque'))).toEqual(['new']);
});

test('a file that another process has open for writing is copied', async () => {
  const run = runScript(fixture, 'echo run > open; echo run > closed; echo run > reading');
  finishRun(fixture.store, run, { succeeded: true }, 'keep');
  const inodes = ['closed', 'open', 'reading'].map((name) => statSync(join(run.upper, name)).ino);
  const holder = spawn('sh', [
    '-c',
    'exec 3>>"$1/open" 4<"$1/reading"; echo up; read end; echo late >&3; echo done',
    'sh',
    run.upper,
  ]);
  const said = (word: string) =>
    new Promise<void>((resolve) => {
      const listen = (bytes: Buffer): void => {
        if (!bytes.toString().includes(word)) return;
        holder.stdout.off('data', listen);
        resolve();
      };
      holder.stdout.on('data', listen);
    });
  await said('up');
  const kept = openRun(fixture.store);
  expect(applyRun(fixture.store, kept).refused).toEqual([]);
  kept.close();
  const done = said('done');
  holder.stdin.end('\n');
  await done;
  const now = ['closed', 'open', 'reading'].map((name) => statSync(host(name)).ino);
  expect(now.map((ino, index) => ino === inodes[index])).toEqual([true, false, true]);
  // Control: the other process did write, but not into the host's file.
  expect(readFileSync(host('open'), 'utf8')).toBe('run\n');
});

test('a kill in the middle of an exchange leaves one of the two files, and none in the layer', () => {
  writeFileSync(host('f'), 'old');
  const { ino: oldIno } = lstatSync(host('f'), { bigint: true });
  const run = runScript(fixture, 'echo run > f');
  finishRun(fixture.store, run, { succeeded: true }, 'keep');
  moveRun(fixture.store, run, 'runs'); // as `apply` does, which is cut short
  const inLayer = join(run.upper, 'f');
  const { ino: newIno } = lstatSync(inLayer, { bigint: true });
  withFd(openSync(run.directory, 'r'), (directory) => {
    const journal = new Journal(directory);
    const place = { directory: Buffer.alloc(0), name: Buffer.from('f') };
    journal.begin({ op: 'exchange', ...place, oldIno, newIno });
    journal.close();
  });
  renameSync(inLayer, `${host('f')}.new`);
  renameSync(host('f'), inLayer);
  renameSync(`${host('f')}.new`, host('f'));
  // Control: the layer holds the host's old file, which would look like a change of the run's.
  expect(readFileSync(inLayer, 'utf8')).toBe('old');
  expect(listRuns(fixture.store)).toEqual([]);
  expect(readFileSync(host('f'), 'utf8')).toBe('run\n');
  expect(existsSync(inLayer)).toBe(false);
});

test('a mode or time is applied to the path alone, not to other names of the file', () => {
  const outside = join(fixture.base, 'outside');
  for (const name of ['mode', 'time']) {
    writeFileSync(`${outside}-${name}`, 'text\n', { mode: 0o600 });
    linkSync(`${outside}-${name}`, host(name));
  }
  writeFileSync(host('single'), 'text\n', { mode: 0o600 });
  const before = lstatSync(`${outside}-time`);
  const { ino } = lstatSync(host('single'));
  movedBy('chmod 777 mode single; touch -d 2001-01-01 time', []);
  expect(lstatSync(host('mode')).mode & 0o777).toBe(0o777);
  expect(readFileSync(host('mode'), 'utf8')).toBe('text\n');
  expect(lstatSync(host('time')).mtime.getFullYear()).toBe(2001);
  expect(lstatSync(`${outside}-mode`).mode & 0o777).toBe(0o600);
  expect(lstatSync(`${outside}-time`).mtimeMs).toBe(before.mtimeMs);
  // Control: of a file with one name the inode stays, and a mode is one of the inode.
  expect([lstatSync(host('single')).ino, lstatSync(host('single')).mode & 0o777]).toEqual([
    ino,
    0o777,
  ]);
});

test('changes of only extended attributes are reported and never applied', () => {
  for (const name of ['f', 'same']) writeFileSync(host(name), 'f');
  mkdirSync(host('d'));
  setAttribute(host('same'), 'mine');
  const run = runScript(
    fixture,
    `python3 -c 'import os; [os.setxattr(p, "user.evil", b"1") for p in (".", "d", "f")]'; exec 3>>same`,
  );
  finishRun(fixture.store, run, { succeeded: true }, 'keep');
  const kept = openRun(fixture.store);
  const seen = scanRun(fixture.store, kept).map(({ display, kind }) => `${kind} ${display}`);
  expect(seen.sort()).toEqual(['xattr .', 'xattr d', 'xattr f']);
  const report = applyRun(fixture.store, kept, { paths: [fixture.workdir, 'd', 'f'] });
  kept.close();
  expect(report.applied).toEqual([]);
  expect(new Set(report.refused.map(({ reason }) => reason))).toEqual(new Set(['xattr']));
  for (const name of ['.', 'd', 'f']) expect(attributesOf(host(name))).toBe('{}');
  // Control: the layer has them.
  expect(attributesOf(join(run.upper, 'd'))).toContain('user.evil');
});

test('the mode of the directory itself is applied only when named', () => {
  chmodSync(fixture.workdir, 0o750);
  const run = runScript(fixture, 'chmod 777 .; echo run > f');
  finishRun(fixture.store, run, { succeeded: true }, 'keep');
  const mode = (): number => statSync(fixture.workdir).mode & 0o7777;
  const kept = openRun(fixture.store);
  for (const paths of [undefined, ['.'], ['./']]) {
    const report = applyRun(fixture.store, kept, { paths });
    expect(report.refused.map(({ change, reason }) => `${change.display} ${reason}`)).toEqual([
      '. held',
    ]);
    expect(report.refused[0]?.change.flags).toContain('open');
    expect(mode()).toBe(0o750);
  }
  expect(existsSync(host('f'))).toBe(true);
  // Control: named by its path, it is applied.
  expect(applyRun(fixture.store, kept, { paths: [fixture.workdir] }).refused).toEqual([]);
  kept.close();
  expect(mode()).toBe(0o777);
});

test('times are exact to the nanosecond, and far away', () => {
  writeFileSync(host('link-target'), '');
  linkSync(host('link-target'), host('copied'));
  const times = 'import os\nfor p, t in T.items(): os.utime(p, ns=(t, t), follow_symlinks=False)';
  const script = `import os
T = {"far": 15_000_000_000 * 10**9 + 123456789, "old": -10**9 + 987654321, "link": 15_000_000_000 * 10**9 + 987654321, "link-target": 14_000_000_000 * 10**9 + 1}
open("far", "w"); open("old", "w"); os.symlink("far", "link")
${times}`;
  const run = runScript(fixture, `python3 - <<'E'\n${script}\nE`);
  const names = ['far', 'old', 'link', 'link-target'];
  const inside = names.map((name) => lstatSync(join(run.upper, name), { bigint: true }).mtimeNs);
  finishRun(fixture.store, run, { succeeded: true }, 'apply');
  expect(names.map((name) => lstatSync(host(name), { bigint: true }).mtimeNs)).toEqual(inside);
  // Control: these times are beyond what 64 bits of nanoseconds, or a double, hold.
  expect(inside[0]).toBe(15_000_000_000_123_456_789n);
  expect(BigInt(Math.round((Number(inside[2]) / 1e9) * 1e9))).not.toBe(inside[2]);
});
