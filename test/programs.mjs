// The programs that tests start beyond what the README asks for, as Debian packages of .ci/packages.txt. Where one is missing,
// the tests are left out and test/run.mjs tells of them.
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { missing } from './support/packages.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));

/** @type {readonly [files: RegExp, tests: RegExp, ...packages: string[]][]} */
const programs = [
  [/^test\/browser\//, /^/, 'chromium'],
  [/^test\/docs\/completion/, /\bfish\b/, 'fish'],
  [/^test\/docs\/completion/, /\bzsh\b/, 'zsh'],
  [/^test\/docs\/manual/, /^/, 'man-db', 'mandoc', 'groff'],
  [/^test\/integration\/(terminal|terminal-shell|tty)\.test/, /^/, 'tmux', 'screen', 'less'],
];

const rows = programs
  .map(([files, tests, ...packages]) => ({ files, tests, missing: missing(packages) }))
  .filter(({ missing }) => missing.length > 0);

/** The rows of a file whose programs are missing. */
export const leftOutIn = (file) => rows.filter(({ files }) => files.test(relative(root, file)));

/** Why a test was left out: missing packages. */
export const reasonsOf = (file, name) => [
  ...new Set(
    leftOutIn(file)
      .filter(({ tests }) => tests.test(name))
      .flatMap(({ missing }) => missing),
  ),
];
