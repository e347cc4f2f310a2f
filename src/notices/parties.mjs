// Lists whose code and data are in the package, and under which terms. Of the bundles esbuild says what is in them; the
// engine is linked with the pinned sources of addon/engine/sources.mjs and with what wasm2c writes; the addon is compiled
// against node-addon-api's headers; the policy core is linked with functions of musl, as wasi-libc has them; tables were
// made of other projects' data.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { librariesFor } from '../../addon/engine/libraries.mjs';
import { sources } from '../../addon/engine/sources.mjs';
import { libgccFor } from './libgcc.mjs';
import { mit, unicode } from './terms.mjs';

/**
 * @typedef {{ component: string, version: string, license: string, text: string, note?: string, purl: string,
 *   hash?: { alg: string, content: string }, type?: 'library' | 'data' }} Party
 */

const compiled = ['node_modules/node-addon-api'];

/**
 * Returns the directories of the packages whose code is in the bundles, from the root and by name. Not every package
 * manager puts them all directly into `node_modules`: pnpm keeps what others depend on in `node_modules/.pnpm`.
 */
export function bundled(metafiles) {
  const paths = metafiles
    .flatMap(({ outputs }) => Object.values(outputs))
    .flatMap(({ inputs }) => Object.entries(inputs))
    .filter(([, { bytesInOutput }]) => bytesInOutput > 0)
    .flatMap(([path]) => /.*node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(path)?.[0] ?? []);
  const byName = new Map(paths.map((path) => [nameOf(path), path]));
  return [...byName.values()].sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
}

const nameOf = (path) => path.replace(/.*node_modules\//, '');

/** Versions and hashes of npm's packages, as npm installs them. */
function lockOf(root) {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  return (path) => packages[path] ?? {};
}

/** An integrity of the lock as CycloneDX has hashes. */
const hashOf = (integrity) => {
  const [, alg, base64] = /^sha(\d+)-(.*)$/.exec(integrity ?? '') ?? [];
  if (alg === undefined) return undefined;
  return { alg: `SHA-${alg}`, content: Buffer.from(base64, 'base64').toString('hex') };
};

const npmUrl = (name, version) => `pkg:npm/${name.replace('@', '%40')}@${version}`;

/** @returns {Party} */
function packageNotice(root, lock, path) {
  const name = nameOf(path);
  const directory = join(root, path);
  const { version, license } = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'));
  const files = readdirSync(directory).filter((file) => /^(licen[cs]e|copying|notice)/i.test(file));
  if (files.length === 0) throw new Error(`${name} is in the package and has no licence file`);
  const text = files.sort().map((file) => readFileSync(join(directory, file), 'utf8'));
  return {
    component: name,
    version,
    license,
    text: text.join('\n'),
    purl: npmUrl(name, version),
    hash: hashOf(lock(path).integrity),
  };
}

/** Returns what the engine is linked with, whose terms come with its sources. @returns {Party[]} */
function linkedParties() {
  const { licences } = librariesFor(process.arch);
  return Object.entries(sources).map(([key, { name, version, license, sha256 }]) => ({
    component: name,
    version,
    license,
    note: 'linked with wasbox-engine',
    text: readFileSync(licences[key], 'utf8'),
    purl: `pkg:generic/${name}@${version}`,
    hash: { alg: 'SHA-256', content: sha256 },
  }));
}

/** The tables of characters' properties in QuickJS. @returns {Party} */
const unicodeData = {
  component: 'unicode-data',
  version: '16.0.0',
  license: 'Unicode-3.0',
  note: 'tables in QuickJS',
  text: unicode,
  purl: 'pkg:generic/unicode-data@16.0.0',
  type: 'data',
};

/** The C that wasm2c makes of the policy core begins with functions of its own. @returns {Party} */
const wasm2c = (root, lock) => ({
  ...packageNotice(root, lock, 'node_modules/wabt'),
  note: 'functions that wasm2c adds to the policy core in wasbox-engine',
});

/** The policy core's libc comes with its compiler. @returns {Party} */
function wasiLibc(lock) {
  const { version, integrity } = lock('node_modules/@yowasp/clang');
  return {
    component: 'wasi-libc',
    version,
    license: 'MIT',
    note: 'functions of musl in the policy core; the version is that of @yowasp/clang, which brings it',
    text: `Copyright (c) 2005-2020 Rich Felker, et al.\nSorting: Copyright (c) 2011 Valentin Ochs\n\n${mit}`,
    purl: npmUrl('@yowasp/clang', version),
    hash: hashOf(integrity),
  };
}

/** Lists of names that another project keeps; none of its code. @returns {Party[]} */
const namesOfOthers = [
  {
    component: 'systemd',
    version: '257',
    license: 'LGPL-2.1-or-later',
    note: 'names in tables',
    text: `The groups of system calls of the policy language have the members that systemd's sets have, as
"systemd-analyze syscall-filter" lists them. There is no code of systemd in wasbox. systemd is free software
under the GNU Lesser General Public License, version 2.1 or later: https://systemd.io/`,
    purl: 'pkg:generic/systemd@257',
    type: 'data',
  },
  {
    component: 'firejail',
    version: '0.9.74',
    license: 'GPL-2.0-or-later',
    note: 'names in tables',
    text: `To read firejail's profiles, wasbox knows which system calls firejail's groups have, as its program
"fseccomp" puts them into filters. There is no code of firejail in wasbox. firejail is free software under the
GNU General Public License, version 2 or later: https://firejail.wordpress.com/`,
    purl: 'pkg:generic/firejail@0.9.74',
    type: 'data',
  },
  {
    component: 'linux',
    version: '6.12',
    license: 'GPL-2.0-only WITH Linux-syscall-note',
    note: 'numbers in tables',
    text: `Names and numbers of system calls and constants are those of the kernel's headers for programs, whose terms
except programs that use them (Linux-syscall-note).`,
    purl: 'pkg:generic/linux@6.12',
    type: 'data',
  },
];

/**
 * @param {string} root
 * @param metafiles of the builds whose output is in the package
 * @param engine of the bundle in wasbox-engine; undefined where that is not built
 * @param {string[]} processors whose native part is in the package
 * @returns {Party[]}
 */
export function thirdParties(root, metafiles, engine, processors) {
  const lock = lockOf(root);
  const all = engine === undefined ? metafiles : [...metafiles, engine];
  const packages = [...new Set([...bundled(all), ...compiled])];
  return [
    ...packages.map((path) => packageNotice(root, lock, path)),
    wasiLibc(lock),
    ...processors.map(libgccFor),
    ...namesOfOthers,
    ...(engine === undefined ? [] : [...linkedParties(), unicodeData, wasm2c(root, lock)]),
  ];
}

/** An example of the playground is Docker's default profile in wasbox's language. @returns {Party} */
function moby(root) {
  const apache = join(root, 'node_modules/@bjorn3/browser_wasi_shim/LICENSE-APACHE');
  return {
    component: 'moby',
    version: '26.1',
    license: 'Apache-2.0',
    note: 'profiles/seccomp/default.json, translated, as an example of the playground',
    text: `Docker\nCopyright 2012-2017 Docker, Inc.\n\n${readFileSync(apache, 'utf8')}`,
    purl: 'pkg:github/moby/moby@26.1',
    type: 'data',
  };
}

/** Returns what is in the documentation's site: packages in its bundles, and the policy core. @returns {Party[]} */
export function siteParties(root, metafiles) {
  const lock = lockOf(root);
  const packages = bundled(metafiles).map((path) => packageNotice(root, lock, path));
  return [...packages, wasiLibc(lock), ...namesOfOthers, moby(root)];
}
