/**
 * A virtual environment is applied with the rest where it is, file by file, what venv or virtualenv writes, and held as a
 * whole where anything else is in it. The judge is what the host has after a plain apply, and whether it works there.
 */
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { applyRun, finishRun, openRun } from '../../../src/changes/index.js';
import { type Fixture, makeFixture, runScript } from './fixture.js';

let fixture: Fixture;
const { PATH } = process.env;
beforeEach(() => {
  fixture = makeFixture();
});
afterEach(() => {
  process.env.PATH = PATH;
  fixture.dispose();
});

const filesIn = (directory: string): string[] => {
  const path = join(fixture.workdir, directory);
  const found = existsSync(path) ? readdirSync(path, { recursive: true, withFileTypes: true }) : [];
  return found.filter((one) => !one.isDirectory()).map((one) => join(one.parentPath, one.name));
};

/** Runs a script in the overlay and applies all. Returns how many changes were refused. */
function applied(script: string, paths?: readonly string[]): number {
  const run = runScript(fixture, script);
  finishRun(fixture.store, run, { succeeded: true }, 'keep');
  const kept = openRun(fixture.store);
  const { refused } = applyRun(fixture.store, kept, paths && { paths });
  kept.close();
  return refused.length;
}

const make = 'python3 -m venv --without-pip';
const python = (): string =>
  execFileSync(join(fixture.workdir, '.venv/bin/python'), ['-c', 'import sys; print(sys.prefix)'], {
    encoding: 'utf8',
  }).trim();

describe('an environment that venv wrote', () => {
  test('an environment with its pip is applied without compiled modules', {
    timeout: 120_000,
  }, () => {
    expect(applied('python3 -m venv .venv')).toBe(0);
    expect(python()).toBe(join(fixture.workdir, '.venv'));
    const pip = join(fixture.workdir, '.venv/bin/pip');
    expect(execFileSync(pip, ['--version'], { encoding: 'utf8' })).toContain(fixture.workdir);
    // This Python wrote those that are there now.
    execFileSync('find', [fixture.workdir, '-name', '__pycache__', '-exec', 'rm', '-r', '{}', '+']);
    expect(applied('find . -name __pycache__ | grep -q . && exit 1; python3 -m venv env2')).toBe(0);
    expect(filesIn('env2').filter((name) => name.endsWith('.pyc'))).toEqual([]);
  });

  test.each([
    ['without pip', `${make} .venv`],
    ['with the packages of the system', `${make} --system-site-packages .venv`],
    ['with a prompt', `${make} --prompt mine .venv`],
    ['of another name', `${make} build/env-3`],
    ['beside a file', `${make} .venv; echo x > README`],
  ])('is applied %s', (_, script) => {
    expect(applied(script)).toBe(0);
    expect(filesIn('.').filter((name) => name.endsWith('bin/activate')).length).toBe(1);
  });
});

describe('an environment of a Python that a version manager installed', () => {
  const names = ['HOME', 'PYENV_ROOT', 'UV_PYTHON_INSTALL_DIR'] as const;
  const before = names.map((name) => [name, process.env[name]] as const);
  afterEach(() => {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  });

  test.each<[string, string, (manager: string) => Partial<Record<string, string>>]>([
    ['is applied where HOME has it', '.pyenv/versions/own', (HOME) => ({ HOME })],
    [
      'is applied where a variable of pyenv names it',
      'versions/own',
      (PYENV_ROOT) => ({ PYENV_ROOT }),
    ],
    [
      'is applied where a variable of uv names it',
      'own',
      (UV_PYTHON_INSTALL_DIR) => ({ UV_PYTHON_INSTALL_DIR }),
    ],
    [
      'is applied where its shims are on PATH',
      'versions/own',
      (manager) => ({ PATH: `${manager}/shims:${PATH}` }),
    ],
    [
      'is applied where the shims of asdf are on PATH',
      'installs/python/own',
      (manager) => ({ PATH: `${manager}/shims:${PATH}` }),
    ],
    ['is held where nothing of the user leads to it', 'versions/own', () => ({})],
    [
      'is held where it is deeper than a manager has any',
      'versions/own/more',
      (PYENV_ROOT) => ({ PYENV_ROOT }),
    ],
    ['is held where shims are not on PATH', 'other/own', (m) => ({ PATH: `${m}/shims:${PATH}` })],
  ])('%s', (title, place, environment) => {
    const manager = join(fixture.base, 'manager');
    const own = join(manager, place);
    mkdirSync(join(own, 'bin'), { recursive: true });
    mkdirSync(join(manager, 'shims'));
    const find = 'import sys, os; print(os.path.realpath(sys.executable), sys.base_prefix)';
    const [real = '', prefix = ''] = execFileSync('python3', ['-c', find], { encoding: 'utf8' })
      .trim()
      .split(' ');
    cpSync(real, join(own, 'bin', basename(real)));
    symlinkSync(basename(real), join(own, 'bin/python3'));
    symlinkSync(join(prefix, 'lib'), join(own, 'lib'));
    const given = { HOME: fixture.base, ...environment(manager) };
    Object.assign(process.env, given);
    const script = `${own}/bin/python3 -m venv --without-pip .venv`;
    const refused = applied(script);
    const isApplied = title.startsWith('is applied');
    if (isApplied) expect(refused).toBe(0);
    else expect(refused).toBeGreaterThan(8);
    expect(filesIn('.venv').length > 0).toBe(isApplied);
  });
});

/** Changes that are made to an environment after venv made it. */
const tampered: readonly (readonly [string, string])[] = [
  ['one byte of activate', "sed -i '1s/This/this/' .venv/bin/activate"],
  ['a line at the end of activate.fish', 'echo ls >> .venv/bin/activate.fish'],
  ['another program', 'echo ls > .venv/bin/ls'],
  ['a hidden file', 'echo ls > .venv/bin/.ls'],
  ['a program as pip, without a pip', 'printf "#!/bin/sh\\n" > .venv/bin/pip'],
  ['another home', "sed -i 's|^home = .*|home = /tmp|' .venv/pyvenv.cfg"],
  ['a home in the tree', 'mkdir p; sed -i "s|^home = .*|home = $PWD/p|" .venv/pyvenv.cfg'],
  ['a home by way of ..', 'sed -i "s|^home = |home = /tmp/..|" .venv/pyvenv.cfg'],
  ['one more key', 'echo "home2 = /tmp" >> .venv/pyvenv.cfg'],
  ['a key twice', 'echo "home = /tmp" >> .venv/pyvenv.cfg'],
  ['an interpreter elsewhere', 'ln -sf /bin/sh .venv/bin/python3'],
  [
    'an interpreter in the tree',
    'cp /bin/true t; rm .venv/bin/python; ln -s ../../t .venv/bin/python',
  ],
  ['a copy of another program', 'rm .venv/bin/python; cp /bin/true .venv/bin/python'],
  ['a link in place of activate', 'ln -sf /bin/true .venv/bin/activate'],
  ['a .pth file', 'echo "import os" > "$(echo .venv/lib/python3*/site-packages)/x.pth"'],
  ['a module', 'echo "" > "$(echo .venv/lib/python3*/site-packages)/sitecustomize.py"'],
  [
    'a compiled module',
    'd="$(echo .venv/lib/python3*/site-packages)/__pycache__"; mkdir "$d"; echo > "$d/usercustomize.cpython-313.pyc"',
  ],
  ['lib64 to elsewhere', 'ln -sfn /tmp .venv/lib64'],
  ['a header', 'echo > "$(ls -d .venv/include)/x.h"'],
  ['another directory', 'mkdir .venv/share'],
  ['a nested environment', 'mkdir .venv/lib/x; cp .venv/pyvenv.cfg .venv/lib/x'],
  ['a set-id bit', 'chmod u+s .venv/bin/activate'],
  ['a file that all can write to', 'chmod o+w .venv/bin/activate'],
  ['a second name of a file', 'ln .venv/bin/activate other'],
  ['a pipe', 'mkfifo .venv/bin/fifo'],
  ['other words in .gitignore', 'echo "!x" >> .venv/.gitignore || echo x > .venv/.gitignore'],
];

describe('an environment', () => {
  test.each(tampered)('is held as a whole with %s', (_, change) => {
    expect(applied(`${make} .venv\n${change}`)).toBeGreaterThan(8);
    expect(filesIn('.venv')).toEqual([]);
  });

  test.each([
    ['a prompt that is a command', `${make} --prompt 'x;touch y' .venv`],
    ['a name that is a command', `${make} 'x$(touch y)'`],
    ['a hidden name that is not one of an environment', `${make} .husky`],
    ['a place in a directory of hooks', `${make} .husky/env`],
  ])('is held as a whole with %s', (_, script) => {
    expect(applied(script)).toBeGreaterThan(8);
    expect(filesIn('.').filter((name) => name.endsWith('activate'))).toEqual([]);
  });

  test('is held as a whole where it is on PATH', () => {
    process.env.PATH = `${join(fixture.workdir, '.venv/bin')}:${PATH}`;
    applied(`${make} .venv`);
    expect(filesIn('.venv/bin')).toEqual([]);
  });

  test('is held as a whole where the host has one already', () => {
    mkdirSync(join(fixture.workdir, '.venv'));
    applied(`${make} .venv`);
    expect(filesIn('.venv')).toEqual([]);
  });

  test('is held as a whole with a changed package, script or list of pip', {
    timeout: 120_000,
  }, () => {
    const changes = [
      'echo "import os" >> "$p/pip/__init__.py"',
      'echo "import os" >> bin/pip',
      "sed -i '1s|.*|#!/bin/sh|' bin/pip3",
      'echo "../../../../victim,," >> "$(echo "$p"/pip-*)/RECORD"',
      'echo "other" > "$(echo "$p"/pip-*)/INSTALLER"',
      'echo "[console_scripts]" > "$(echo "$p"/pip-*)/entry_points.txt"',
      'echo > "$p/pip/extra.py"',
      'ln -sf /tmp/x.py "$p/pip/__main__.py"',
      'mkdir "$p/pip/more"',
      'mkdir "$p/other-1.0.dist-info"; echo pip > "$p/other-1.0.dist-info/INSTALLER"',
    ];
    // Copies of one, each with its own name in its scripts, as venv would have made it; the first is not changed.
    const made = ['true', ...changes].map(
      (
        change,
        n,
      ) => `cp -a qenvq v${n}; cd v${n}; sed -i 's/qenvq/v${n}/g' bin/a* bin/pip* pyvenv.cfg
        p="$(echo lib/python3*/site-packages)"; ${change}; cd ..`,
    );
    expect(
      applied(
        `python3 -m venv qenvq; find . -name __pycache__ -prune -exec rm -r {} +\n${made.join('\n')}`,
      ),
    ).toBeGreaterThan(1000);
    const there = (n: number): number => filesIn(`v${n}`).length;
    expect(there(0)).toBeGreaterThan(300);
    for (const [n, change] of changes.entries()) expect(there(n + 1), change).toBe(0);
  });
});

const virtualenv = 'virtualenv -q -p /usr/bin/python3';

describe('an environment that virtualenv wrote', () => {
  test('an environment with its pip is applied without compiled modules', {
    timeout: 120_000,
  }, () => {
    // virtualenv's own module is compiled beside the packages.
    const pipOnce = 'env -u PYTHONDONTWRITEBYTECODE .venv/bin/pip --version';
    const compiled = 'ls .venv/lib/python3*/site-packages/__pycache__ || exit 1';
    expect(applied(`${virtualenv} .venv; ${pipOnce}; ${compiled}`)).toBe(0);
    expect(filesIn('.venv').filter((name) => name.endsWith('.pyc'))).toEqual([]);
    expect(python()).toBe(join(fixture.workdir, '.venv'));
    const pip = join(fixture.workdir, '.venv/bin/pip');
    expect(execFileSync(pip, ['--version'], { encoding: 'utf8' })).toContain(fixture.workdir);
  });

  test.each([
    ['without pip', `${virtualenv} --no-seed .venv`],
    ['with the packages of the system', `${virtualenv} --system-site-packages .venv`],
    ['with a prompt', `${virtualenv} --prompt mine .venv`],
    ['of another name', `${virtualenv} --no-seed build/env-3`],
  ])('is applied %s', { timeout: 120_000 }, (_, script) => {
    expect(applied(script)).toBe(0);
    expect(filesIn('.').filter((name) => name.endsWith('bin/activate')).length).toBe(1);
  });

  const packages = '"$(echo .venv/lib/python3*/site-packages)"';
  test.each([
    ['one byte of activate', "sed -i '1s/This/this/' .venv/bin/activate"],
    ['a line in activate_this.py', 'echo "import x" >> .venv/bin/activate_this.py'],
    ['a pip that does more', 'echo "import x" >> .venv/bin/pip'],
    ['a pip that another program runs', "sed -i '1s|.*|#!/bin/sh|' .venv/bin/pip3"],
    ['a program with a name like pip', 'cp .venv/bin/pip .venv/bin/ls'],
    ['a changed package', `echo "import x" >> ${packages}/pip/__init__.py`],
    ['another .pth file', `echo "import x" > ${packages}/x.pth`],
    ['a .pth file that does more', `echo "import x" >> ${packages}/_virtualenv.pth`],
    ['a module that its .pth file loads', `echo "import x" > ${packages}/_virtualenv.py`],
    ['text in what marks a package', `echo x > "$(echo ${packages}/pip-*.virtualenv)"`],
    ['an interpreter elsewhere', 'ln -sf /bin/sh .venv/bin/python'],
    ['another home', "sed -i 's|^home = .*|home = /tmp|' .venv/pyvenv.cfg"],
    ['another prefix', "sed -i 's|^base-prefix = .*|base-prefix = /tmp|' .venv/pyvenv.cfg"],
    ['no word of virtualenv', "sed -i '/^virtualenv/d' .venv/pyvenv.cfg"],
    ['other words in CACHEDIR.TAG', 'echo x >> .venv/CACHEDIR.TAG'],
  ])('is held as a whole with %s', { timeout: 120_000 }, (_, change) => {
    // Its packages take most of the time, and are there where the change is one of theirs.
    const seed = /pip|packages/.test(change) ? '' : '--no-seed';
    expect(applied(`${virtualenv} ${seed} .venv\n${change}`)).toBeGreaterThan(8);
    expect(filesIn('.venv')).toEqual([]);
  });

  /** Runs the host's virtualenv with one more line in its template, on PATH in this directory. */
  function withTemplateOf(place: string, line: string, written = line): string[] {
    const find =
      'import os, virtualenv; print(os.path.dirname(os.path.dirname(virtualenv.__file__)))';
    const site = execFileSync('/usr/bin/python3', ['-c', find], { encoding: 'utf8' }).trim();
    const module = join(place, 'tools/lib/python3/dist-packages/virtualenv');
    cpSync(join(site, 'virtualenv'), module, { recursive: true });
    appendFileSync(join(module, 'activation/bash/activate.sh'), `${line}\n`);
    // Newer ones have these two.
    appendFileSync(
      join(module, 'activation/via_template.py'),
      '# __TCL_LIBRARY__ __TK_LIBRARY__\n',
    );
    mkdirSync(join(place, 'tools/bin'));
    writeFileSync(join(place, 'tools/bin/virtualenv'), '', { mode: 0o755 });
    process.env.PATH = `${PATH}:${join(place, 'tools/bin')}`;
    applied(`${virtualenv} --no-seed .venv; echo "${written}" >> .venv/bin/activate`);
    return filesIn('.venv').filter((name) => name.endsWith('bin/activate'));
  }

  test('an environment is held where the virtualenv that wrote it is in the tree', () => {
    expect(withTemplateOf(fixture.workdir, ':')).toEqual([]);
  });

  test('an environment is applied where the virtualenv that wrote it is elsewhere on PATH', () => {
    expect(withTemplateOf(fixture.base, ':').length).toBe(1);
  });

  test('an environment that names no library of Tcl is applied', () => {
    expect(withTemplateOf(fixture.base, 'TCL=__TCL_LIBRARY__', "TCL=''").length).toBe(1);
  });

  test('an environment that names another directory as the library of Tcl is held', () => {
    expect(withTemplateOf(fixture.base, 'TCL=__TCL_LIBRARY__', 'TCL=/tmp/tcl8.6')).toEqual([]);
  });
});

describe('the name of a directory means what is in an environment', () => {
  test.each([
    ['.venv', ['.venv/bin/ls', '.venv/bin/activate', '.venv/pyvenv.cfg']],
    ['.venv/bin', ['.venv/bin/ls', '.venv/bin/activate']],
  ])('%s', (named, expected) => {
    const script = `${make} .venv; echo ls > .venv/bin/ls`;
    applied(script, [named]);
    for (const name of expected) expect(existsSync(join(fixture.workdir, name)), name).toBe(true);
    if (named === '.venv/bin')
      expect(existsSync(join(fixture.workdir, '.venv/pyvenv.cfg'))).toBe(false);
  });
});
