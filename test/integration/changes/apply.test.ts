import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  applyRun,
  diffRun,
  discardRuns,
  finishRun,
  formatStat,
  formatUnified,
  listRuns,
  openRun,
  scanRun,
} from '../../../src/changes/index.js';
import { type Fixture, inOverlay, makeFixture, runScript, snapshot, startRun } from './fixture.js';

let fixture: Fixture;
beforeEach(() => {
  fixture = makeFixture();
});
afterEach(() => {
  fixture.dispose();
});

const host = (name: string): string => join(fixture.workdir, name);
const end = { succeeded: true, exitCode: 0 };
const lines = (changes: readonly { kind: string; display: string }[]): string[] =>
  changes.map(({ kind, display }) => `${kind} ${display}`);

test('a run that changes nothing leaves nothing on disk', () => {
  writeFileSync(host('a'), 'a');
  mkdirSync(host('d'));
  writeFileSync(host('d/f'), 'f');
  // Opening for writing copies up, so the layer is not empty.
  const run = runScript(fixture, 'exec 3>>a; exec 4>>d/f; mkdir x; rmdir x');
  expect(readdirSync(run.upper)).not.toEqual([]);
  const report = finishRun(fixture.store, run, end, 'keep');
  expect(report.disposition).toBe('none');
  expect(existsSync(run.directory)).toBe(false);
  expect(listRuns(fixture.store)).toEqual([]);
});

test('changes of every kind are listed, and the host is untouched until apply', () => {
  writeFileSync(host('edit'), 'one\n');
  writeFileSync(host('gone'), 'gone\n');
  writeFileSync(host('mode'), 'mode\n');
  writeFileSync(host('touched'), 'same\n');
  writeFileSync(host('kind'), 'file\n');
  mkdirSync(host('tree/deep'), { recursive: true });
  writeFileSync(host('tree/deep/f'), 'f\n');
  const before = snapshot(fixture.workdir);
  const run = runScript(
    fixture,
    `echo two >> edit; rm gone; chmod 600 mode; touch -d 2001-01-01 touched
     rm kind; mkdir kind; echo in > kind/in; mv edit moved; cp moved edit
     rm -r tree; mkdir new; echo n > new/n; ln -s n new/link`,
  );
  const report = finishRun(fixture.store, run, end, 'keep');
  expect(snapshot(fixture.workdir)).toEqual(before);
  expect(lines(report.changes)).toEqual([
    'modified edit',
    'deleted gone',
    'type kind',
    'added kind/in',
    'mode mode',
    'added moved',
    'added new',
    'added new/link',
    'added new/n',
    'time touched',
    'deleted tree',
    'deleted tree/deep',
    'deleted tree/deep/f',
  ]);
  expect(report.summary.counts).toEqual({ added: 5, modified: 4, deleted: 4 });

  const again = openRun(fixture.store);
  const one = applyRun(fixture.store, again, { paths: ['new/n'] });
  expect(lines(one.applied)).toEqual(['added new', 'added new/n']);
  expect(one.left).toHaveLength(11);
  const rest = applyRun(fixture.store, again);
  expect(rest.refused).toEqual([]);
  expect(rest.applied).toHaveLength(11);
  expect(readFileSync(host('edit'), 'utf8')).toBe('one\ntwo\n');
  expect(existsSync(host('tree'))).toBe(false);
  expect(lstatSync(host('mode')).mode & 0o777).toBe(0o600);
  expect(lstatSync(host('touched')).mtime.toISOString()).toMatch(/^2001-01-01|^2000-12-31/);
  expect(listRuns(fixture.store)).toEqual([]);
  expect(readdirSync(fixture.workdir).filter((name) => name.startsWith('.wasbox'))).toEqual([]);
});

test('names of any bytes are applied and shown escaped', () => {
  const run = runScript(
    fixture,
    String.raw`for n in "$(printf 'new\nline')" "$(printf 'bad\377\376')" "$(printf '\033[2Jclear')" ./-rf "$(printf 'rtl\342\200\256x')" "$(printf '%0255d' 7)"; do echo x > "$n"; done`,
  );
  const report = finishRun(fixture.store, run, end, 'apply');
  expect(report.disposition).toBe('applied');
  const names = readdirSync(fixture.workdir, { encoding: 'latin1' });
  expect(names).toHaveLength(6);
  expect(names).toContain('bad\xff\xfe');
  expect(names).toContain('new\nline');
  const shown = report.changes.map((change) => change.display);
  expect(shown).toContain('"bad\\xff\\xfe"');
  expect(shown).toContain('"\\x1b[2Jclear"');
  expect(shown.join('')).not.toMatch(/[\x00-\x1f\u202e]/);
  // Control: the names themselves hold what must not be shown.
  expect(names.join('')).toMatch(/\x1b/);
});

test('a host file that changed since the run began is refused and stays', async () => {
  for (const name of ['a', 'b', 'c', 'd']) writeFileSync(host(name), 'old');
  const run = startRun(fixture);
  await new Promise((resolve) => setTimeout(resolve, 20));
  writeFileSync(host('a'), 'by the user, during the run');
  inOverlay(run, ['sh', '-ec', 'for f in a b c d; do echo run > $f; done; echo run > e; rm c']);
  finishRun(fixture.store, run, end, 'keep');
  writeFileSync(host('b'), 'by the user, after the run');
  writeFileSync(host('c'), 'by the user, after the run');
  writeFileSync(host('e'), 'by the user, after the run');
  const first = openRun(fixture.store);
  const report = applyRun(fixture.store, first);
  first.close();
  expect(report.refused.map(({ change, reason }) => `${change.display} ${reason}`)).toEqual([
    'a host-changed',
    'b host-changed',
    'c host-changed',
    'e host-changed',
  ]);
  // Control: untouched files are applied.
  expect(lines(report.applied)).toEqual(['modified d']);
  expect(readFileSync(host('a'), 'utf8')).toBe('by the user, during the run');
  expect(readFileSync(host('b'), 'utf8')).toBe('by the user, after the run');
  const run2 = openRun(fixture.store);
  expect(scanRun(fixture.store, run2)).toHaveLength(4);
  run2.close();
});

test('a symbolic link that appeared on the host since is not followed (41)', () => {
  mkdirSync(host('d'));
  writeFileSync(host('d/f'), 'old');
  const outside = join(fixture.base, 'outside');
  mkdirSync(outside);
  writeFileSync(join(outside, 'f'), 'outside');
  const run = runScript(fixture, 'echo run > d/f; echo run > d/new; echo run > plain');
  finishRun(fixture.store, run, end, 'keep');
  const kept = openRun(fixture.store);
  // The user, or a process of theirs, replaced the directory.
  renameSync(host('d'), host('moved'));
  symlinkSync(outside, host('d'));
  const report = applyRun(fixture.store, kept);
  kept.close();
  expect(readFileSync(join(outside, 'f'), 'utf8')).toBe('outside');
  expect(readdirSync(outside)).toEqual(['f']);
  expect(lstatSync(host('d')).isSymbolicLink()).toBe(true);
  expect(report.refused.length).toBeGreaterThanOrEqual(2);
  // Control: the same call does write where nothing is in the way.
  expect(readFileSync(host('plain'), 'utf8')).toBe('run\n');
});

test('links out of the directory and hooks are applied only when named (15, 16, 17)', () => {
  mkdirSync(host('.git/hooks'), { recursive: true });
  mkdirSync(host('sub'));
  symlinkSync('/etc', host('etc'));
  const run = runScript(
    fixture,
    `echo x > .git/hooks/post-checkout; echo x > .envrc; mkdir .vscode; echo {} > .vscode/tasks.json
     echo x > .npmrc; echo x > .bashrc; echo x > Makefile
     mv .git .g; echo evil > .g/hooks/pre-commit; mv .g .git
     ln -s /etc/passwd absolute; ln -s ../../x sub/up; ln -s ../sub sub/ok; ln -s etc/passwd through
     ln -s loop loop; ln -s ../sub/one sub/two; ln -s two sub/one; ln -s sub/two/.. around`,
  );
  const report = finishRun(fixture.store, run, end, 'apply');
  const reasons = report.apply?.refused.map(({ change, reason }) => `${change.display} ${reason}`);
  expect(reasons?.sort()).toEqual([
    '.bashrc held',
    '.envrc held',
    '.git/hooks/post-checkout held',
    '.git/hooks/pre-commit held',
    '.npmrc held',
    '.vscode/tasks.json held',
    'absolute leads-out',
    'sub/up leads-out',
    'through leads-out',
  ]);
  expect(existsSync(host('.git/hooks/pre-commit'))).toBe(false);
  expect(existsSync(host('Makefile'))).toBe(true);
  for (const link of ['sub/ok', 'loop', 'sub/one', 'sub/two', 'around']) {
    expect(lstatSync(host(link)).isSymbolicLink(), link).toBe(true);
  }
  const kept = openRun(fixture.store);
  const directory = applyRun(fixture.store, kept, { paths: ['.git', '.'] });
  expect(directory.applied).toEqual([]);
  // Control: naming them applies them.
  applyRun(fixture.store, kept, { paths: ['.git/hooks/pre-commit', 'absolute'] });
  kept.close();
  expect(readFileSync(host('.git/hooks/pre-commit'), 'utf8')).toBe('evil\n');
  expect(lstatSync(host('absolute')).isSymbolicLink()).toBe(true);
});

test('the end of a run reports its progress', () => {
  const run = runScript(fixture, 'echo a > a; echo b > b');
  const stages: string[] = [];
  const onProgress = ({ stage }: { stage: string }): void => {
    if (!stages.includes(stage)) stages.push(stage);
  };
  finishRun(fixture.store, run, { ...end, onProgress }, 'apply');
  expect(stages).toEqual(['compare', 'apply', 'remove']);
  expect(readdirSync(fixture.workdir)).toEqual(['a', 'b']);
  // Dropped at its end, and afterwards: each file of the layer that is gone is told.
  stages.length = 0;
  finishRun(fixture.store, runScript(fixture, 'echo c > c'), { ...end, onProgress }, 'discard');
  expect(stages).toEqual(['compare', 'remove']);
  finishRun(fixture.store, runScript(fixture, 'echo c > c'), end, 'keep');
  stages.length = 0;
  discardRuns(fixture.store, 'all', onProgress);
  expect(stages).toEqual(['remove']);
});

test('hard links stay links if all are added together, and only then', () => {
  writeFileSync(host('old'), 'old\n');
  const run = runScript(
    fixture,
    `echo a > a; chmod 751 a; touch -d 2001-01-01 a; ln a b; mkdir d; ln a d/c; rm -f gone
     ln old new-name; echo '# h' > .envrc; ln .envrc h; echo p > p; ln p q`,
  );
  finishRun(fixture.store, run, end, 'keep');
  const inode = (name: string): bigint => lstatSync(host(name), { bigint: true }).ino;
  // Links to a file of the host's, to one not applied automatically, to one not chosen: separate files.
  const one = openRun(fixture.store);
  expect(lines(applyRun(fixture.store, one, { paths: ['p'] }).applied)).toEqual(['added p']);
  const { refused } = applyRun(fixture.store, one);
  expect(lines(refused.map(({ change }) => change))).toEqual(['added .envrc']);
  for (const name of ['old', 'new-name', 'h', 'p', 'q']) {
    expect(lstatSync(host(name)).nlink, name).toBe(1);
  }
  const [a, ...others] = ['a', 'b', 'd/c'].map(inode);
  expect(others).toEqual([a, a]);
  expect(lstatSync(host('a')).nlink).toBe(3);
  expect(lstatSync(host('a')).mode & 0o777).toBe(0o751);
  expect(lstatSync(host('a')).mtime.getUTCFullYear()).toBeLessThan(2002);
  expect(readFileSync(host('d/c'), 'utf8')).toBe('a\n');
  expect(readdirSync(fixture.workdir).filter((name) => name.startsWith('.wasbox'))).toEqual([]);
  one.close();
});

test('set-id, FIFOs, sockets and modes without rights (18)', () => {
  writeFileSync(host('old'), 'old');
  chmodSync(host('old'), 0o755);
  const run = runScript(
    fixture,
    `echo s > suid; chmod 4755 suid; chmod 2755 old; mkdir sticky; chmod 1777 sticky; mkfifo fifo
     python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("sock")'
     mkdir shut; echo in > shut/in; ln suid twin; ln shut/in shut/other; chmod 000 shut/in shut`,
  );
  const report = finishRun(fixture.store, run, end, 'apply');
  expect(report.apply?.refused.map(({ change }) => change.display)).toEqual(['fifo', 'sock']);
  expect(report.apply?.stripped.map(({ display }) => display).sort()).toEqual([
    'old',
    'sticky',
    'suid',
    'twin',
  ]);
  expect(lstatSync(host('suid')).mode & 0o7777).toBe(0o755);
  expect(lstatSync(host('old')).mode & 0o7777).toBe(0o755);
  expect(lstatSync(host('sticky')).mode & 0o7777).toBe(0o777);
  expect(lstatSync(host('shut')).mode & 0o7777).toBe(0o000);
  chmodSync(host('shut'), 0o700);
  expect(lstatSync(host('shut/in')).mode & 0o7777).toBe(0o000);
  expect(lstatSync(host('shut/other')).mode & 0o7777).toBe(0o000);
  expect(existsSync(host('fifo'))).toBe(false);
  const kept = openRun(fixture.store);
  expect(scanRun(fixture.store, kept).map(({ display }) => display)).toEqual(['fifo', 'sock']);
  kept.close();
});

test('a diff shows lines, notes and no escape sequence (33)', () => {
  writeFileSync(host('text'), 'a\nb\nc\n');
  writeFileSync(host('bin'), Buffer.of(0, 1, 2));
  const run = runScript(
    fixture,
    String.raw`printf 'a\n\033]0;title\007B\nc\n' > text; printf '\000\001' > bin; echo x > Makefile; chmod +x Makefile`,
  );
  const text = [...diffRun(fixture.store, run)].map((diff) => formatUnified(diff)).join('');
  run.close();
  expect(text).toContain('-b\n+<1B>]0;title<07>B\n c\n');
  expect(text).toMatch(
    /^# bin: binary: 3 bytes, sha256 [0-9a-f]{64} -> 2 bytes, sha256 [0-9a-f]{64}$/m,
  );
  expect(text).toContain('new file mode 100755');
  expect(text).toContain('# Makefile: can run code (a build or test command runs it)');
  expect(text).not.toContain('\x1b');
  expect(text).not.toMatch(/[\x07\x00]/);
});

test('a directory inside a replaced one hides the host’s', () => {
  mkdirSync(host('d/sub/deep'), { recursive: true });
  writeFileSync(host('d/sub/old'), 'old');
  writeFileSync(host('d/sub/deep/old'), 'old');
  const run = runScript(fixture, 'rm -r d; mkdir -p d/sub; echo n > d/sub/new');
  const report = finishRun(fixture.store, run, end, 'apply');
  expect(lines(report.changes)).toEqual([
    'deleted d/sub/deep',
    'deleted d/sub/deep/old',
    'added d/sub/new',
    'deleted d/sub/old',
  ]);
  expect(readdirSync(host('d/sub'))).toEqual(['new']);
});

test('parts of a directory that hides the host’s stay applied', () => {
  mkdirSync(host('d'));
  for (const name of ['a', 'b', 'gone']) writeFileSync(host(`d/${name}`), 'old');
  const run = runScript(
    fixture,
    'rm -r d; mkdir d; echo run > d/a; echo run > d/b; echo run > d/c; chmod 000 d/a d/c',
  );
  finishRun(fixture.store, run, end, 'keep');
  const kept = openRun(fixture.store);
  applyRun(fixture.store, kept, { paths: ['d/a', 'd/c'] });
  // The file that was just applied is no deletion.
  expect(lines(scanRun(fixture.store, kept))).toEqual(['modified d/b', 'deleted d/gone']);
  expect(readFileSync(host('d/gone'), 'utf8')).toBe('old');
  chmodSync(host('d/a'), 0o600);
  writeFileSync(host('d/a'), 'edited by the user since');
  expect(applyRun(fixture.store, kept).refused).toEqual([]);
  kept.close();
  expect(readdirSync(host('d'))).toEqual(['a', 'b', 'c']);
  expect(readFileSync(host('d/a'), 'utf8')).toBe('edited by the user since');
  expect(listRuns(fixture.store)).toEqual([]);
});

test('a path longer than PATH_MAX is not read, and does not widen other lines', () => {
  const script = `python3 -c '
import os
open("short", "w").write("x")
for n in range(20): os.mkdir("n" * 250); os.chdir("n" * 250)
open("bottom", "w").write("x")'`;
  const run = runScript(fixture, script);
  const stat = formatStat(diffRun(fixture.store, run)).split('\n');
  run.close();
  expect(stat.find((line) => line.startsWith(' A short'))?.length).toBeLessThan(200);
  // Control: there are lines that are longer, and what is too deep is told, once.
  expect(Math.max(...stat.map((line) => line.length))).toBeGreaterThan(4000);
  expect(stat.filter((line) => line.includes('cannot be read'))).toHaveLength(1);
  expect(stat.filter((line) => line.includes('nested too deeply'))).toHaveLength(1);
  expect(stat.join('')).not.toContain('bottom');
  const kept = openRun(fixture.store);
  const report = applyRun(fixture.store, kept);
  kept.close();
  expect(report.refused.map(({ reason }) => reason)).toEqual(['unreadable']);
  expect(readFileSync(host('short'), 'utf8')).toBe('x');
});
