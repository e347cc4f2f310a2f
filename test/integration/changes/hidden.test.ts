/**
 * Tests that what is hidden, or new to a tool, is held; what a person named is not asked about again. The oracle
 * is the host.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type ApplyReport, applyRun, finishRun, openRun } from '../../../src/changes/index.js';
import { needs } from '../../support/needs.js';
import { type Fixture, makeFixture, runScript } from './fixture.js';

let fixture: Fixture;
beforeEach(() => {
  fixture = makeFixture();
});
afterEach(() => {
  fixture.dispose();
});

const host = (name: string): string => join(fixture.workdir, name);

function applied(script: string, paths?: readonly string[]): ApplyReport {
  const run = runScript(fixture, script);
  finishRun(fixture.store, run, { succeeded: true }, 'keep');
  const kept = openRun(fixture.store);
  try {
    return applyRun(fixture.store, kept, paths === undefined ? {} : { paths });
  } finally {
    kept.close();
  }
}

const held = ({ refused }: ApplyReport): string[] =>
  refused.filter(({ reason }) => reason === 'held').map(({ change }) => change.display);

test('a hidden file of a tool that no row knows is held, and one that is known is not', () => {
  const script = `mkdir -p .newtool sub src .git2 && echo x > .newtool/run.json && echo x > sub/.newrc
    echo x > .fslckout; mkdir CVS; echo x > CVS/Root; echo x > .lintr; echo x > src/plain.c
    echo x > .gitignore; echo x > sub/.editorconfig; echo x > .git2/x; chmod +x .git2/x`;
  expect(held(applied(script)).sort()).toEqual(
    ['.fslckout', '.git2/x', '.lintr', '.newtool/run.json', 'CVS/Root', 'sub/.newrc'].sort(),
  );
  // Control: the others are there.
  for (const name of ['.gitignore', 'sub/.editorconfig', 'src/plain.c'])
    expect(existsSync(host(name)), name).toBe(true);
});

test('packed references that replace objects are held, others are not', () => {
  const hash = '0123456789012345678901234567890123456789';
  const make = (line: string) =>
    `mkdir -p .git/objects .git/refs; echo 'ref: refs/heads/main' > .git/HEAD; echo '${hash} ${line}' > .git/packed-refs`;
  expect(held(applied(make(`refs/replace/${hash}`)))).toContain('.git/packed-refs');
  expect(existsSync(host('.git/packed-refs'))).toBe(false);
  fixture.dispose();
  fixture = makeFixture();
  expect(held(applied(make('refs/heads/main')))).toEqual([]);
  expect(existsSync(host('.git/packed-refs'))).toBe(true);
});

needs('python3').test(
  'an environment of any name with more than venv writes is held, and comes by its name in one step',
  () => {
    const script = 'python3 -m venv --without-pip env; echo ls > env/bin/ls';
    const report = applied(script);
    expect(held(report)).toContain('env/bin/activate');
    expect(held(report)).toContain('env/pyvenv.cfg');
    expect(existsSync(host('env/bin/activate'))).toBe(false);
    const kept = openRun(fixture.store);
    const named = applyRun(fixture.store, kept, { paths: ['env'] });
    kept.close();
    expect(named.refused.map(({ change }) => change.display)).toEqual([]);
    expect(existsSync(host('env/bin/python3'))).toBe(true);
  },
);

test('a program in an environment that the host has already is held', () => {
  mkdirSync(host('tools/bin'), { recursive: true });
  writeFileSync(host('tools/pyvenv.cfg'), 'home = /usr/bin\n');
  expect(
    held(applied('echo x > tools/bin/ls; echo x > tools/bin2; mkdir -p o/bin; echo x > o/bin/ls')),
  ).toEqual(['tools/bin/ls', 'tools/bin2']);
});

test('naming a directory means what is held with it, not what is held for its own name', () => {
  const script = `mkdir -p .newtool/a src .git/hooks; echo x > .newtool/a/b; echo x > src/.envrc; echo x > src/c
    echo x > .git/hooks/pre-commit`;
  const report = applied(script, ['.newtool', 'src', '.git']);
  expect(held(report).sort()).toEqual(['.git/hooks/pre-commit', 'src/.envrc']);
  expect(existsSync(host('.newtool/a/b'))).toBe(true);
  expect(existsSync(host('src/c'))).toBe(true);
});

test('the links that an install makes for programs of packages are marked, any other is held', () => {
  const script = `mkdir -p node_modules/.bin node_modules/tool; echo x > node_modules/tool/cli.js
    ln -s ../tool/cli.js node_modules/.bin/tool; ln -s ../../evil node_modules/.bin/evil
    ln -s ../.hidden/x node_modules/.bin/hidden; echo x > node_modules/.bin/file; echo x > evil`;
  const report = applied(script);
  const refused = report.refused.map(({ change }) => change.display).sort();
  expect(refused).toEqual(
    ['node_modules/.bin/evil', 'node_modules/.bin/file', 'node_modules/.bin/hidden'].sort(),
  );
  const tool = report.applied.find(({ display }) => display === 'node_modules/.bin/tool');
  expect(tool?.flags).toContain('runs-later');
});
