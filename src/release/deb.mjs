// A Debian package of a standalone installation. Needs dpkg-deb.

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { filesOf, settle, standaloneTree } from './tree.mjs';

export const debianArchitectures = { x64: 'amd64', arm64: 'arm64' };

/** Where Ubuntu keeps user namespaces from programs without a profile, and nowhere else: older parsers know no `userns`. */
const postinst = `#!/bin/sh
set -e
if [ "$1" = configure ] && [ -e /proc/sys/kernel/apparmor_restrict_unprivileged_userns ]; then
  cp /usr/share/wasbox/apparmor /etc/apparmor.d/wasbox
  apparmor_parser -r /etc/apparmor.d/wasbox ||
    echo 'wasbox: its AppArmor profile could not be loaded; see: wasbox doctor' >&2
fi
`;
const postrm = `#!/bin/sh
set -e
if [ "$1" = remove ] || [ "$1" = purge ]; then
  if [ -e /etc/apparmor.d/wasbox ]; then
    apparmor_parser -R /etc/apparmor.d/wasbox 2>/dev/null || true
    rm -f /etc/apparmor.d/wasbox
  fi
fi
`;

/**
 * Writes the package.
 * @param {{ root: string, work: string, file: string, arch: string, version: string, epoch: number }} how
 */
export function makeDeb({ root, work, file, arch, version, epoch }) {
  const tree = join(work, `deb-${arch}`);
  standaloneTree(root, join(tree, 'usr'), { arch, installed: '/usr' });
  settle(tree, epoch);
  const files = [...filesOf(tree)].filter((path) => lstatSync(path).isFile());
  const bytes = files.reduce((sum, path) => sum + lstatSync(path).size, 0);
  const control = `Package: wasbox
Version: ${version}
Architecture: ${debianArchitectures[arch]}
Maintainer: The wasbox authors <wasbox@localhost>
Installed-Size: ${Math.ceil(bytes / 1024)}
Suggests: nodejs (>= 20.18)
Section: utils
Priority: optional
Description: run untrusted scripts in a sandbox, with one command
 No root, no daemon, no image, no configuration. What a run changed is reviewed
 afterwards, and applied or discarded. The library needs Node.js 20.18 or newer
 (not 21, nor 22.0 to 22.2); the command does not.
`;
  const sums = files.map((path) => {
    const sum = createHash('md5').update(readFileSync(path)).digest('hex');
    return `${sum}  ${relative(tree, path)}\n`;
  });
  const meta = join(tree, 'DEBIAN');
  mkdirSync(meta);
  writeFileSync(join(meta, 'control'), control);
  writeFileSync(join(meta, 'md5sums'), sums.join(''));
  writeFileSync(join(meta, 'postinst'), postinst, { mode: 0o755 });
  writeFileSync(join(meta, 'postrm'), postrm, { mode: 0o755 });
  settle(meta, epoch);
  settle(tree, epoch);
  execFileSync('dpkg-deb', ['--root-owner-group', '-Zxz', '--build', tree, file], {
    env: { ...process.env, SOURCE_DATE_EPOCH: `${epoch}` },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}
