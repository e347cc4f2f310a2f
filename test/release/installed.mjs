/**
 * The launch tests with what `npm run release` made: the files of the Debian package for this processor, in place of the
 * build in dist.
 *
 *     npm run nightly -- installed [files and --options=VALUE of vitest run]
 */
import { execFileSync, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const checkout = fileURLToPath(new URL('../..', import.meta.url));
const release = join(checkout, 'build/release');
const debian = { x64: 'amd64', arm64: 'arm64' }[process.arch];
const deb = fs.readdirSync(release).find((name) => name.endsWith(`_${debian}.deb`));
if (deb === undefined) throw new Error(`${release} has no package for ${debian}`);
const work = fs.mkdtempSync('/var/tmp/wasbox-installed-');
try {
  fs.chmodSync(work, 0o755);
  execFileSync('dpkg-deb', ['-x', join(release, deb), work]);
  const words = ['test/run.mjs', '--project=launch*', ...process.argv.slice(2)];
  const { status } = spawnSync(process.execPath, words, {
    cwd: checkout,
    stdio: 'inherit',
    env: { ...process.env, WASBOX_TEST_INSTALLED: join(work, 'usr/lib/wasbox') },
  });
  process.exitCode = status ?? 1;
} finally {
  fs.rmSync(work, { recursive: true });
}
