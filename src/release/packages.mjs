// Compares the packages of npm's that are installed with package-lock.json. main.mjs asks before it loads what needs them.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The packages that are not installed in the version that the lock has, whose hashes the bill of materials names. */
function notOfLock(root) {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  return Object.entries(packages).filter(([path, { version, optional }]) => {
    const manifest = join(root, path, 'package.json');
    if (!existsSync(manifest)) return !optional;
    return JSON.parse(readFileSync(manifest, 'utf8')).version !== version;
  });
}

/** Why no release can be made with these packages; one line a reason. */
export function packageFaults(root) {
  const others = notOfLock(root).map(([path, { version }]) => `${path || 'wasbox'} ${version}`);
  return others.length === 0
    ? []
    : [`these packages are not as package-lock.json has them (npm ci): ${others.join(', ')}`];
}
