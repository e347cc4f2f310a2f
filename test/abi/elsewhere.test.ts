/** The policy core's module does not depend on the folder in which it is built. */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));

test('the policy core is the same, built in another folder', { timeout: 1_800_000 }, () => {
  const elsewhere = mkdtempSync(join(tmpdir(), 'wasbox-elsewhere-'));
  try {
    const project = join(elsewhere, 'a longer', 'way down');
    mkdirSync(project, { recursive: true });
    cpSync(join(root, 'wasm-core'), join(project, 'wasm-core'), { recursive: true });
    symlinkSync(join(root, 'node_modules'), join(project, 'node_modules'));
    const build = ['wasm-core/build.mjs', '--out', join(elsewhere, 'out.wasm')];
    execFileSync(process.execPath, build, { cwd: project, stdio: 'pipe' });
    const made = readFileSync(join(elsewhere, 'out.wasm'));
    expect(made.equals(readFileSync(join(root, 'dist/wasbox-core.wasm')))).toBe(true);
  } finally {
    rmSync(elsewhere, { recursive: true });
  }
});
