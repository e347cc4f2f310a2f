/**
 * Tries what `npm run release` made, in root file systems of other distributions: Debian 12 and 13, and one of musl and
 * busybox as Alpine is. In each: npm's package installed by root for all, the same as a read-only layer, the standalone
 * tarball and the .deb; as two ordinary users of that root.
 *
 *     npm run nightly -- distros [NAME…]        bookworm trixie musl
 *     node test/distros/run.mjs [--release DIR] [--keep DIR] [NAME…]
 *
 * Prints a line a case; ends with 1 if one failed. Needs root, mmdebstrap, iproute2, apt's and npm's registries, busybox-static,
 * musl-tools and gcc; changes nothing of this machine.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { debianRoot, muslRoot, run } from './roots.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const checkout = resolve(here, '../..');
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { release: { type: 'string' }, keep: { type: 'string' } },
});
const release = resolve(values.release ?? join(checkout, 'build/release'));
const work = values.keep ?? fs.mkdtempSync('/var/tmp/wasbox-distros-');
fs.mkdirSync(work, { recursive: true });
fs.chmodSync(work, 0o755);
const { version } = JSON.parse(fs.readFileSync(join(checkout, 'package.json'), 'utf8'));
const debian = { x64: 'amd64', arm64: 'arm64' }[process.arch];
const released = {
  'npm.tgz': `wasbox-${version}-npm.tgz`,
  'standalone.tar.gz': `wasbox-${version}-linux-${process.arch}.tar.gz`,
  'wasbox.deb': `wasbox_${version}_${debian}.deb`,
};

let failed = 0;
async function check(name, body) {
  try {
    const figures = await body();
    console.log(`ok   ${name}${figures ? `: ${figures}` : ''}`);
  } catch (error) {
    failed += 1;
    console.log(`FAIL ${name}: ${error.message.trimEnd().replaceAll('\n', '\n     ')}`);
  }
}

/** A shell's script in a root file system; what it printed. */
function within(root, script, layer = '-') {
  const isolated = ['--mount', '--net', '--pid', '--fork', '--kill-child'];
  const { status, stdout, stderr } = spawnSync(
    'unshare',
    [...isolated, 'sh', join(here, 'enter.sh'), root, layer, 'sh', '-ec', script],
    { encoding: 'utf8', env: { PATH: process.env.PATH }, timeout: 600_000 },
  );
  if (status !== 0) throw new Error(`status ${status}\n${stdout}${stderr}`);
  return stdout.trim();
}

const quote = (text) => `'${text.replaceAll("'", "'\\''")}'`;

/** Runs a script as an ordinary user, after login. */
const as = (user, script) =>
  `su - ${user} -c ${quote(`set -e; export PATH=/usr/local/bin:/usr/bin:/bin; ${script}`)}`;

/** Names, kinds, modes, times and contents of what lies at these paths. */
function fingerprint(root, paths) {
  const tar = ['-C', root, '--sort=name', '--numeric-owner', '-cf', '-', ...paths];
  return createHash('sha256')
    .update(run('tar', tar, { encoding: 'buffer' }))
    .digest('hex');
}

/** Files of the package manager's and of man's own, and what a login leaves. */
const notInstalled = /^(home|root|tmp|var\/(log|lib\/dpkg|cache\/man))[/ ]/;

/** All else, by name, kind, mode and owner. */
const inventory = (root) =>
  run('find', [root, '-xdev', '-printf', '%P %y %m %U %l\n'])
    .split('\n')
    .filter((line) => !notInstalled.test(line))
    .sort();

/** Everything as one user, starts as another; the installation is as it was. */
async function checkInstalled(root, name, place, { layer, hasPython }) {
  const without = hasPython ? '' : '--without python';
  const checkAs = (user, parts) => {
    const script = `d=$(mktemp -d ~/check-XXXXXX); cd $d
      node /check/check.mjs /check/examples --library ${place.library} --command ${place.command} --address 10.53.0.1 ${without} ${parts}`;
    return within(root, as(user, script), layer);
  };
  const before = fingerprint(root, place.paths);
  await check(name, () => {
    const parts = checkAs('me', '');
    if (!/^ok hello\n.*\nok native: /s.test(parts)) throw new Error(parts);
    return parts.replaceAll(/^ok /gm, '').replaceAll('\n', ', ');
  });
  await check(`${name}, as another user`, () => checkAs('other', 'native').replace('ok ', ''));
  await check(`${name}, is as it was installed`, () => {
    if (fingerprint(root, place.paths) !== before) throw new Error(`changed: ${place.paths}`);
  });
}

const npmPlace = {
  library: '/usr/local/lib/node_modules/wasbox/dist/index.js',
  command: '/usr/local/bin/wasbox',
  paths: ['usr/local/lib/node_modules/wasbox', 'usr/local/bin'],
};
const standalonePlace = {
  library: '/usr/local/lib/wasbox/dist/index.js',
  command: '/usr/local/bin/wasbox',
  paths: ['usr/local'],
};
const debPlace = {
  library: '/usr/lib/wasbox/dist/index.js',
  command: '/usr/bin/wasbox',
  paths: ['usr/lib/wasbox'],
};

async function checkNpm(root, name, options) {
  const npm = 'npm --global --prefix /usr/local --offline --no-audit --no-fund --silent';
  await check(`${name}: npm install --global by root`, () =>
    within(root, `cd /check && ${npm} install /check/npm.tgz`),
  );
  await checkInstalled(root, `${name}, npm by root`, npmPlace, options);
  const layer = join(work, `layer-${name}`);
  fs.mkdirSync(layer, { recursive: true });
  await checkInstalled(root, `${name}, npm, a read-only layer`, npmPlace, { ...options, layer });
  await check(`${name}: npm uninstall`, () => within(root, `cd /check && ${npm} uninstall wasbox`));
}

/** Everything again where Node is hidden. */
async function checkWithoutNode(root, name, { command }) {
  await check(`${name}, without Node`, () => {
    const hidden =
      'for n in /usr/local/bin/node /usr/bin/node; do [ ! -e $n ] || mount --bind /dev/null "$(readlink -f $n)"; done';
    const script = `sh /check/without-node.sh ${command} /check/examples`;
    return within(root, `${hidden}; ${as('me', script)}`)
      .replaceAll(/^ok /gm, '')
      .replaceAll('\n', ', ');
  });
}

async function checkStandalone(root, name, options) {
  const tarball = '/check/standalone.tar.gz';
  await check(`${name}: standalone tarball unpacked`, () =>
    within(root, `tar -C /usr/local --strip-components=1 -xzf ${tarball}`),
  );
  await checkInstalled(root, `${name}, standalone`, standalonePlace, options);
  await checkWithoutNode(root, `${name}, standalone`, standalonePlace);
  const remove = 'while read -r f; do if [ -f "$f" ] || [ -h "$f" ]; then rm "$f"; fi; done';
  within(root, `cd /usr/local; tar -tzf ${tarball} | sed 's,[^/]*/,,' | ${remove}`);
}

async function checkDeb(root, name, options) {
  const before = inventory(root);
  await check(`${name}: dpkg --install`, () => {
    within(root, 'dpkg --install /check/wasbox.deb');
  });
  await checkInstalled(root, `${name}, .deb`, debPlace, options);
  await check(`${name}, .deb: man wasbox`, () => {
    const page = within(root, as('me', 'MANPAGER=cat MANWIDTH=80 man wasbox'));
    if (!/wasbox run/.test(page)) throw new Error(page);
    return `${page.split('\n').length} lines`;
  });
  await check(`${name}, .deb: completion of bash`, () => {
    const script = `. /usr/share/bash-completion/bash_completion; __load_completion wasbox || _comp_load wasbox
      complete -p wasbox >/dev/null; COMP_WORDS=(wasbox doc); COMP_CWORD=1
      COMP_LINE="wasbox doc" COMP_POINT=10; f=$(complete -p wasbox | sed "s/.*-F \\([^ ]*\\).*/\\1/"); $f wasbox doc wasbox
      echo "\${COMPREPLY[@]}"`;
    const found = within(root, as('me', `bash -c ${quote(script)}`));
    if (found.trim() !== 'doctor') throw new Error(found);
    return `doc → ${found}`;
  });
  if (fs.existsSync(join(root, 'usr/sbin/apparmor_parser')))
    await check(`${name}, .deb: the AppArmor profile`, () => {
      const version = within(root, 'apparmor_parser --version | head -n 1').replace(/.* /, '');
      const profile = '/etc/apparmor.d/wasbox';
      // The service does this at each boot: a file that it cannot read would make it fail.
      within(root, 'apparmor_parser --skip-kernel-load --skip-cache /etc/apparmor.d');
      const listed = fs.readdirSync(join(root, 'etc/apparmor.d'), { recursive: true });
      const isDisabled = listed.includes('disable/wasbox'); // a link within the root
      if (isDisabled !== version.startsWith('3.')) throw new Error(`disabled: ${isDisabled}`);
      if (isDisabled) return `AppArmor ${version} passes it over`;
      const parser = 'apparmor_parser --skip-kernel-load --skip-cache --debug';
      const shown = within(root, `${parser} ${profile}`);
      if (!/Name:\s+wasbox/.test(shown)) throw new Error(shown);
      return `AppArmor ${version} takes it`;
    });
  await check(`${name}: dpkg --purge leaves nothing, and takes nothing else`, () => {
    within(root, 'dpkg --purge wasbox');
    const after = inventory(root);
    const [known, there] = [new Set(before), new Set(after)];
    const left = after.filter((line) => !known.has(line));
    const gone = before.filter((line) => !there.has(line));
    if (left.length > 0) throw new Error(left.join('\n'));
    if (gone.length > 0) throw new Error(`removed, and not the package's: ${gone.join('\n')}`);
  });
}

/** Checks what a user sees who has the distribution's Node alone, which is too old for the library. */
async function checkOldNode(root, name) {
  const npm = 'npm --global --prefix /usr/local --offline --no-audit --no-fund --silent';
  within(root, `cd /check && ${npm} install /check/npm.tgz`);
  await check(`${name}: a Node that is too old`, () => {
    const library = `import(${JSON.stringify(npmPlace.library)}).then((m) => m.run("true")).catch((e) => console.log(e.code))`;
    const cli = '/usr/local/lib/node_modules/wasbox/dist/cli.js';
    const script = `mkdir -p ~/old; cd ~/old; export PATH=/usr/bin; for command in /usr/local/bin/wasbox "node ${cli}"; do
        $command run -q -c true 2>&1; echo "status $?"
      done; node -e '${library}'`;
    const shown = within(root, as('me', `set +e; ${script}`));
    const words =
      'wasbox: /usr/bin/node is Node.js 18[.0-9]*; wasbox needs Node.js 20.18 or later \\(not 21, nor 22.0 to 22.2\\)';
    if (!new RegExp(`^status 0\n${words}\nstatus 125\nERR_RUNTIME$`).test(shown))
      throw new Error(shown);
    return shown.split('\n').at(-3);
  });
}

const distros = {
  bookworm: {
    make: () =>
      debianRoot(work, 'bookworm', {
        packages: ['bash-completion', 'nodejs', 'apparmor'], // Node 18 in /usr/bin
        node: `node-linux-${process.arch}@20`,
      }),
    hasPython: true,
    checks: [checkNpm, checkStandalone, checkDeb, checkOldNode],
  },
  trixie: {
    make: () => debianRoot(work, 'trixie', { packages: ['bash-completion', 'nodejs', 'apparmor'] }),
    hasPython: true,
    checks: [checkNpm, checkStandalone, checkDeb],
  },
  musl: { make: () => muslRoot(work), hasPython: false, checks: [checkNpm, checkStandalone] },
};

if (process.getuid() !== 0) throw new Error('this needs root');
for (const file of Object.values(released))
  if (!fs.existsSync(join(release, file)))
    throw new Error(`${join(release, file)} is not there; npm run release makes it`);
const names = positionals.length > 0 ? positionals : Object.keys(distros);
for (const name of names) {
  const { make, hasPython, checks } = distros[name];
  const root = make();
  fs.mkdirSync(join(root, 'check'));
  fs.cpSync(join(checkout, 'docs/examples'), join(root, 'check/examples'), { recursive: true });
  fs.copyFileSync(join(checkout, 'test/versions/check.mjs'), join(root, 'check/check.mjs'));
  fs.copyFileSync(join(here, 'without-node.sh'), join(root, 'check/without-node.sh'));
  for (const [short, file] of Object.entries(released))
    fs.copyFileSync(join(release, file), join(root, 'check', short));
  const libc = `process.report.getReport().header.glibcVersionRuntime ?? 'none'`;
  const what = `. /etc/os-release; echo "$PRETTY_NAME, Node $(node --version), glibc $(node -p "${libc}")"`;
  console.log(`${name}: ${within(root, what)}`);
  for (const one of checks) await one(root, name, { hasPython });
}
if (values.keep === undefined) fs.rmSync(work, { recursive: true });
console.log(failed === 0 ? 'all work' : `${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
