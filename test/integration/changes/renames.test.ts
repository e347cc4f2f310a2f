/** Tests what `diff` makes of renamed paths. Overlayfs does not tell, so content does. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { diffRun, diffToJson, formatStat, formatUnified } from '../../../src/changes/index.js';
import { type Fixture, makeFixture, runScript } from './fixture.js';

let fixture: Fixture;
beforeEach(() => {
  fixture = makeFixture();
});
afterEach(() => {
  fixture.dispose();
});

const host = (name: string): string => join(fixture.workdir, name);
const text = (count: number): string =>
  Array.from({ length: count }, (_, n) => `line ${n}\n`).join('');

function renamesOf(script: string): string[] {
  const run = runScript(fixture, script);
  const diffs = [...diffRun(fixture.store, run)];
  run.close();
  return diffs.map(({ change, from, similarity }) =>
    from === undefined
      ? `${change.kind} ${change.display}`
      : `${from.display} => ${change.display} ${similarity}%`,
  );
}

test('a renamed file is found by its content, even if it was edited', () => {
  writeFileSync(host('same'), text(20));
  writeFileSync(host('edited'), text(40));
  writeFileSync(host('empty'), '');
  writeFileSync(host('bin'), Buffer.alloc(5000, 1));
  writeFileSync(host('other'), 'nothing in common\n');
  const found = renamesOf(
    `mkdir to; mv same moved; mv empty to/empty; mv bin to/bin2; sed -i 's/line 7$/line seven/' edited; mv edited e2
     rm other; echo 'quite another' > new`,
  );
  expect(found.sort()).toEqual([
    'added new',
    'added to',
    'bin => to/bin2 100%',
    'deleted other',
    'edited => e2 96%',
    'empty => to/empty 100%',
    'same => moved 100%',
  ]);
});

test('files are compared by lines only up to a memory limit', () => {
  writeFileSync(host('old'), text(20_000));
  const found = (copies: number): string[] =>
    renamesOf(`sed 's/line 7$/line seven/' old > new; rm old
      for i in $(seq ${copies}); do seq 30000 > copy$i; done`).filter((line) => !/copy/.test(line));
  expect(found(60)).toEqual(['added new', 'deleted old']);
  // Control: with fewer of them it is a rename.
  expect(found(2)).toEqual(['old => new 99%']);
});

test('among equal files, the same name wins, and each is used once', () => {
  mkdirSync(host('a'));
  mkdirSync(host('b'));
  for (const name of ['a/x', 'a/y', 'b/keep']) writeFileSync(host(name), text(5));
  expect(renamesOf('mv a/x b/y; mv a/y b/x; cp b/x b/copy').sort()).toEqual([
    'a/x => b/x 100%',
    'a/y => b/y 100%',
    'added b/copy',
  ]);
});

test('a directory rename is one line, with the changes in it', () => {
  mkdirSync(host('old/in/deep'), { recursive: true });
  for (const name of ['one', 'two', 'in/three', 'in/deep/four']) {
    writeFileSync(host(`old/${name}`), `${name}\n${text(30)}`);
  }
  chmodSync(host('old/two'), 0o600);
  const run = runScript(
    fixture,
    'cp -a old new; rm -r old; sed -i s/^two/TWO/ new/two; chmod 755 new/one',
  );
  const diffs = [...diffRun(fixture.store, run, { fold: true })];
  const stat = formatStat(diffs);
  const unified = diffs.map((diff) => formatUnified(diff)).join('');
  const all = [...diffRun(fixture.store, run)].flatMap(diffToJson);
  run.close();
  expect(stat.match(/^ R .*/gm)?.map((line) => line.replace(/ +\|.*/, ''))).toEqual([
    ' R old => new',
    ' R old/one => new/one',
    ' R old/two => new/two',
  ]);
  expect(unified).toContain(
    '# new: directory renamed from old\n# new: and 4 more in it, unchanged\n',
  );
  expect(unified).toContain(
    'old mode 100644\nnew mode 100755\nsimilarity index 99%\nrename from old/one',
  );
  expect(unified).toContain('--- a/old/two\n+++ b/new/two\n@@ -1,4 +1,4 @@\n-two\n+TWO\n');
  // Nothing is lost for programs: both names of each path.
  expect(all).toHaveLength(14);
  expect(all.find(({ path }) => path === 'new/in/three')?.renamedFrom).toBe('old/in/three');
  expect(all.find(({ path }) => path === 'old/in/three')?.renamedTo).toBe('new/in/three');
});

test('a directory with something left behind or added is not a rename', () => {
  mkdirSync(host('old'));
  writeFileSync(host('old/a'), text(9));
  writeFileSync(host('old/b'), 'b');
  const found = renamesOf('mkdir new; mv old/a new/a; rm -r old; echo more > new/c');
  expect(found).toEqual([
    'added new',
    'old/a => new/a 100%',
    'added new/c',
    'deleted old',
    'deleted old/b',
  ]);
});

test('symbolic links and changes of type and mode are shown', () => {
  writeFileSync(host('file'), 'f\n');
  writeFileSync(host('mode'), 'm\n');
  const run = runScript(
    fixture,
    'ln -s mode l; rm file; ln -s mode file; chmod 711 mode; ln -sf other l',
  );
  const unified = [...diffRun(fixture.store, run)].map((diff) => formatUnified(diff)).join('');
  run.close();
  expect(unified).toContain('deleted file mode 100644\n--- a/file\n+++ /dev/null\n');
  expect(unified).toContain('diff --git a/file b/file\nnew file mode 120000');
  expect(unified).toContain('+mode\n\\ No newline at end of file');
  expect(unified).toContain('# mode: mode 0644 -> 0711\n');
  expect(unified).toContain('old mode 100644\nnew mode 100755');
  expect(unified).toContain('new file mode 120000');
});
