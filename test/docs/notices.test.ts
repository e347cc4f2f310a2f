/** The site names the packages that are bundled into its pages, with their terms, and no others. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { siteRoot } from '../browser/support.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const notices = readFileSync(join(siteRoot, 'THIRD-PARTY.txt'), 'utf8');
const named = [...notices.matchAll(/^={78}\n(\S+) (\S+) \(/gm)].map(([, name = '']) => name);

const manifestOf = (name: string) =>
  JSON.parse(readFileSync(join(root, 'node_modules', name, 'package.json'), 'utf8'));

/** Packages that the site's scripts import. */
const imported = ['docs/playground', 'docs/site/assets', 'docs/reference/assets', 'docs/landing']
  .flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((name) =>
      join(root, folder, name),
    ),
  )
  .filter((path) => /\.(ts|js)$/.test(path))
  .flatMap((path) => [
    ...readFileSync(path, 'utf8').matchAll(
      /^(?:import|\}|export) (?!type )[^;]*?from '([^.:']+)'/gm,
    ),
  ])
  .map(([, name = '']) => name.split('/', name.startsWith('@') ? 2 : 1).join('/'));

test('each package that a script of the site imports is named with its version and terms', () => {
  expect(imported).toEqual(expect.arrayContaining(['minisearch', '@codemirror/view']));
  for (const name of new Set(imported)) {
    expect(notices).toContain(`\n${name} ${manifestOf(name).version} (`);
    const directory = join(root, 'node_modules', name);
    for (const file of readdirSync(directory).filter((one) => /^licen[cs]e/i.test(one)))
      expect(notices).toContain(readFileSync(join(directory, file), 'utf8').trim());
  }
});

test('no package is named that nothing of the site can have brought', () => {
  const reached = new Set([...imported, '@bjorn3/browser_wasi_shim', 'yaml']);
  for (const name of reached)
    if (existsSync(join(root, 'node_modules', name)))
      for (const one of Object.keys(manifestOf(name).dependencies ?? {})) reached.add(one);
  const packages = named.filter((name) => existsSync(join(root, 'node_modules', name)));
  expect(packages.filter((name) => !reached.has(name))).toEqual([]);
});

test('data of others is named where a page shows it', () => {
  const examples = join(root, 'docs/playground/examples');
  expect(readFileSync(join(examples, 'docker.policy'), 'utf8')).toContain('moby 26.1');
  expect(notices).toContain('\nmoby 26.1 (Apache-2.0)');
  expect(named).toEqual(expect.arrayContaining(['systemd', 'firejail', 'wasi-libc']));
});

test('the first page links to it', () => {
  expect(readFileSync(join(siteRoot, 'index.html'), 'utf8')).toContain('href="THIRD-PARTY.txt"');
});
