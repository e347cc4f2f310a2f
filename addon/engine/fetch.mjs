// `npm run engine`: fetches the engine's sources with apt where they are missing, and compiles them for this machine.
// `fetch.mjs --within SECONDS`, which `npm ci` runs: fetches them, and leaves it to the build to say that they are missing.
import { spawnSync } from 'node:child_process';
import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { haveLibraries, makeLibraries } from './libraries.mjs';
import { isWhole, missingSources, sourceFolder } from './sources.mjs';

const official = 'http://deb.debian.org/debian/';

const within = process.argv[2] === '--within' ? Number(process.argv[3]) : undefined;
const deadline = performance.now() + (within ?? 600) * 1000;

/** Runs a program of apt's until the deadline; its helper is not in the user's PATH. */
function apt(program, words, stdout) {
  const timeout = Math.max(1, Math.ceil(deadline - performance.now()));
  const env = { ...process.env, PATH: `${process.env.PATH}:/usr/lib/apt` };
  const stdio = ['ignore', stdout, 'ignore'];
  return spawnSync(program, words, {
    encoding: 'utf8',
    env,
    killSignal: 'SIGKILL',
    stdio,
    timeout,
  });
}

/** The mirrors that apt is set up with, then Debian's own. What they send is judged by its hash. */
function mirrors() {
  const { stdout } = apt('apt-get', ['indextargets', '--format', '$(REPO_URI)'], 'pipe');
  const set = (stdout ?? '').split('\n').filter((line) => /^https?:.*\/debian\/$/.test(line));
  return [...new Set([...set, official])];
}

/** Fetches a source with apt; returns whether it is there. */
function fetchSource(source) {
  mkdirSync(sourceFolder, { recursive: true });
  const path = join(sourceFolder, source.file);
  // Another build may be fetching the same source.
  const part = `${path}.${process.pid}.part`;
  for (const mirror of mirrors()) {
    if (performance.now() >= deadline) return false;
    const url = `${mirror}pool/${source.pool}/${source.file}`;
    const how = ['download-file', url, part, `SHA256:${source.sha256}`];
    const { status } = apt('apt-helper', how, 'ignore');
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

if (within !== undefined) {
  try {
    if (!haveLibraries(process.arch)) missingSources().every(fetchSource);
  } catch {
    // A cache directory that cannot be written to is as good as no network.
  }
  process.exit(0);
}
const failed = missingSources().filter((source) => !fetchSource(source));
if (failed.length > 0) {
  console.error(
    `wasbox: these sources of the engine could not be fetched with apt. Put each there by hand:\n${failed.map(howToGet).join('\n')}`,
  );
  process.exit(1);
}
makeLibraries(process.arch);
console.log(`The engine's sources are in ${sourceFolder}. Now: npm run build`);
