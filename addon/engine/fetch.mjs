// `npm run engine`: fetches the engine's sources with apt where they are missing, and compiles them for this machine.
import { spawnSync } from 'node:child_process';
import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { makeLibraries } from './libraries.mjs';
import { isWhole, missingSources, sourceFolder } from './sources.mjs';

const helper = '/usr/lib/apt/apt-helper';
const official = 'http://deb.debian.org/debian/';

/** The mirrors that apt is set up with, then Debian's own. What they send is judged by its hash. */
function mirrors() {
  const { stdout } = spawnSync('apt-get', ['indextargets', '--format', '$(REPO_URI)'], {
    encoding: 'utf8',
  });
  const set = (stdout ?? '').split('\n').filter((line) => /^https?:.*\/debian\/$/.test(line));
  return [...new Set([...set, official])];
}

/** Fetches a source with apt; returns whether it is there. */
function fetchSource(source) {
  mkdirSync(sourceFolder, { recursive: true });
  const path = join(sourceFolder, source.file);
  for (const mirror of mirrors()) {
    const url = `${mirror}pool/${source.pool}/${source.file}`;
    const part = `${path}.part`;
    const how = ['download-file', url, part, `SHA256:${source.sha256}`];
    const { status } = spawnSync(helper, how, { stdio: ['ignore', 'ignore', 'ignore'] });
    if (status === 0 && isWhole(part, source)) {
      renameSync(part, path);
      return true;
    }
    rmSync(part, { force: true });
  }
  return false;
}

const howToGet = (source) =>
  `${source.file}
  from   ${official}pool/${source.pool}/${source.file}
  to     ${join(sourceFolder, source.file)}
  sha256 ${source.sha256}`;

const failed = missingSources().filter((source) => !fetchSource(source));
if (failed.length > 0) {
  console.error(
    `wasbox: these sources of the engine could not be fetched with apt. Put each there by hand:\n${failed.map(howToGet).join('\n')}`,
  );
  process.exit(1);
}
makeLibraries(process.arch);
console.log(`The engine's sources are in ${sourceFolder}. Now: npm run build`);
