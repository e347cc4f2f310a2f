/**
 * Tests what npm's tarball has: each file is accounted for, and whose code is in the bundles and executables is what
 * the notices and the bill of materials say. The oracle for the bundles is the text of the packages themselves, not
 * esbuild's account.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { sources } from '../../addon/engine/sources.mjs';
import { buildEngine } from '../support/engine/build.js';
import { needs } from '../support/needs.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const dist = join(root, 'dist');
const read = (path: string) => fs.readFileSync(join(root, path), 'utf8');

interface Part {
  readonly name: string;
  readonly version: string;
  readonly purl: string;
}
const bill = JSON.parse(read('dist/sbom.cdx.json')).components as Part[];
const notices = read('dist/THIRD-PARTY.txt');

describe("npm's tarball", () => {
  let packed: string[] = [];
  let tracked = new Set<string>();
  beforeAll(() => {
    const args = ['pack', '--dry-run', '--ignore-scripts', '--json'];
    const [{ files }] = JSON.parse(execFileSync('npm', args, { cwd: root, encoding: 'utf8' }));
    packed = files.map(({ path }: { path: string }) => path);
    const listed = execFileSync('git', ['ls-files', '-z'], { cwd: root, encoding: 'utf8' });
    tracked = new Set(listed.split('\0'));
  });

  const isTracked = (path: string) => tracked.has(path);
  /** Says what each file is, and what must hold of it. */
  const kinds: readonly [what: string, path: RegExp, holds: (path: string) => boolean][] = [
    [
      'a document of the checkout',
      /^(package\.json|LICENSE|(README|CHANGELOG|SECURITY)\.md)$/,
      isTracked,
    ],
    ['an example of the documentation', /^docs\/examples\//, isTracked],
    [
      'types of a source file',
      /^dist\/types\/.*\.d\.ts$/,
      (path) => isTracked(path.replace('dist/types', 'src').replace(/\.d\.ts$/, '.ts')),
    ],
    [
      'a bundle',
      /^dist\/(index|policy|mcp|image-store|worker|bullmq|session-owner)\.js$/,
      () => true,
    ],
    ['a part of the library', /^dist\/part-[0-9A-Z]{8}\.js$/, () => true],
    ['a part of the command', /^dist\/cli(-main|-policy)?\.c?js$/, () => true],
    ["V8's code for the command", /^dist\/cli-main\.[\w.-]+\.cache$/, () => true],
    ["npm's bin", /^dist\/bin\/(wasbox\.bin|package\.json)$/, () => true],
    [
      'an executable or the addon',
      /^dist\/native\/linux-(x64|arm64)\/wasbox(-init|-engine|\.node)?$/,
      (path) => fs.readFileSync(join(root, path)).readUInt32BE(0) === 0x7f454c46,
    ],
    ['the policy core', /^dist\/wasbox-core\.wasm(\.hash)?$/, () => true],
    [
      'a compiled policy',
      /^dist\/filters\/[a-z-]+\.(x86_64|aarch64)\.bpf$/,
      (path) => {
        const [, , name = ''] = path.split('/');
        return isTracked(`wasm-core/policies/${name.split('.')[0]}.policy`);
      },
    ],
    ['tables of the policy core', /^dist\/tables\/(x86_64|aarch64)\.json$/, () => true],
    ['the manual', /^dist\/man\/wasbox\.1$/, () => true],
    [
      "the report's schema",
      /^dist\/report\.schema\.json$/,
      (path) => read(path) === read('src/report/report.schema.json'),
    ],
    ['whose code is in it', /^dist\/(THIRD-PARTY\.txt|sbom\.cdx\.json)$/, () => true],
  ];

  test('has no file that is not accounted for', () => {
    const found = packed.map((path) => ({ path, are: kinds.filter(([, one]) => one.test(path)) }));
    expect(found.filter(({ are }) => are.length !== 1).map(({ path }) => path)).toEqual([]);
    const wrong = found.filter(({ path, are }) => are.some(([, , holds]) => !holds(path)));
    expect(wrong.map(({ path }) => path)).toEqual([]);
    // The control: nothing passes that is not there on purpose.
    for (const path of ['dist/extra.js', 'dist/types/x.ts', 'src/index.ts', 'dist/native/core'])
      expect(kinds.some(([, one]) => one.test(path))).toBe(false);
  });

  test('has a file of each kind, but that a release has no code of V8', () => {
    const absent = kinds.filter(([, one]) => !packed.some((path) => one.test(path)));
    const names = absent.map(([what]) => what);
    expect(names.filter((what) => what !== "V8's code for the command")).toEqual([]);
  });
});

/** Sentences in the scripts of a package: its messages, as a rule. */
function sentences(directory: string, found = new Set<string>()): Set<string> {
  for (const entry of fs.readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) {
      if (!/^(node_modules|tests?|docs|examples?|bench)$/.test(entry.name)) sentences(path, found);
    } else if (/\.[cm]?js$/.test(entry.name) && fs.statSync(path).size < 400_000) {
      const text = fs.readFileSync(path, 'utf8');
      for (const [, , words = ''] of text.matchAll(
        /(["'])([A-Z][\w,.:'()-]* [\w ,.:'()-]{18,80})\1/g,
      ))
        found.add(words);
    }
  }
  return found;
}

test('a package whose messages are in the bundles is in the notices and the bill of materials', () => {
  const lock = JSON.parse(read('package-lock.json')).packages as Record<string, unknown>;
  const names = Object.keys(lock)
    .filter((path) => /^node_modules\/((?!node_modules).)+$/.test(path))
    .filter((path) => fs.existsSync(join(root, path)))
    .map((path) => path.slice('node_modules/'.length));
  const of = new Map(names.map((name) => [name, sentences(join(root, 'node_modules', name))]));
  const owners = new Map<string, number>();
  for (const all of of.values())
    for (const words of all) owners.set(words, (owners.get(words) ?? 0) + 1);
  const text = fs
    .readdirSync(dist)
    .filter((name) => /\.c?js$/.test(name))
    .map((name) => fs.readFileSync(join(dist, name), 'utf8'))
    .join('\n');
  const found = names.filter((name) => {
    const own = [...(of.get(name) ?? [])].filter((words) => owners.get(words) === 1);
    const there = own.filter((words) => text.includes(words)).length;
    // One of many is a coincidence.
    return there > 0 && (there > 1 || there * 10 > own.length);
  });
  expect(found).toEqual(expect.arrayContaining(['ajv', 'fast-fifo', 'tar-stream', 'yaml', 'zod']));
  const notNamed = (parts: readonly Part[]) =>
    found.filter((name) => !parts.some((part) => part.name === name));
  expect(notNamed(bill)).toEqual([]);
  // The control: a bill without one of them.
  expect(notNamed(bill.filter(({ name }) => name !== 'yaml'))).toEqual(['yaml']);
});

test('a package in the bill is the one that is installed, and something of the sources needs it', () => {
  const manifest = (name: string) => JSON.parse(read(`node_modules/${name}/package.json`));
  const packages = bill.filter(({ purl }) => purl.startsWith('pkg:npm/'));
  const scripts = fs.readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' });
  const imported = scripts
    .filter((name) => name.endsWith('.ts'))
    .flatMap((name) => [...read(`src/${name}`).matchAll(/\b(?:from|import\() ?'([^.:'][^:']*)'/g)])
    .map(([, name = '']) => name.split('/', name.startsWith('@') ? 2 : 1).join('/'));
  const reached = new Set([...imported, 'node-addon-api', '@yowasp/clang', 'wabt']);
  for (const name of reached)
    if (fs.existsSync(join(root, 'node_modules', name, 'package.json')))
      for (const one of Object.keys(manifest(name).dependencies ?? {})) reached.add(one);
  for (const { name, version, purl } of packages) {
    const [, own = ''] = /^pkg:npm\/(.*)@[^@]*$/.exec(purl) ?? [];
    const installed = own.replace('%40', '@');
    expect([name, version]).toEqual([name, manifest(installed).version]);
    expect(reached.has(installed), name).toBe(true);
  }
});

needs('wasbox-engine').test('the engine has in it what the notices say', () => {
  const engine = fs.readFileSync(join(dist, 'native', `linux-${process.arch}`, 'wasbox-engine'));
  const words = { quickjs: sources.quickjs.version, zlib: 'incorrect header check' };
  for (const [name, text] of Object.entries(words)) expect(engine.includes(text), name).toBe(true);
  for (const { name, version, sha256 } of Object.values(sources)) {
    const part = bill.find((one) => one.name === name);
    expect(part).toMatchObject({ version, hashes: [{ alg: 'SHA-256', content: sha256 }] });
    expect(notices).toContain(`\n${name} ${version} (`);
  }
  const libgcc = bill.filter(({ purl }) => purl.endsWith(`?arch=${process.arch}`));
  const ask = (word: string) => execFileSync('gcc', [word], { encoding: 'utf8' }).trim();
  const archive = fs.readFileSync(ask('-print-libgcc-file-name'));
  const content = createHash('sha256').update(archive).digest('hex');
  const version = ask('-dumpfullversion');
  expect(libgcc).toMatchObject([
    { name: 'libgcc', version, hashes: [{ alg: 'SHA-256', content }] },
  ]);
  // The only libc is musl.
  expect(engine.includes('GLIBC')).toBe(false);
});

/** Parts of the bill for each folder of object files, and archive, that the engine is linked with. */
const partsOf: Readonly<Record<string, readonly string[]>> = {
  own: [],
  wasbox: ['node-addon-api'],
  core: ['wabt', 'wasi-libc'],
  quickjs: ['quickjs', 'unicode-data'],
  zlib: ['zlib'],
  musl: ['musl'],
  'libgcc.a': ['libgcc'],
};

/** Builds the engine in a directory, and returns what the linker says that it read. */
function linkedInto(work: string): string[] {
  const map = join(work, 'map');
  // No other program of the build is linked like this after it.
  const compiler = `#!/bin/sh
PATH=\${PATH#*:}
for word; do [ "$word" = -nostartfiles ] && exec gcc "$@" '-Wl,-Map=${map}'; done
exec gcc "$@"
`;
  fs.writeFileSync(join(work, 'gcc'), compiler, { mode: 0o755 });
  const env = { ...process.env, PATH: `${work}:${process.env.PATH}` };
  buildEngine(join(work, 'wasbox-engine'), {}, env);
  const read = [...fs.readFileSync(map, 'utf8').matchAll(/^LOAD (.+)$/gm)];
  const names = read.map(([, path = '']) =>
    path.endsWith('/libgcc.a') ? 'libgcc.a' : basename(dirname(path)).split(/[.-]/, 1).join(),
  );
  return [...new Set(names)].sort();
}

needs('wasbox-engine').test(
  'the bill has each library that the linker puts into the engine',
  () => {
    const work = fs.mkdtempSync(join(tmpdir(), 'wasbox-linked-'));
    const linked = linkedInto(work);
    const made = fs.readFileSync(join(work, 'wasbox-engine'));
    fs.rmSync(work, { recursive: true });
    const packed = fs.readFileSync(join(dist, 'native', `linux-${process.arch}`, 'wasbox-engine'));
    expect(made.equals(packed), 'the packed engine is the one that was linked').toBe(true);
    expect(linked).toEqual(Object.keys(partsOf).sort());
    const wanted = linked.flatMap((name) => partsOf[name] ?? []);
    const notIn = (parts: readonly Part[]) =>
      wanted.filter((name) => !parts.some((part) => part.name === name));
    expect(notIn(bill)).toEqual([]);
    // The control: a bill that forgets what wasm2c adds.
    expect(notIn(bill.filter(({ name }) => name !== 'wabt'))).toEqual(['wabt']);
  },
);
