/** The policy core's module does not depend on the folder in which it is built. */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { needs } from '../support/needs.js';

const root = fileURLToPath(new URL('../../', import.meta.url));

// A release is made twice, in two folders, too.
needs('nightly run').test('the policy core is the same, built in another folder', () => {
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
