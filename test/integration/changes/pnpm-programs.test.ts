/**
 * Tests that scripts which pnpm writes to `node_modules/.bin` are applied at once, and that one which runs anything else
 * is held. pnpm itself makes them; the oracle is the host.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { applyRun, finishRun, openRun } from '../../../src/changes/index.js';
import { installTools } from '../../support/tools.mjs';
import { type Fixture, makeFixture, runScript } from './fixture.js';

const pnpm = join(installTools('tools/registry'), '.bin/pnpm');

let fixture: Fixture;
/** The directory has what pnpm made, whose scripts name the working directory. */
let made = '';
beforeAll(() => {
  fixture = makeFixture();
  made = join(fixture.base, 'made');
  execFileSync('sh', ['-ec', install], { cwd: fixture.workdir });
  cpSync(fixture.workdir, made, { recursive: true, verbatimSymlinks: true });
  for (const name of readdirSync(fixture.workdir))
    rmSync(join(fixture.workdir, name), { recursive: true });
});
afterAll(() => fixture.dispose());
beforeEach(() => {
  rmSync(join(fixture.workdir, 'node_modules'), { recursive: true, force: true });
});

/** Packages of tarballs with programs that different interpreters run, and one that depends on another. */
const install = `
  pack() { mkdir "$1"; printf %s "$2" > "$1/package.json"
    echo '#!/usr/bin/env node' > "$1/cli.js"; echo '#!/bin/sh' > "$1/run.sh"; echo 'console.log(1)' > "$1/bare.js"
    printf '#!/usr/bin/env -S node --no-warnings\\n' > "$1/opts"; }
  pack one '{"name":"one","version":"1.0.0","bin":{"one":"cli.js","one-sh":"run.sh","one-bare":"./bare.js","one-o":"opts"}}'
  pack two '{"name":"@s/two","version":"1.0.0","bin":"cli.js","dependencies":{"one":"file:../one"}}'
  echo '{"name":"app","version":"1.0.0","dependencies":{"@s/two":"file:./two","one":"file:./one"}}' > package.json
  export HOME="$(mktemp -d)"; ${pnpm} install --offline --silent --ignore-workspace; rm -r "$HOME"
`;

function applied(script: string) {
  const run = runScript(fixture, `rm -rf one two; cp -a '${made}/.' .; cd node_modules\n${script}`);
  finishRun(fixture.store, run, { succeeded: true }, 'keep');
  const kept = openRun(fixture.store);
  try {
    const { applied: done, refused } = applyRun(fixture.store, kept);
    return {
      done: done.filter(({ display }) => display.includes('/.bin/')),
      refused: refused.map(({ change: { display } }) => display),
    };
  } finally {
    kept.close();
  }
}

const host = (name: string): string => join(fixture.workdir, 'node_modules', name);

test('scripts that pnpm writes for programs of packages are applied, marked, and start them', () => {
  const { done, refused } = applied('');
  expect(refused).toEqual([]);
  const own = done.filter(({ display }) => display.startsWith('node_modules/.bin/'));
  const names = ['one', 'one-bare', 'one-o', 'one-sh', 'two'];
  expect(own.map(({ display }) => display)).toEqual(names.map((one) => `node_modules/.bin/${one}`));
  // The programs in packages, beside the store's own, are there, too.
  expect(done.length).toBeGreaterThan(own.length);
  for (const { display, flags } of done) expect(flags, display).toContain('runs-later');
  expect(readFileSync(host('.bin/one'), 'utf8')).toContain('basedir=');
  expect(execFileSync(host('.bin/one-bare'), { encoding: 'utf8' })).toBe('1\n');
});

const change = (sed: string, name = 'one') => `sed -i '${sed}' .bin/${name}`;

test.each([
  ['has one command more', 'one', 'echo id >> .bin/one'],
  ['has one command before', 'one', change('2i id')],
  ['has a command in its case', 'one', change('s/`cygpath/`id; cygpath/')],
  ['has a command in a name', 'one', change('s,/cli.js,/$(id)/../cli.js,g')],
  ['is started by another program', 'one', change('s/exec node/exec sh/')],
  ['has an option for its program', 'one', change('s/exec node /exec node -r .\\/x.js /')],
  [
    'is started by another program of its directory',
    'one',
    change('s,"$basedir/node","$basedir/id",'),
  ],
  ['leads to another file of its package', 'one', change('s,/cli.js,/bare.js,g')],
  ['leads to another package', 'one', 'cp .bin/two .bin/one'],
  ['has another name', 'ls', 'cp .bin/one .bin/ls'],
  [
    'leads out of node_modules',
    'one',
    `${change('s,../one/,../../node_modules2/one/,g')}; cp -rL one/. ../node_modules2/`,
  ],
  ['loads modules from elsewhere', 'one', change('s,NODE_PATH=",&/tmp/node_modules:,')],
  [
    'loads modules from a hidden directory',
    'one',
    change('s,node_modules:,node_modules/.x/node_modules:,'),
  ],
  [
    'loads modules relative to where it is started',
    'one',
    change('s,NODE_PATH=",&./node_modules:,'),
  ],
  ['is another one to the shell by a carriage return', 'one', change('s/$/\\r/')],
  [
    'says that a program is what it is not',
    'one-sh',
    'rm one; cp -rL .pnpm/one@file+one/node_modules/one one; printf "#!/usr/bin/env node\\n" > one/run.sh',
  ],
])('a script of node_modules/.bin that %s is held', (_, name, script) => {
  const { done, refused } = applied(script);
  expect(refused).toContain(`node_modules/.bin/${name}`);
  expect(existsSync(host(`.bin/${name}`))).toBe(false);
  // Control: the others are there.
  expect(done.map(({ display }) => display)).toContain('node_modules/.bin/one-o');
});

test('a program below a directory of node_modules/.bin, which a script there would start, is held', () => {
  const { refused } = applied('mkdir -p .bin/bin; echo id > .bin/bin/sh; chmod +x .bin/bin/sh');
  expect(refused).toEqual(['node_modules/.bin/bin/sh']);
});
