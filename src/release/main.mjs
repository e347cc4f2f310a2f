// `npm run release`: everything that a release consists of, into build/release or `--out DIR`: npm's tarball, and for
// each processor a tarball and a Debian package that are installed without npm; an SBOM and SHA-256 sums. The same
// sources, Node and compilers give the same bytes, wherever the checkout lies. Builds anew in this checkout's dist.
// Ends with an error that names the part where one is missing (complete.mjs); until all is made, an earlier release stays
// as it is (place.mjs). Needs what `npm run build:all` needs, the
// engine's sources (`npm run engine`), qemu-user for the other processor, tar, xz and dpkg-deb.
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  cpSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import { appArmorProfile } from './apparmor.mjs';
import { debianArchitectures, makeDeb } from './deb.mjs';
import { packageFaults } from './packages.mjs';
import { makeInPlace, placeFaults } from './place.mjs';
import { filesOf, nativeCommand, settle, standaloneTree, write } from './tree.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const { values } = parseArgs({ options: { out: { type: 'string' } } });
const out = resolve(values.out ?? join(root, 'build', 'release'));
const dist = join(root, 'dist');

const run = (command, args, options = {}) =>
  execFileSync(command, args, { cwd: root, encoding: 'utf8', maxBuffer: 1 << 28, ...options });

/** Seconds since 1970: of the last commit, unless the caller says it (reproducible-builds.org). */
function sourceDate() {
  const given = process.env.SOURCE_DATE_EPOCH;
  const text = given ?? run('git', ['log', '-1', '--format=%ct']).trim();
  if (!/^\d{1,12}$/.test(text)) throw new Error(`SOURCE_DATE_EPOCH is not a number: ${text}`);
  return Number(text);
}

/** Ends the release where there is a reason to. */
function refuse(reasons) {
  if (reasons.length === 0) return;
  console.error(`wasbox: no release is made:\n${reasons.map((text) => `  ${text}`).join('\n')}`);
  process.exit(1);
}

/** Ends the release where a script of package.json fails, which has said why. */
function runScript(...words) {
  const stdio = ['ignore', 'ignore', 'inherit'];
  const { status } = spawnSync('npm', ['run', '--silent', ...words], { cwd: root, stdio });
  if (status !== 0) refuse([`npm run ${words.join(' ')} failed; its errors are above`]);
}

/**
 * Builds from nothing: what an earlier build left may be of other sources than it says. The libraries that this user's
 * checkouts share are compiled anew, too: only the archives are checked by their hashes.
 */
function build() {
  for (const made of [dist, join(root, 'addon/build'), join(root, 'addon/engine/build')])
    rmSync(made, { recursive: true, force: true });
  process.env.WASBOX_COMPILE_ALL = '1';
  for (const words of [['build:core'], ['build:all'], ['build:js', '--', '--all'], ['build:types']])
    runScript(...words);
  // V8 makes other bytes each time, and for one version alone; without them the command starts, only later.
  for (const name of readdirSync(dist)) if (name.endsWith('.cache')) rmSync(join(dist, name));
}

function makeTarball({ work, made, name, epoch, arch }) {
  const tree = join(work, name);
  standaloneTree(root, tree, arch, 'site-functions');
  write(join(tree, 'share/wasbox/apparmor'), appArmorProfile(nativeCommand('/usr/local', arch)));
  tryInstallation(tree, arch, version);
  settle(tree, epoch);
  // tar gives a directory that is there already the mode and owner of its entry: /usr/local/bin has none.
  const isShared = (path) =>
    lstatSync(path).isDirectory() && !relative(tree, path).split('/').includes('wasbox');
  const paths = [...filesOf(tree)].filter((path) => !isShared(path));
  const how = ['--no-recursion', '--format=ustar', '--owner=0', '--group=0', '--numeric-owner'];
  const tar = run('tar', ['-C', work, ...how, '-cf', '-', '--null', '-T', '-'], {
    encoding: 'buffer',
    input: Buffer.from(paths.map((path) => `${relative(work, path)}\0`).join('')),
  });
  writeFileSync(join(made, `${name}.tar.gz`), gzipSync(tar, { level: 9 }));
}

/** npm keeps the modes that it finds, so it packs a copy. */
function packForNpm({ work, made, epoch }) {
  const tree = join(work, 'npm');
  const { files } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  for (const name of ['package.json', 'README.md', 'LICENSE', ...files])
    cpSync(join(root, name), join(tree, name), { recursive: true });
  settle(tree, epoch);
  const destination = join(work, 'packed');
  mkdirSync(destination);
  run('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', destination], {
    cwd: tree,
  });
  const [packed = ''] = readdirSync(destination);
  copyFileSync(join(destination, packed), join(made, `wasbox-${version}-npm.tgz`));
}

/** Fills a directory with everything that is published. */
function pack(made, epoch) {
  const work = mkdtempSync(join(tmpdir(), 'wasbox-release-'));
  try {
    packForNpm({ work, made, epoch });
    for (const [arch, debian] of Object.entries(debianArchitectures)) {
      makeTarball({ work, made, name: `wasbox-${version}-linux-${arch}`, epoch, arch });
      const file = join(made, `wasbox_${version}_${debian}.deb`);
      makeDeb({ root, work, file, arch, version, epoch });
    }
    copyFileSync(join(dist, 'sbom.cdx.json'), join(made, `wasbox-${version}.cdx.json`));
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  const sums = readdirSync(made)
    .sort()
    .map((name) => {
      const sum = createHash('sha256')
        .update(readFileSync(join(made, name)))
        .digest('hex');
      return `${sum}  ${name}\n`;
    });
  writeFileSync(join(made, 'SHA256SUMS'), sums.join(''));
}

const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const faults = [...placeFaults(out), ...packageFaults(root)];
const { missingParts, obstacles, tryInstallation } = await import('./complete.mjs').catch(
  (error) => {
    refuse(faults); // it could not load a package of npm's
    throw error;
  },
);
refuse([...faults, ...obstacles(root, version)]);
const epoch = sourceDate();
process.env.SOURCE_DATE_EPOCH = `${epoch}`;
build();
refuse(missingParts(root));
makeInPlace(out, (made) => pack(made, epoch));
process.stdout.write(readFileSync(join(out, 'SHA256SUMS'), 'utf8'));
