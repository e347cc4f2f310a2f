/**
 * Tests that what is hidden, or new to a tool, is held; what a person named is not asked about again. The oracle
 * is the host.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';
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

/** Installs a package of a tarball, a scoped one, and one of the project itself. */
const install = `
  pack() { mkdir -p "$1"; printf %s "$2" > "$1/package.json"; mkdir -p "$1/lib"
    echo '#!/usr/bin/env node' | tee "$1/cli.js" > "$1/lib/two.js"; chmod +x "$1/cli.js" "$1/lib/two.js"; }
  pack pkg '{"name":"tiny","version":"1.0.0","bin":{"tiny":"./cli.js","two":"lib/two.js"}}'
  pack scoped '{"name":"@s/scoped","version":"1.0.0","bin":"cli.js"}'
  pack local '{"name":"local","version":"1.0.0","directories":{"bin":"lib"}}'
  echo '{"name":"app","version":"1.0.0"}' > package.json
  export npm_config_cache="$(mktemp -d)"
  npm pack --silent ./pkg ./scoped > /dev/null
  npm install --silent --offline --no-audit --no-fund ./tiny-1.0.0.tgz ./s-scoped-1.0.0.tgz ./local
  rm -r "$npm_config_cache"`;

/** A directory in which they are installed, made once. */
let installed: string | undefined;
const installedOnce = (): string => {
  if (installed === undefined) {
    const directory = mkdtempSync(join(tmpdir(), 'wasbox-installed-'));
    execFileSync('sh', ['-ec', install], { cwd: directory });
    installed = directory;
  }
  return installed;
};
afterAll(() => {
  if (installed !== undefined) rmSync(installed, { recursive: true });
});

const programs = (changes: readonly { display: string }[]): string[] =>
  changes
    .map(({ display }) => display)
    .filter((path) => path.includes('/.bin/'))
    .sort();

test('the programs of packages that npm installs are applied at once, and marked', {
  timeout: 120_000,
}, () => {
  const report = applied(install);
  expect(report.refused.map(({ change }) => change.display)).toEqual([]);
  const made = ['scoped', 'tiny', 'two', 'two.js'].map((name) => `node_modules/.bin/${name}`);
  expect(programs(report.applied)).toEqual(made.sort());
  for (const { display, flags } of report.applied) {
    if (display.includes('/.bin/')) expect(flags, display).toContain('runs-later');
  }
});

test.each([
  ['a file', 'echo x > .bin/evil'],
  ['a file in place of a link', 'rm .bin/tiny; echo x > .bin/tiny', 'tiny'],
  ['a link out of node_modules', 'echo x > ../evil; ln -s ../../evil .bin/evil'],
  ['a link to a hidden file', 'mkdir .x; echo x > .x/evil; ln -s ../.x/evil .bin/evil'],
  [
    'a link to a file of a package that is no program of it',
    'echo x > tiny/x.js; ln -s ../tiny/x.js .bin/evil',
  ],
  ['another name for a program', 'ln -s ../tiny/cli.js .bin/evil'],
  ['a link that leads to another file', 'ln -sf ../tiny/lib/two.js .bin/tiny', 'tiny'],
  [
    'a link to a package without a description',
    'mkdir evil; echo x > evil/cli.js; ln -s ../evil/cli.js .bin/evil',
  ],
  [
    'a link to a package with a broken description',
    'mkdir evil; echo "{bin" > evil/package.json; echo x > evil/cli.js; ln -s ../evil/cli.js .bin/evil',
  ],
  [
    'a link through a package that is a link out of the tree',
    'ln -s ../../other evil; ln -s ../evil/cli.js .bin/evil',
  ],
  ['a link by way of another directory', 'ln -s ../tiny/../tiny/cli.js .bin/evil'],
  [
    'a directory of another case',
    'mkdir ../NODE_MODULES ../NODE_MODULES/.Bin; echo x > ../NODE_MODULES/.Bin/evil',
    '../NODE_MODULES/.Bin/evil',
  ],
])(
  'beside the programs of packages, %s is held',
  { timeout: 120_000 },
  (_, change, name = 'evil') => {
    const report = applied(`cp -a ${installedOnce()}/. .; cd node_modules\n${change}`);
    const expected = name.startsWith('..') ? name.slice(3) : `node_modules/.bin/${name}`;
    const refused = report.refused.map(({ change: { display } }) => display);
    expect(refused).toContain(expected);
    expect(existsSync(host(expected))).toBe(false);
    expect(programs(report.applied).length).toBe(name === 'tiny' ? 3 : 4);
  },
);

test('notes on changes, and lists of words and packages, are no hidden files to name', () => {
  const names = [
    '.changes/v1.2/BUG FIXES-1.yaml',
    '.changes/unreleased/a.md',
    '.chloggen/a.yaml',
    '.config/dictionary.txt',
  ];
  const others = [
    '.changes/run.sh',
    '.chloggen/run.js',
    '.config/run.toml',
    '.release-notes/a/b.py',
  ];
  const script = [...names, ...others]
    .map((name) => `mkdir -p "$(dirname '${name}')"; echo x > '${name}'`)
    .join('\n');
  expect(held(applied(script)).sort()).toEqual(others);
  for (const name of names) expect(existsSync(host(name)), name).toBe(true);
});

const marked = ({ applied }: ApplyReport): string[] =>
  applied.filter(({ flags }) => flags.includes('runs-later')).map(({ display }) => display);

test('files of settings at the top are marked, whichever tool reads them; others and data are not', () => {
  const settings = ['newtool.toml', 'newtool.yml', 'newtool.hcl', 'Newfile', 'newtoolrc', 'a.exp'];
  const others = ['README', 'data.json', 'a.csv', 'src/newtool.toml', 'docs/Newfile', 'main'];
  const script = [...settings, ...others]
    .map((name) => `mkdir -p "$(dirname ${name})"; echo x > ${name}`)
    .join('\n');
  const report = applied(script);
  expect(held(report)).toEqual([]);
  expect(marked(report).sort()).toEqual([...settings].sort());
});

/** A program of the project that leaves a trace and goes on. */
const planted = `printf '#!/bin/sh\\ntouch "%s/PLANTED"; exec "$@"\\n' "$PWD" > c; chmod +x c`;

needs('cmake', 'ninja-build').test.each([
  [
    'a command to link with',
    'cmake -S . -B build',
    `${planted}; sed -i "1s|^[^ ]*|$PWD/c cc|" build/CMakeFiles/a.dir/link.txt; echo '/**/' >> a.c`,
    'cmake --build build',
    'build/CMakeFiles/a.dir/link.txt',
    'PLANTED',
  ],
  [
    'a program in the cache of cmake',
    'cmake -S . -B build',
    `${planted}; echo "CMAKE_C_COMPILER_LAUNCHER:STRING=$PWD/c" >> build/CMakeCache.txt; echo '/**/' >> b.c`,
    'touch CMakeLists.txt; cmake --build build',
    'build/CMakeCache.txt',
    'PLANTED',
  ],
  [
    'rules of ninja',
    'cmake -G Ninja -S . -B build',
    "sed -i 's/^  command = /  command = touch PLANTED \\&\\& /' build/CMakeFiles/rules.ninja",
    'ninja -C build',
    'build/CMakeFiles/rules.ninja',
    'build/PLANTED',
  ],
  [
    'what a file depends on',
    "printf -- 'all:;@true\n-include a.d\n' > Makefile",
    "echo 'X := $(shell touch PLANTED)' > a.d",
    'make',
    'a.d',
    'PLANTED',
  ],
])(
  '%s, which the next build runs, is marked',
  { timeout: 120_000 },
  (_, before, plant, build, path, ran) => {
    const inWorkdir = (script: string) =>
      execFileSync('sh', ['-c', script], { cwd: fixture.workdir, stdio: 'pipe' });
    writeFileSync(
      host('CMakeLists.txt'),
      'cmake_minimum_required(VERSION 3.10)\nproject(p C)\nadd_executable(a a.c)\nadd_library(b STATIC b.c)\n',
    );
    for (const name of ['a.c', 'b.c']) writeFileSync(host(name), 'int main(void){return 0;}\n');
    inWorkdir(`(${before}) && if [ -d build ]; then cmake --build build; fi`);
    // Control: nothing ran before.
    expect(existsSync(host(ran))).toBe(false);
    expect(marked(applied(plant))).toContain(path);
    inWorkdir(build);
    expect(existsSync(host(ran))).toBe(true);
  },
);

test.each([
  [
    'a compiled module',
    `echo "print('PLANTED')" > x.py; python3 -c "import py_compile as p
p.compile('x.py', cfile='__pycache__/own.' + __import__('sys').implementation.cache_tag + '.pyc',
  invalidation_mode=p.PycInvalidationMode.UNCHECKED_HASH)"; rm x.py`,
    ['-c', 'import own'],
  ],
  ['a module named pip', 'echo \'print("PLANTED")\' > pip.py', ['-m', 'pip']],
  [
    'a package named venv',
    'mkdir venv; echo \'print("PLANTED")\' > venv/__main__.py; : > venv/__init__.py',
    ['-m', 'venv'],
  ],
])('%s, which Python runs in place of the one meant, is marked', (_, script, words) => {
  const python = (): string => {
    const options = {
      cwd: fixture.workdir,
      encoding: 'utf8',
      stdio: 'pipe',
    } as const;
    try {
      return execFileSync('python3', words, options);
    } catch {
      return 'refused'; // pip and venv ask for arguments
    }
  };
  writeFileSync(host('own.py'), "print('own')\n");
  // Control: the one meant runs before.
  expect(python()).not.toContain('PLANTED');
  execFileSync('rm', ['-rf', host('__pycache__')]);
  const names = marked(applied(`${script}\necho x > plain.py`));
  expect(python()).toContain('PLANTED');
  expect(names.length).toBeGreaterThan(0);
  expect(names).not.toContain('plain.py');
});

needs('zsh').test(
  'a compiled script, which zsh runs in place of one that it is told to read, is held',
  () => {
    const read = (): string =>
      execFileSync('zsh', ['-fc', 'source ./tools.zsh'], {
        cwd: fixture.workdir,
        encoding: 'utf8',
      });
    writeFileSync(host('tools.zsh'), 'echo own\n');
    const plant = `mkdir d; echo 'echo PLANTED' > d/tools.zsh; cd d; zsh -fc 'zcompile tools.zsh'; cd ..
    mv d/tools.zsh.zwc .; rm -r d; touch -d '+1 minute' tools.zsh.zwc`;
    expect(held(applied(plant))).toEqual(['tools.zsh.zwc']);
    expect(read()).toBe('own\n');
    // Control: zsh does run it.
    execFileSync('sh', ['-ec', plant], { cwd: fixture.workdir });
    expect(read()).toBe('PLANTED\n');
  },
);
