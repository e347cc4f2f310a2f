// Lays out what a standalone installation consists of, below one prefix: the same files for the tarball (its top
// directory) and the .deb (/usr). `bin/wasbox` is a link to the native command, which finds the rest from there.
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';

/** The folders of the package that only projects that import it need. */
const forProjects = new Set(['types']);

export function write(path, content) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}

/** Zsh of Debian looks in /usr/share/zsh/vendor-completions, and every zsh in /usr/local/share/zsh/site-functions. */
const completions = (zsh) => ({
  bash: 'share/bash-completion/completions/wasbox',
  zsh: `share/zsh/${zsh}/_wasbox`,
  fish: 'share/fish/vendor_completions.d/wasbox.fish',
});

/** Where the native command is below a prefix. */
export const nativeCommand = (prefix, arch) =>
  `${prefix}/lib/wasbox/dist/native/linux-${arch}/wasbox`;

/**
 * Fills a prefix.
 * @param {string} root of the built checkout
 * @param {string} prefix directory that is made
 * @param {string} arch
 * @param {'site-functions' | 'vendor-completions'} zsh folder of zsh's completion
 */
export function standaloneTree(root, prefix, arch, zsh) {
  const dist = join(prefix, 'lib/wasbox/dist');
  mkdirSync(dist, { recursive: true });
  for (const name of readdirSync(join(root, 'dist'))) {
    if (name === 'native' || forProjects.has(name)) continue;
    cpSync(join(root, 'dist', name), join(dist, name), { recursive: true });
  }
  const native = `native/linux-${arch}`;
  cpSync(join(root, 'dist', native), join(dist, native), { recursive: true });
  cpSync(join(root, 'package.json'), join(prefix, 'lib/wasbox/package.json'));
  mkdirSync(join(prefix, 'bin'));
  symlinkSync(`../lib/wasbox/dist/${native}/wasbox`, join(prefix, 'bin/wasbox'));
  const manual = readFileSync(join(root, 'dist/man/wasbox.1'));
  write(join(prefix, 'share/man/man1/wasbox.1.gz'), gzipSync(manual, { level: 9 }));
  const cli = join(root, 'dist/cli.js');
  for (const [shell, path] of Object.entries(completions(zsh))) {
    write(join(prefix, path), execFileSync(process.execPath, [cli, 'completion', shell]));
  }
  const documents = join(prefix, 'share/doc/wasbox');
  for (const name of ['README.md', 'CHANGELOG.md', 'SECURITY.md'])
    write(join(documents, name), readFileSync(join(root, name)));
  const terms = readFileSync(join(root, 'LICENSE'), 'utf8');
  const others =
    'Code and data of others in it, with their terms: THIRD-PARTY.txt beside this file.\n';
  write(join(documents, 'copyright'), `${terms}\n${others}`);
  write(join(documents, 'THIRD-PARTY.txt'), readFileSync(join(root, 'dist/THIRD-PARTY.txt')));
  cpSync(join(root, 'docs/examples'), join(documents, 'examples'), { recursive: true });
}

/** Every file below a directory, sorted, directories before what is in them. */
export function* filesOf(directory) {
  for (const name of readdirSync(directory).sort()) {
    const path = join(directory, name);
    yield path;
    if (lstatSync(path).isDirectory()) yield* filesOf(path);
  }
}

/** Modes and times that depend on nothing but the sources: no umask, no clock. */
export function settle(directory, epoch) {
  for (const path of [...filesOf(directory)].reverse().concat(directory)) {
    const stat = lstatSync(path);
    if (!stat.isSymbolicLink())
      chmodSync(path, stat.isDirectory() || (stat.mode & 0o100) !== 0 ? 0o755 : 0o644);
    lutimesSync(path, epoch, epoch);
  }
}
