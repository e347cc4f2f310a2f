// Says which build is tested: this checkout's, or with WASBOX_TEST_INSTALLED=DIR the package that is installed in DIR,
// as npm and the release's other artefacts install it (`/usr/lib/wasbox`): its command, its library, its native part.
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const checkout = fileURLToPath(new URL('../..', import.meta.url));
const given = process.env.WASBOX_TEST_INSTALLED;

export const isInstalled = given !== undefined;

/** The directory that has the package's `dist` and package.json. */
export const builtPackage = given === undefined ? checkout : resolve(given);

export const builtDist = join(builtPackage, 'dist');

/** The addon of that build, also for tests that import the sources. Called once for each process of tests. */
export function useBuilt() {
  if (isInstalled) process.env.WASBOX_NATIVE_DIR ??= join(builtDist, 'native');
}

/** Matches the files of an installed package. */
export const installedFiles = isInstalled
  ? [new RegExp(`^(file://)?${builtDist.replace(/[^\w/-]/g, '\\$&')}/`)]
  : [];

/**
 * Gives tests that import the sources' index the installed library in its place.
 * @returns {import('vite').Plugin}
 */
export const installedLibrary = {
  name: 'installed-library',
  enforce: 'pre',
  resolveId(source, importer = '') {
    if (!isInstalled || !importer.startsWith(join(checkout, 'test'))) return undefined;
    const isIndex = resolve(dirname(importer), source) === join(checkout, 'src/index.js');
    return isIndex ? join(builtDist, 'index.js') : undefined;
  },
};
