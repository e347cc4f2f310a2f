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

/**
 * Installs them unless they are there; returns their `node_modules`.
 * @param {'tools' | 'tools/registry'} which
 */
export function installTools(which = 'tools') {
  const from = fileURLToPath(new URL(`../${which}/`, import.meta.url));
  const lock = fs.readFileSync(join(from, 'package-lock.json'));
  const key = createHash('sha256').update(lock).digest('hex').slice(0, 12);
  const place = join(built, `${which.replace('/', '-')}-${key}`);
  if (!fs.existsSync(place)) {
    fs.mkdirSync(built, { recursive: true });
    const fresh = fs.mkdtempSync(`${place}-`);
    fs.chmodSync(fresh, 0o755);
    for (const name of ['package.json', 'package-lock.json'])
      fs.copyFileSync(join(from, name), join(fresh, name));
    execFileSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], {
      cwd: fresh,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    try {
      fs.renameSync(fresh, place);
    } catch (error) {
      fs.rmSync(fresh, { recursive: true });
      if (!fs.existsSync(place)) throw error; // else another test file was faster
    }
  }
  return join(place, 'node_modules');
}
