// Scripts for the clean root of run.mjs, one for each artefact of a release: installed, used, removed, and nothing is left.
import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

const checkout = fileURLToPath(new URL('../..', import.meta.url));
const { version } = JSON.parse(readFileSync(`${checkout}package.json`, 'utf8'));
const debian = { x64: 'amd64', arm64: 'arm64' }[process.arch];
const other = process.arch === 'x64' ? 'arm64' : 'x64';
const emulator = { arm64: 'qemu-aarch64', x64: 'qemu-x86_64' }[other];

/** The files of the system, but for what dpkg notes and what people have. */
const inventory = (file) =>
  `find / -xdev \\( -path /root -o -path /home -o -path /tmp -o -path /run -o -path /proc -o -path /sys -o -path /dev \\
    -o -path /one -o -path /another -o -path /var/log -o -path /var/lib/dpkg -o -path /var/cache \\) -prune \\
    -o -printf '%p %y %m %u %g %l\\n' | sort >${file}`;

/** Writes a script to a file, which a shell of its own executes: `set -e` means nothing within `&&` and `||`. */
const scriptIn = (path, text) =>
  `echo ${Buffer.from(text).toString('base64')} | base64 -d >${path}; chmod 755 ${path}`;

/** Does the work of a user in a directory of its own. */
const work = `wasbox --version | grep -F 'wasbox ${version}'; d=$(mktemp -d ~/XXXXXX); cd $d
  wasbox run -q --discard -- echo inside | grep inside
  wasbox run -q -- sh -c 'echo 1 >made'; wasbox diff | grep made; test ! -e made; wasbox apply; test -e made
  wasbox run -q -- sh -c 'echo 2 >other'; wasbox diff | grep other; wasbox discard; test ! -e other
  for n in 1 2; do wasbox run -q --discard -- echo again | grep again; done
  wasbox policy groups | grep file-system >/dev/null; wasbox runs >/dev/null`;

/** Runs the same work as both. */
const asBoth = `${scriptIn('/tmp/work', work)}; sh -e /tmp/work; su me -c 'HOME=/home/me sh -e /tmp/work'`;

const withoutNode = (
  script,
) => `${scriptIn('/tmp/use', `if command -v node; then exit 1; fi\n${script}`)}
  mv /usr/local/bin/node /root/node; good=yes; sh -e /tmp/use || good=no
  mv /root/node /usr/local/bin/node; test $good = yes`;

/** An artefact whose removal leaves nothing; npm leaves an empty directory of manual pages. */
const installedAndRemoved = (install, use, remove) => `mkdir -p /usr/local/share/man/man1
  ${inventory('/root/before')}; ${install}
  ${use}
  ${remove}; ${inventory('/root/after')}; diff /root/before /root/after`;

const library = `import { run } from '/usr/local/lib/node_modules/wasbox/dist/index.js';
  const { stdout } = await run('echo', ['library'], { changes: 'discard' });
  console.log(stdout);`;

/** The tarball's, below its prefix. */
const completions = [
  'share/bash-completion/completions/wasbox',
  'share/zsh/site-functions/_wasbox',
  'share/fish/vendor_completions.d/wasbox.fish',
];

const inManual = `MANPAGER=cat MANWIDTH=80 man wasbox | grep -q 'wasbox run'`;
const completed = `bash -c '. /usr/share/bash-completion/bash_completion
  __load_completion wasbox || _comp_load wasbox; complete -p wasbox'`;

/**
 * @param release the directory of the artefacts, in the root
 * @returns names of cases, and their scripts
 */
export function artefacts(release) {
  const standalone = (arch) => `${release}/wasbox-${version}-linux-${arch}.tar.gz`;
  const deb = (arch) => `${release}/wasbox_${version}_${arch}.deb`;
  const parser = 'apparmor_parser --skip-kernel-load --skip-cache --debug /etc/apparmor.d/wasbox';
  const npm = 'npm --global --no-audit --no-fund --silent';
  const ofOther = (place) => {
    const native = `${place}/lib/wasbox/dist/native/linux-${other}`;
    return `test "$(${emulator} ${native}/wasbox-engine --version)" = 'wasbox ${version}'
      ${emulator} ${native}/wasbox-engine policy groups | grep file-system >/dev/null
      HOME=/tmp/nobody ${emulator} ${native}/wasbox-engine runs | grep 'No saved changes'`;
  };
  return [
    [
      'the sums are those of the files',
      `cd ${release}; sha256sum --check --strict --quiet SHA256SUMS`,
    ],
    [
      `the .deb of ${debian}: root and a user without Node, manual, completion, profile, purge`,
      installedAndRemoved(
        `dpkg --install ${deb(debian)}`,
        withoutNode(`${asBoth}; ${inManual}; ${completed}; ${parser} | grep 'Name:.*wasbox'`),
        'dpkg --purge wasbox',
      ),
    ],
    [
      `the tarball of ${process.arch}: root and a user without Node, manual, removal`,
      installedAndRemoved(
        `mkdir /opt/wasbox; tar -C /opt/wasbox --strip-components=1 -xzf ${standalone(process.arch)}`,
        withoutNode(`PATH=/opt/wasbox/bin:$PATH; export PATH; ${asBoth}
          MANPATH=/opt/wasbox/share/man ${inManual}`),
        'rm -r /opt/wasbox',
      ),
    ],
    [
      'the tarball in /usr/local, whose directories stay as they are, and its removal as the documentation has it',
      `umask 022; cd /usr/local; mkdir -p share/man/man1 ${completions.map(dirname).join(' ')}
      chmod 2775 /usr/local bin lib share; chgrp staff /usr/local bin lib share
      ${installedAndRemoved(
        `tar -C /usr/local --strip-components=1 -xzf ${standalone(process.arch)}`,
        withoutNode(`${asBoth}; ${inManual}; ${completed}; ls ${completions.join(' ')}`),
        `rm -r bin/wasbox lib/wasbox share/wasbox share/doc/wasbox share/man/man1/wasbox.1.gz ${completions.join(' ')}
        rmdir --ignore-fail-on-non-empty share/doc`,
      )}
      chmod 755 /usr/local bin lib share; chgrp root /usr/local bin lib share`,
    ],
    [
      "npm's tarball: root and a user, manual, library, removal",
      installedAndRemoved(
        `${npm} install ${release}/wasbox-${version}-npm.tgz`,
        `${asBoth}; MANPATH=/usr/local/share/man ${inManual}
        ${scriptIn('/tmp/library.mjs', library)}
        su me -c 'cd $(mktemp -d /home/me/XXXXXX); node /tmp/library.mjs' | grep library`,
        `${npm} uninstall wasbox`,
      ),
    ],
    [
      `the .deb and the tarball of ${other}, in the emulator`,
      `mkdir -p /tmp/other/deb /tmp/other/tar; dpkg-deb -x ${deb(other === 'x64' ? 'amd64' : other)} /tmp/other/deb
      tar -C /tmp/other/tar --strip-components=1 -xzf ${standalone(other)}
      ${ofOther('/tmp/other/deb/usr')}
      ${ofOther('/tmp/other/tar')}`,
    ],
  ];
}
