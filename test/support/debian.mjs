// Finds Debian for the suites that make root file systems and kernels of its packages.
import { execFileSync } from 'node:child_process';

/** Debian's own, with the keys that every distribution's package debian-archive-keyring has. */
const official = {
  uri: 'http://deb.debian.org/debian/',
  key: '/usr/share/keyrings/debian-archive-keyring.gpg',
};

/**
 * Returns the first source among apt's that is Debian itself, not its security archive; Debian's own where apt has another
 * distribution's, as on the workflows' machines.
 * @param {string} targets lines of `apt-get indextargets --format FORMAT`
 */
export function debianAmong(targets) {
  const found = targets.split('\n').find((line) => line.startsWith('Packages|Debian|Debian|'));
  if (found === undefined) return official;
  const [, , , uri, key] = found.split('|');
  return { uri, key: key.startsWith('/') ? key : undefined };
}

/** Where this machine gets Debian from. */
export function debianSource() {
  const format = '$(CREATED_BY)|$(ORIGIN)|$(LABEL)|$(REPO_URI)|$(SIGNED_BY)';
  const words = ['indextargets', '--format', format];
  return debianAmong(execFileSync('apt-get', words, { encoding: 'utf8' }));
}
