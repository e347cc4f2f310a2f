// Checks what a release must have, so that nothing is published without a part of it. Called by main.mjs before it
// builds, and with what it made.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { whyNoEngine } from '../../addon/engine/build.mjs';
import { missingSources } from '../../addon/engine/sources.mjs';
import { runOn } from '../../addon/engine/toolchain.mjs';
import { faultOf } from '../../addon/targets.mjs';

export const processors = /** @type {const} */ (['x64', 'arm64']);

const isMissing = (command) => spawnSync(command, ['--version'], { stdio: 'ignore' }).error;

/** The tag of a hosted build, or one that this commit has; undefined where there is none. */
function tagOf(root) {
  const { GITHUB_REF_TYPE: type, GITHUB_REF_NAME: name } = process.env;
  if (type === 'tag') return name;
  const how = ['describe', '--tags', '--exact-match', '--match', 'v*'];
  const { status, stdout } = spawnSync('git', how, { cwd: root, encoding: 'utf8' });
  return status === 0 ? stdout.trim() : undefined;
}

/** Returns whether the checkout is the commit, as far as git knows its files. */
function isCommitted(root) {
  const how = ['status', '--porcelain', '--untracked-files=all'];
  const { status, stdout } = spawnSync('git', how, { cwd: root, encoding: 'utf8' });
  return status === 0 && stdout === '';
}

/** Why no release can be made here; one line a reason. */
export function obstacles(root, version) {
  const found = [];
  for (const arch of processors) {
    const why = whyNoEngine(arch, missingSources().length === 0);
    if (why !== undefined) found.push(`no engine for ${arch}: ${why}`);
  }
  const programs = ['dpkg-deb', 'tar', 'xz'].filter(isMissing);
  if (programs.length > 0) found.push(`these programs are missing: ${programs.join(', ')}`);
  // dpkg takes what follows a hyphen for a revision, which is newer than the version without it.
  if (!/^\d+\.\d+\.\d+$/.test(version)) found.push(`the version is not three numbers: ${version}`);
  const tag = tagOf(root);
  if (tag !== undefined && !isCommitted(root))
    found.push(`files are not as the commit of ${tag} has them (git status)`);
  if (tag !== undefined && tag !== `v${version}`)
    found.push(`the tag is ${tag}, but package.json says ${version}`);
  const heading = readFileSync(join(root, 'CHANGELOG.md'), 'utf8').match(/^## .*$/m)?.[0] ?? '';
  const released = /^## (\S+) \(\d{4}-\d\d-\d\d\)$/.exec(heading)?.[1];
  if (tag !== undefined && released !== version)
    found.push(`CHANGELOG.md must begin with "## ${version} (YYYY-MM-DD)", not "${heading}"`);
  return found;
}

/** Files of dist that every installation has. */
const shared = [
  ...['cli.js', 'cli-main.cjs', 'index.js', 'policy.js', 'mcp.js', 'image-store.js', 'worker.js'],
  ...['bullmq.js', 'bin/wasbox.bin', 'wasbox-core.wasm', 'report.schema.json', 'man/wasbox.1'],
  ...['types/index.d.ts', 'THIRD-PARTY.txt', 'sbom.cdx.json'],
  ...['x86_64', 'aarch64'].flatMap((arch) => [
    `filters/default.${arch}.bpf`,
    `tables/${arch}.json`,
  ]),
];

const executables = ['wasbox', 'wasbox-init', 'wasbox-engine'];

/** Returns what is wrong with an executable or the addon of a processor. */
function faultsOf(file, name, arch) {
  if (!existsSync(file)) return [`${name} for ${arch} is missing`];
  const fault = faultOf(file, arch);
  return fault === undefined ? [] : [`${name} for ${arch} ${fault}`];
}

/** Components of the bill of materials that no release is without, with the version of each. */
const linked = [
  ...['quickjs', 'musl', 'zlib', 'wabt', 'wasi-libc', 'libgcc', 'node-addon-api'],
  ...['unicode-data', 'systemd', 'firejail', 'linux'],
];

function noticeFaults(dist) {
  const bill = JSON.parse(readFileSync(join(dist, 'sbom.cdx.json'), 'utf8'));
  const notices = readFileSync(join(dist, 'THIRD-PARTY.txt'), 'utf8');
  const named = new Map(bill.components.map((part) => [part.name, part]));
  return [
    ...linked
      .filter((name) => !named.has(name))
      .map((name) => `the bill of materials lacks ${name}`),
    ...bill.components
      .filter(({ name, version }) => !notices.includes(`\n${name} ${version} (`))
      .map(({ name }) => `THIRD-PARTY.txt lacks the notice of ${name}`),
    ...bill.components
      .filter(({ type, hashes }) => type === 'library' && !hashes)
      .map(({ name }) => `the bill of materials lacks the hash of ${name}`),
  ];
}

/** Returns what is missing in what was built; one line a part. */
export function missingParts(root) {
  const dist = join(root, 'dist');
  const absent = shared.filter((name) => !existsSync(join(dist, name)));
  const native = processors.flatMap((arch) =>
    [...executables, 'wasbox.node'].flatMap((name) =>
      faultsOf(join(dist, 'native', `linux-${arch}`, name), name, arch),
    ),
  );
  const notices = absent.some((name) => /sbom|THIRD/.test(name)) ? [] : noticeFaults(dist);
  return [...absent.map((name) => `dist/${name} is missing`), ...native, ...notices];
}

/** Runs the engine of an unpacked installation on its processor, in an emulator where that is another one. */
export function tryInstallation(prefix, arch, version) {
  const native = join(prefix, 'lib/wasbox/dist/native', `linux-${arch}`);
  const run = (words, program = 'wasbox-engine') => {
    const [command, ...more] = runOn(arch, join(native, program));
    return execFileSync(command, [...more, ...words], {
      encoding: 'utf8',
      cwd: prefix,
      env: { PATH: '/usr/bin:/bin', HOME: '/nonexistent' },
    });
  };
  const said = run(['--version']);
  if (said !== `wasbox ${version}\n`) throw new Error(`wasbox-engine for ${arch} says: ${said}`);
  const shown = run(['policy', 'groups']);
  if (!shown.includes('file-system')) throw new Error(`the policy core for ${arch} says: ${shown}`);
  // The native command makes a start itself or executes the engine, which no emulator does for it.
  if (arch === process.arch && run(['--version'], 'wasbox') !== said)
    throw new Error(`wasbox for ${arch} does not start`);
}
