// A Debian package of a standalone installation. Needs dpkg-deb.

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, lstatSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { gzipSync } from 'node:zlib';
import { appArmorProfile } from './apparmor.mjs';
import { filesOf, nativeCommand, settle, standaloneTree, write } from './tree.mjs';

export const debianArchitectures = { x64: 'amd64', arm64: 'arm64' };

const maintainer = 'The wasbox authors <wasbox@localhost>';

const notes = '/var/lib/wasbox-apparmor';

/**
 * The profile is for AppArmor 4. An older parser refuses the word `userns`, and its init script would fail at each boot;
 * such a parser is told to pass it over, as the administrator would tell it. Whether it is older says the parser itself,
 * not its version; dpkg asks again when another AppArmor is installed (DEBIAN/triggers). What the package made is noted in
 * a directory that only it has: /var/lib/wasbox is the home of workers (docs/deploy/systemd).
 */
const postinst = `#!/bin/sh
set -e
profile=/etc/apparmor.d/wasbox
disabled=/etc/apparmor.d/disable/wasbox
notes=${notes}

parses() { apparmor_parser --skip-kernel-load --skip-cache --quiet "$profile" >/dev/null 2>&1; }

set_up_profile() {
  [ -e "$profile" ] && command -v apparmor_parser >/dev/null || return 0
  if [ -e "$notes/disabled" ]; then
    rm -f "$disabled" "$notes/disabled"
  elif [ -e "$disabled" ] || [ -L "$disabled" ]; then
    return 0 # the administrator's
  fi
  if ! parses; then
    mkdir -p "$notes"
    if [ ! -d /etc/apparmor.d/disable ]; then
      : >"$notes/directory"
      mkdir /etc/apparmor.d/disable
    fi
    : >"$notes/disabled"
    ln -sf "$profile" "$disabled"
  elif [ "$(cat /sys/module/apparmor/parameters/enabled 2>/dev/null)" = Y ]; then
    apparmor_parser --replace "$profile" ||
      echo 'wasbox: its AppArmor profile could not be loaded; see: wasbox doctor' >&2
  fi
}

case "$1" in
  configure | triggered | abort-remove) set_up_profile ;;
esac
`;
/** The profile stays until it is purged, as conffiles do, and with it that an old parser passes it over. */
const postrm = `#!/bin/sh
set -e
case "$1" in
  purge)
    [ ! -e ${notes}/disabled ] || rm -f /etc/apparmor.d/disable/wasbox
    # Other packages have files there, and apparmor the directory itself.
    [ ! -e ${notes}/directory ] ||
      rmdir --ignore-fail-on-non-empty /etc/apparmor.d/disable 2>/dev/null || true
    rm -rf ${notes}
    ;;
esac
`;
const prerm = `#!/bin/sh
set -e
if [ "$1" = remove ] && [ -e /etc/apparmor.d/wasbox ] &&
  command -v apparmor_parser >/dev/null &&
  [ "$(cat /sys/module/apparmor/parameters/enabled 2>/dev/null)" = Y ]; then
  apparmor_parser --remove /etc/apparmor.d/wasbox 2>/dev/null || true
fi
`;

/** The scripts that dpkg runs as root, by name. */
export const maintainerScripts = { postinst, prerm, postrm };

/** A change of the parser, which may know the profile then. Older packages name it without /usr. */
const triggers = ['/usr/sbin', '/sbin']
  .map((place) => `interest-noawait ${place}/apparmor_parser\n`)
  .join('');

/** Warnings of lintian that are meant so: a package of upstream's, outside of Debian. */
const overrides = `# Not built by Debian: no bug of its archive is closed.
wasbox: initial-upload-closes-no-bugs
# The project has no mail address; its issues are on its page.
wasbox: bogus-mail-host-in-debian-changelog *
wasbox: bogus-mail-host *
# They need no C library, so that they run beside each, or are linked with musl.
wasbox: statically-linked-binary *
# Node's addon names no library: it works with each libc, and finds what it calls in Node.
wasbox: shared-library-lacks-prerequisites *
# A shell script and JavaScript in one file; dash and Node read it.
wasbox: shell-script-fails-syntax-check *
# Names that wasbox hides, shows or explains; it starts no editor and reads no database of dpkg's.
wasbox: missing-depends-on-sensible-utils *
wasbox: uses-dpkg-database-directly *
`;

const control = ({ arch, version, size }) => `Package: wasbox
Version: ${version}
Architecture: ${debianArchitectures[arch]}
Maintainer: ${maintainer}
Installed-Size: ${size}
Suggests: nodejs (>= 20.18)
Section: utils
Priority: optional
Description: run untrusted scripts in a sandbox, with one command
 No root, no daemon, no image, no configuration. What a run changed is reviewed
 afterwards, and applied or discarded.
 .
 The command runs without Node.js, but for some verbs: session, exec, image, mcp
 and worker, and international domain names, need Node.js 20.18 or newer (not
 21, nor 22.0 to 22.2), and so does the library.
`;

/** Debian wants one in its own format; the release's notes are in CHANGELOG.md. */
function changelog(version, epoch) {
  const date = new Date(epoch * 1000).toUTCString().replace('GMT', '+0000');
  return `wasbox (${version}) unstable; urgency=medium

  * Release ${version}: see /usr/share/doc/wasbox/CHANGELOG.md.

 -- ${maintainer}  ${date}
`;
}

/**
 * Writes the package.
 * @param {{ root: string, work: string, file: string, arch: string, version: string, epoch: number }} how
 */
export function makeDeb({ root, work, file, arch, version, epoch }) {
  const tree = join(work, `deb-${arch}`);
  standaloneTree(root, join(tree, 'usr'), arch, 'vendor-completions');
  write(join(tree, 'etc/apparmor.d/wasbox'), appArmorProfile(nativeCommand('/usr', arch)));
  write(join(tree, 'usr/share/lintian/overrides/wasbox'), overrides);
  const changes = gzipSync(changelog(version, epoch), { level: 9 });
  write(join(tree, 'usr/share/doc/wasbox/changelog.gz'), changes);
  settle(tree, epoch);
  const files = [...filesOf(tree)].filter((path) => lstatSync(path).isFile());
  const bytes = files.reduce((sum, path) => sum + lstatSync(path).size, 0);
  const sums = files.map((path) => {
    const sum = createHash('md5').update(readFileSync(path)).digest('hex');
    return `${sum}  ${relative(tree, path)}\n`;
  });
  const size = Math.ceil(bytes / 1024);
  write(join(tree, 'DEBIAN/control'), control({ arch, version, size }));
  write(join(tree, 'DEBIAN/conffiles'), '/etc/apparmor.d/wasbox\n');
  write(join(tree, 'DEBIAN/triggers'), triggers);
  write(join(tree, 'DEBIAN/md5sums'), sums.join(''));
  for (const [name, text] of Object.entries(maintainerScripts)) {
    write(join(tree, `DEBIAN/${name}`), text);
    chmodSync(join(tree, `DEBIAN/${name}`), 0o755);
  }
  settle(join(tree, 'DEBIAN'), epoch);
  settle(tree, epoch);
  execFileSync('dpkg-deb', ['--root-owner-group', '-Zxz', '--build', tree, file], {
    env: { ...process.env, SOURCE_DATE_EPOCH: `${epoch}` },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}
