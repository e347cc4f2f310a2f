// Finds what this machine lacks of the programs that tests run, and who runs them. .ci/packages.txt says how each is
// found.
import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sourceFolder, sources } from '../../addon/engine/sources.mjs';
import { builtDist, isInstalled as isInstalledPackage } from './built.mjs';

const list = fileURLToPath(new URL('../../.ci/packages.txt', import.meta.url));

const engine = join(builtDist, `native/linux-${process.arch}/wasbox-engine`);

/** The command or file that shows that a Debian package is installed, by the package's name. */
const shownBy = new Map(
  readFileSync(list, 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split(' ')),
);

const path = (process.env.PATH || '/usr/bin:/bin').split(':');
const folders = [...path, '/usr/local/sbin', '/usr/sbin', '/sbin'];

/** Returns whether a file is there, in whose path one `*` may stand. */
function isThere(path) {
  const [before, after] = path.split('*');
  if (after === undefined) return existsSync(path);
  const folder = before.slice(0, before.lastIndexOf('/') + 1);
  const start = before.slice(folder.length);
  return (
    existsSync(folder) &&
    readdirSync(folder).some((name) => {
      const rest = after.slice(after.indexOf('/'));
      return name.startsWith(start) && existsSync(`${folder}${name}${rest}`);
    })
  );
}

function isInstalled(name) {
  const shown = shownBy.get(name);
  if (shown === undefined) throw new Error(`.ci/packages.txt has no package ${name}`);
  if (shown.startsWith('/')) return isThere(shown);
  return onPath(shown);
}

const isRoot = process.getuid?.() === 0;

/** `.ci/run` runs the tests twice. This is `root` or `user` there, else undefined. */
export const pass = process.env.WASBOX_TEST_PASS;

const onPath = (command) => folders.some((folder) => existsSync(`${folder}/${command}`));

/** Returns whether systemd-analyze takes a unit without fault: as an ordinary user it fails where no systemd has run. */
function verifiesUnits() {
  const folder = mkdtempSync(join(tmpdir(), 'wasbox-unit-'));
  const unit = join(folder, 'probe.service');
  writeFileSync(unit, '[Service]\nExecStart=/bin/true\n');
  const { status } = spawnSync('systemd-analyze', ['verify', unit], { stdio: 'ignore' });
  rmSync(folder, { recursive: true });
  return status === 0;
}

/** Conditions that are no packages of the list: whether they are met, what to do, and whether CI does without. */
const conditions = {
  root: { met: isRoot, hint: 'run the tests as root, too', optional: !isRoot },
  'ordinary user': {
    met: pass !== 'root',
    hint: 'the pass as an ordinary user runs them',
    optional: true,
  },
  'another identity': { met: false, hint: 'root runs them', optional: true },
  'x64 processor': { met: process.arch === 'x64', hint: 'another machine', optional: true },
  'wasbox-engine': {
    met: existsSync(engine),
    hint: 'npm run engine, then npm run build',
  },
  'declarations of the library': {
    met: existsSync(join(builtDist, 'types/index.d.ts')),
    hint: "npm's package has them, Debian's has not",
    optional: isInstalledPackage,
  },
  "V8's code": {
    met: existsSync(builtDist) && readdirSync(builtDist).some((name) => name.endsWith('.cache')),
    hint: 'a build has it, a release has not',
    optional: isInstalledPackage,
  },
  'engine sources': {
    met: Object.values(sources).every(({ file }) => existsSync(`${sourceFolder}/${file}`)),
    hint: 'npm run engine',
    optional: pass === 'user',
  },
  'an engine': {
    met: process.env.WASBOX_TEST_NODE !== '1',
    hint: 'here wasbox runs in Node',
    optional: true,
  },
  'nightly run': {
    met: process.env.WASBOX_NIGHTLY === '1',
    hint: 'WASBOX_NIGHTLY=1',
    optional: true,
  },
  kubectl: { met: onPath('kubectl'), hint: 'apt install kubernetes-client', optional: true },
  'systemd-analyze': {
    get met() {
      return verifiesUnits();
    },
    hint: onPath('systemd-analyze')
      ? 'it needs /run/systemd, which root may make'
      : 'apt install systemd',
    optional: !isRoot || !onPath('systemd-analyze'),
  },
};

/**
 * Returns those of the names that are not there.
 * @param {readonly string[]} names Debian packages of .ci/packages.txt, or conditions
 */
export const missing = (names) =>
  names.filter((name) => !(conditions[name] ? conditions[name].met : isInstalled(name)));

/** Returns what to do about a name that is missing. */
export const hintOf = (name) =>
  conditions[name]?.hint ?? (shownBy.has(name) ? `apt install ${name}` : 'see the test');

/**
 * Returns whether CI, too, may leave out tests for this reason: no package would change it, or the other pass runs
 * them.
 */
export const isOptional = (name) => conditions[name]?.optional === true;

/** Tells test/run.mjs of a check, in a script that is no vitest, that is left out. */
export function tellMissing(name) {
  const file = process.env.WASBOX_TEST_NEEDS;
  if (file === undefined) console.log(`left out: ${name} is missing (${hintOf(name)})`);
  else appendFileSync(file, `${name}\n`);
}
