/**
 * Package managers, Bun, Deno and a newer Node, as test/tools/package.json lists them: installed once from the
 * registry, without scripts, into test/.build. Needs the registry the first time.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const from = fileURLToPath(new URL('../tools/', import.meta.url));
const built = fileURLToPath(new URL('../.build/', import.meta.url));

/** Installs them unless they are there; returns their `node_modules`. */
export function installTools() {
  const lock = fs.readFileSync(join(from, 'package-lock.json'));
  const key = createHash('sha256').update(lock).digest('hex').slice(0, 12);
  const place = join(built, `tools-${key}`);
  if (!fs.existsSync(place)) {
    fs.mkdirSync(built, { recursive: true });
    const fresh = fs.mkdtempSync(`${place}-`);
    fs.chmodSync(fresh, 0o755);
    for (const name of ['package.json', 'package-lock.json'])
      fs.copyFileSync(join(from, name), join(fresh, name));
    execFileSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
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
