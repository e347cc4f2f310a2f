/** The build of the native part says what it lacks: a compiler, or the packages with Node's headers. */
import { execFileSync, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const work = fs.mkdtempSync(join(tmpdir(), 'wasbox-native-build-'));
const modules = join(work, 'node_modules');

beforeAll(() => {
  const how = { cwd: root, encoding: 'utf8' } as const;
  const names = execFileSync('git', ['ls-files', '-z', '--', 'addon', 'src'], how).split('\0');
  for (const name of [...names, 'package.json', 'package-lock.json'])
    if (name !== '' && fs.existsSync(join(root, name)))
      fs.cpSync(join(root, name), join(work, name));
  fs.mkdirSync(modules);
});
afterAll(() => fs.rmSync(work, { recursive: true }));

/** Returns what a script says that finds these packages alone, and its status. */
function said(packages: readonly string[], script: string, env = {}): [string, number | null] {
  for (const name of packages)
    fs.symlinkSync(join(root, 'node_modules', name), join(modules, name));
  const { stderr, stdout, status } = spawnSync(process.execPath, script.split(' '), {
    cwd: work,
    encoding: 'utf8',
    env: { ...process.env, ...env },
  });
  for (const name of packages) fs.rmSync(join(modules, name));
  return [stdout + stderr, status];
}

const headers = ['node-api-headers', 'node-addon-api'];
const cannot = `wasbox: the native part cannot be built for ${process.arch}: `;

test.each(headers)('without %s the build names it, and no compiler', (hidden) => {
  const others = headers.filter((name) => name !== hidden);
  const line = `${cannot}these packages of Node's headers are not installed: ${hidden} (npm ci)\n`;
  expect(said(others, 'addon/build.mjs')).toEqual([line, 1]);
});

test('without compilers the build names them, and no package', () => {
  const line = `${cannot}these programs are missing: gcc, g++, make\n`;
  expect(said(headers, 'addon/build.mjs', { PATH: join(work, 'none') })).toEqual([line, 1]);
});

test("without Node's headers the engine's objects are left out, without an error", () => {
  const others = ['node-addon-api', 'esbuild', '@esbuild', 'wabt'];
  expect(said(others, 'addon/engine/objects.mjs')).toEqual(['', 0]);
});
