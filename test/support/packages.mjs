// What this machine lacks of the programs that tests run, and who runs them. .ci/packages.txt says how each is found.
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const list = fileURLToPath(new URL('../../.ci/packages.txt', import.meta.url));

/** The command or file that shows that a Debian package is installed, by the package's name. */
const shownBy = new Map(
  readFileSync(list, 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split(' ')),
);

const path = (process.env.PATH || '/usr/bin:/bin').split(':');
const folders = [...path, '/usr/local/sbin', '/usr/sbin', '/sbin'];

function isInstalled(name) {
  const shown = shownBy.get(name);
  if (shown === undefined) throw new Error(`.ci/packages.txt has no package ${name}`);
  if (shown.startsWith('/')) return existsSync(shown);
  return folders.some((folder) => existsSync(`${folder}/${shown}`));
}

const isRoot = process.getuid?.() === 0;

/** `.ci/run` runs the tests twice. This is `root` or `user` there, else undefined. */
export const pass = process.env.WASBOX_TEST_PASS;

/** Conditions that are no packages, with what is said where they are not met. */
const conditions = {
  root: { met: isRoot, hint: 'run the tests as root, too' },
  'ordinary user': { met: !isRoot || pass !== 'root', hint: 'the pass as an ordinary user' },
  'any pass': { met: pass !== 'root', hint: 'the pass as an ordinary user' },
  'x64 processor': { met: process.arch === 'x64', hint: 'another machine' },
};

/**
 * Returns those of the names that are not there.
 * @param {readonly string[]} names Debian packages of .ci/packages.txt, or conditions
 */
export const missing = (names) =>
  names.filter((name) => !(conditions[name] ? conditions[name].met : isInstalled(name)));

/** What to do about a name that is missing. */
export const hintOf = (name) => conditions[name]?.hint ?? `apt install ${name}`;

/** Whether a pass of `.ci/run` may leave out tests for this reason, since its other pass runs them. */
export const isLeftToOtherPass = (name) =>
  pass === 'user' ? name === 'root' : name === 'ordinary user' || name === 'any pass';
