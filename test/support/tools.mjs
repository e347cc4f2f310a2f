/**
 * Package managers, Bun, Deno and a newer Node, as test/tools/package.json lists them, and a registry with what uses it, as
 * test/tools/registry does: installed once from the registry, without scripts, into test/.build. Needs the registry the
 * first time.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const built = fileURLToPath(new URL('../.build/', import.meta.url));
const script = fileURLToPath(import.meta.url);

/** Returns where they are, by what their lock file says. */
function placeOf(from, which) {
  const lock = fs.readFileSync(join(from, 'package-lock.json'));
  const key = createHash('sha256').update(lock).digest('hex').slice(0, 12);
  return join(built, `${which.replace('/', '-')}-${key}`);
}

/**
 * Installs them unless they are there; returns their `node_modules`. Test files begin at the same time: one process
 * installs them, the others wait for it.
 * @param {'tools' | 'tools/registry'} which
 */
export function installTools(which = 'tools') {
  const from = fileURLToPath(new URL(`../${which}/`, import.meta.url));
  const place = placeOf(from, which);
  if (!fs.existsSync(place)) {
    fs.mkdirSync(built, { recursive: true });
    const argv = [`${place}.lock`, process.execPath, script, from, place];
    execFileSync('flock', argv, { stdio: ['ignore', 'ignore', 'inherit'] });
  }
  return join(place, 'node_modules');
}

/** Installs what a folder lists, unless another process did meanwhile. */
function install(from, place) {
  if (fs.existsSync(place)) return;
  const fresh = fs.mkdtempSync(`${place}-`);
  fs.chmodSync(fresh, 0o755);
  for (const name of ['package.json', 'package-lock.json'])
    fs.copyFileSync(join(from, name), join(fresh, name));
  const options = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  execFileSync('npm', ['ci', ...options], { cwd: fresh, stdio: ['ignore', 'ignore', 'inherit'] });
  fs.renameSync(fresh, place);
}

// `.ci/run` installs all of them, once for both passes.
if (process.argv[1] === script) {
  const [, , from, place] = process.argv;
  if (from !== undefined && place !== undefined) install(from, place);
  else for (const which of /** @type {const} */ (['tools', 'tools/registry'])) installTools(which);
}
