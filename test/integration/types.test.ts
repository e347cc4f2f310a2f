/**
 * The declarations that are installed, as compilers of programs read them: without DOM, every declaration
 * checked, with each way to resolve modules, and with TypeScript 5 and newer.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, expect, test } from 'vitest';
import { ordinaryUser } from '../support/identity.js';
import { needs } from '../support/needs.js';
import { makeProject } from '../support/project.js';
import { installTools } from '../support/tools.mjs';

const as = ordinaryUser();
const root = fileURLToPath(new URL('../../', import.meta.url));
const dist = dirname(as.cli);
let five = '';
let oldest = '';
beforeAll(() => {
  const tools = installTools();
  five = join(tools, 'typescript5/lib/tsc.js');
  oldest = join(tools, 'typescript50/lib/tsc.js');
});

const own = join(root, 'node_modules/typescript/bin/tsc');
const strict = {
  strict: true,
  exactOptionalPropertyTypes: true,
  skipLibCheck: false,
  noEmit: true,
};
const node = { module: 'nodenext', moduleResolution: 'nodenext' };

/** A project with wasbox's declarations and Node's, and a program in it. */
function project(program: string): string {
  const at = makeProject(
    as,
    { 'program.ts': program, 'package.json': '{"type":"module"}' },
    'types',
  );
  fs.mkdirSync(join(at, 'node_modules/wasbox/dist'), { recursive: true });
  fs.copyFileSync(join(dist, '../package.json'), join(at, 'node_modules/wasbox/package.json'));
  execFileSync('cp', ['-r', join(dist, 'types'), join(at, 'node_modules/wasbox/dist/types')]);
  // Nothing else: a program has no types of what wasbox is built with.
  fs.mkdirSync(join(at, 'node_modules/@types'));
  fs.symlinkSync(join(root, 'node_modules/@types/node'), join(at, 'node_modules/@types/node'));
  fs.symlinkSync(join(root, 'node_modules/undici-types'), join(at, 'node_modules/undici-types'));
  return at;
}

function compile(at: string, compiler: string, options: object): string {
  const compilerOptions = { ...strict, target: 'es2022', types: ['node'], ...options };
  fs.writeFileSync(
    join(at, 'tsconfig.json'),
    JSON.stringify({ compilerOptions, files: ['program.ts'] }),
  );
  return spawnSync(process.execPath, [compiler, '-p', at], { encoding: 'utf8' }).stdout;
}

const text = fs.readFileSync(join(root, 'test/types/program.ts'), 'utf8');
const lib = ['es2023', 'esnext.disposable'];

test.each([
  ['this TypeScript, nodenext', () => own, { ...node, lib }],
  ['TypeScript 5, bundler', () => five, { module: 'esnext', moduleResolution: 'bundler', lib }],
])('%s: a program compiles, and its mistakes do not', (_, compiler, options) => {
  expect(compile(project(text), compiler(), options)).toBe('');
});

/** Slower compilers with further ways to resolve modules. */
const nightly = needs('nightly run').test;

nightly.each([
  ['this TypeScript, with DOM', () => own, { ...node, lib: [...lib, 'dom'] }],
  ['this TypeScript, bundler', () => own, { module: 'esnext', moduleResolution: 'bundler', lib }],
  ['TypeScript 5, node16', () => five, { module: 'node16', moduleResolution: 'node16', lib }],
  [
    'TypeScript 5, nodenext, loose',
    () => five,
    { ...node, lib, exactOptionalPropertyTypes: false, noImplicitAny: false },
  ],
])('%s: a program compiles, and its mistakes do not', (_, compiler, options) => {
  expect(compile(project(text), compiler(), options)).toBe('');
});

/** Before TypeScript 5.2 there is no `using`, and before 5.7 no typed array has a type argument. */
const older = { target: 'es2022', lib: ['es2022'] };

const oldestCompiles = (moduleResolution: string) => {
  const module = moduleResolution === 'bundler' ? 'esnext' : moduleResolution;
  const at = project(text.replaceAll('await using ', 'const '));
  expect(compile(at, oldest, { ...older, module, moduleResolution })).toBe('');
};
const title = 'TypeScript 5.0, %s: a program without `using` compiles, and its mistakes do not';
test.each(['node16'])(title, oldestCompiles);
nightly.each(['nodenext', 'bundler'])(title, oldestCompiles);

test('control: TypeScript 5.0 tells of a type that is newer than it', () => {
  const at = project("import { run } from 'wasbox';\nrun('x', { input: new Uint8Array(1) });\n");
  const file = join(at, 'node_modules/wasbox/dist/types/policy/compile.d.ts');
  fs.appendFileSync(file, 'export declare const newer: Uint8Array<ArrayBuffer>;\n');
  expect(compile(at, oldest, { ...node, ...older })).toContain('not generic');
});

test.each([
  ['this TypeScript', () => own],
  ['TypeScript 5', () => five],
])(
  'control: %s tells of mistakes that no comment expects, by the form that fits',
  (_, compiler) => {
    const wrong = [
      "import { run, spawn } from 'wasbox';",
      "run('make', { timout: 5 });",
      "run({ command: 'make', timout: 5 });",
      "run({ code: 'x', command: 'y' });",
      "run('make', ['test'], { timout: 5 });",
      "spawn({ code: 'x', net: 5 });",
    ];
    const told = compile(project(`${wrong.join('\n')}\n`), compiler(), { ...node, lib });
    for (const [line, word] of [
      [2, 'timout'],
      [3, 'timout'],
      [4, "'string' is not assignable to type 'undefined'"],
      [5, 'timout'],
      [6, "'number' is not assignable to type 'NetworkOption"],
    ] as const) {
      const from = told.indexOf(`program.ts(${line},`);
      const next = told.indexOf('program.ts(', from + 1);
      expect(from, told).toBeGreaterThanOrEqual(0);
      expect(told.slice(from, next < 0 ? undefined : next)).toContain(word);
    }
  },
);

test('jobs and workers of a queue', () => {
  const at = project(fs.readFileSync(join(root, 'test/types/queue.ts'), 'utf8'));
  for (const name of ['bullmq', 'ioredis', '@opentelemetry', 'msgpackr', 'cron-parser']) {
    fs.symlinkSync(join(root, 'node_modules', name), join(at, 'node_modules', name));
  }
  // BullMQ's own declarations name the optional clients that are not there.
  expect(compile(at, own, { ...node, lib: [...lib, 'dom'], skipLibCheck: true })).toBe('');
});
