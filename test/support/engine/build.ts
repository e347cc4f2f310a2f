/** Engines of a test's own, built in a process of its own as the package's is. */
import { execFileSync, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import type { PolicyCase } from './policy-case.js';

const script = fileURLToPath(new URL('../../../addon/engine/build.mjs', import.meta.url));
const code = `import(${JSON.stringify(script)}).then(({ buildEngine }) =>
  buildEngine(process.argv[1], ...JSON.parse(process.argv[2])))`;

interface Parts {
  /** Files of this folder that are injected into the program. */
  readonly more?: readonly string[];
  /** The program, a file of this folder; by default the command line. */
  readonly program?: string;
  /** The policy core's module. */
  readonly wasm?: string;
}

export function buildEngine(
  out: string,
  { more = [], program, wasm }: Parts = {},
  env: NodeJS.ProcessEnv = process.env,
): void {
  const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
  const entry = program === undefined ? here('../../../src/engine/main.ts') : here(program);
  const words = [more.map(here), entry, process.arch, ...(wasm === undefined ? [] : [wasm])];
  execFileSync(process.execPath, ['-e', code, out, JSON.stringify(words)], { env });
}

/** Returns what an engine whose program is policy-main.ts makes of cases, which go to it in a file. */
export function answersOf(engine: string, cases: readonly PolicyCase[], file: string): string[] {
  fs.writeFileSync(file, JSON.stringify(cases));
  const { status, stdout } = spawnSync(engine, ['run', file], {
    env: { WASBOX_FASTPATH: 'explain:0' },
    maxBuffer: 1 << 28,
  });
  expect(status, stdout.toString().slice(0, 1000)).toBe(0);
  return stdout.toString().split('\n');
}
