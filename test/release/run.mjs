/**
 * Does the steps of the hosted workflow's job `release` (steps.mjs) in a clean root file system with the README's
 * prerequisites and the packages that the job installs, in two folders, which must give the same bytes. Then each artefact
 * is installed, used by root and by an ordinary user, without Node but for npm's, and removed (artefacts.mjs); and a
 * release is refused where a part is hidden.
 *
 *     npm run nightly -- release [--root FILE.tar] [--keep DIRECTORY]
 *
 * `--root` names a root file system of an earlier run, which is made there the first time. Needs root, mmdebstrap, and
 * the registries of apt and npm; changes nothing of this machine.
 */
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { run } from '../distros/roots.mjs';
import { addNetwork, addNode, makeRoot, within } from '../fresh/root.mjs';
import { artefacts } from './artefacts.mjs';
import { releaseSteps } from './steps.mjs';

const checkout = fileURLToPath(new URL('../..', import.meta.url));
const { values } = parseArgs({
  options: { root: { type: 'string' }, keep: { type: 'string' } },
});
const work = values.keep ?? fs.mkdtempSync('/var/tmp/wasbox-release-');
const root = join(work, 'root');
const archive = values.root ?? join(work, 'root.tar');
const other = { x64: 'aarch64', arm64: 'x86-64' }[process.arch];
const emulator = { x64: 'qemu-aarch64', arm64: 'qemu-x86_64' }[process.arch];
const { packages: ofJob, commands } = releaseSteps();
const packages = [
  ...['ca-certificates', 'gcc', 'g++', 'make', 'python3', 'git'],
  ...ofJob.map((name) => name.replace('aarch64', other)), // the job is an x64 machine's
  ...['man-db', 'bash-completion', 'apparmor'],
];
const engine = 'npm run engine';

let failed = 0;
let last = Date.now();
/** Says what a case came to, and how long it took. */
function check(name, good) {
  console.log(
    `${good ? 'ok    ' : 'FAILED'} ${name} (${Math.round((Date.now() - last) / 1000)} s)`,
  );
  last = Date.now();
  if (!good) failed += 1;
  return good;
}

const inRoot = (script) => within(root, ['sh', '-ec', `export HOME=/root LANG=C.UTF-8; ${script}`]);

/** Returns whether a release fails, and says this. */
const isRefused = (hidden, words) =>
  inRoot(`cd /one; ${hidden}
    if npm run --silent release >/tmp/said 2>&1; then exit 1; fi
    cat /tmp/said; grep -q "${words}" /tmp/said; test ! -e build/release || exit 1`);

const places = ['/one', '/another/folder'];

try {
  makeRoot(root, archive, packages);
  addNode(root);
  addNetwork(root);
  for (const place of places)
    run('git', ['clone', '--quiet', '--no-hardlinks', checkout, join(root, place)]);
  check(
    'a release without the sources is refused, and says so',
    commands.includes(engine) &&
      isRefused(
        commands
          .slice(0, -1)
          .filter((command) => command !== engine)
          .join('\n'),
        'no engine for arm64: its sources are not on this machine',
      ),
  );
  // A part that is hidden is told at once, so that these cases come before minutes of building.
  if (!inRoot(`cd /one; ${engine}`)) throw new Error('the sources could not be fetched');
  const hide = `d=$(dirname $(command -v ${emulator})); mv $d/${emulator} /root/hidden`;
  check(
    'a release without the emulator is refused, and says so',
    isRefused(hide, `these programs are missing: ${emulator}`),
  );
  inRoot(`mv /root/hidden /usr/bin/${emulator}`);
  const compiler = `${{ 'x86-64': 'x86_64' }[other] ?? other}-linux-gnu-gcc`;
  check(
    'a release without the cross compiler is refused, and says so',
    isRefused(
      `mv /usr/bin/${compiler} /root/hidden`,
      `no engine for .*: these programs are missing: ${compiler}`,
    ),
  );
  inRoot(`mv /root/hidden /usr/bin/${compiler}`);
  const hidden = ['@yowasp/clang', 'wabt'];
  check(
    "a release without what makes the policy core's module, and C of it, is refused, and says so",
    isRefused(
      hidden
        .map((name) => `mkdir -p /root/$(dirname ${name}); mv node_modules/${name} /root/${name}`)
        .join('; '),
      hidden.map((name) => `node_modules/${name} .*`).join(''),
    ),
  );
  inRoot(`cd /one; ${hidden.map((name) => `mv /root/${name} node_modules/${name}`).join('; ')}`);
  check(
    'a release without the terms of a package is refused, and says so',
    isRefused('rm node_modules/diff/LICENSE*', 'diff is in the package and has no licence file'),
  );
  for (const place of places)
    check(`${commands.join(', ')} in ${place}`, inRoot([`cd ${place}`, ...commands].join('\n')));
  const sums = places.map((place) =>
    fs.readFileSync(join(root, place, 'build/release/SHA256SUMS'), 'utf8'),
  );
  check('the same bytes in both folders', sums[0] === sums[1]);
  check(
    "each file of npm's tarball is accounted for, and the notices are true of what was linked",
    inRoot('cd /one; node test/run.mjs test/integration/tarball.test.ts'),
  );
  execFileSync('chroot', [root, 'useradd', '--create-home', '--shell', '/bin/sh', 'me']);
  for (const [name, script] of artefacts('/one/build/release')) check(name, inRoot(script));
  const deb = '/usr/bin/dpkg-deb';
  const breaks = Buffer.from(
    `#!/bin/sh\ncase "$*" in *--build*arm64.deb) exit 9 ;; esac\nexec /root/hidden "$@"\n`,
  ).toString('base64');
  check(
    'a release that fails while it packs leaves the earlier one whole, and nothing of its own',
    inRoot(`cd /one; ls -A build >/root/names; ls -A /tmp | grep wasbox-release- >/root/packing || true
      mv ${deb} /root/hidden; echo ${breaks} | base64 -d >${deb}; chmod 755 ${deb}
      failed=no; npm run --silent release >/tmp/said 2>&1 || failed=yes; mv /root/hidden ${deb}
      cat /tmp/said; test $failed = yes; grep -q 'Command failed: dpkg-deb.*arm64.deb' /tmp/said
      ls -A build | diff /root/names -; (ls -A /tmp | grep wasbox-release- || true) | diff /root/packing -
      cd build/release; sha256sum --check --strict --quiet SHA256SUMS
      test "$(cat SHA256SUMS)" = "$(cat /another/folder/build/release/SHA256SUMS)"`),
  );
} finally {
  if (values.keep === undefined) fs.rmSync(work, { recursive: true, force: true });
}
process.exitCode = failed === 0 ? 0 : 1;
