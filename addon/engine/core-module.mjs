// The policy core's module as C, made by wasm2c of npm's wabt, and the list of its functions for core.c. Called by build.mjs.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { keptDirectory } from './kept.mjs';

/** A function of the module in the header that wasm2c writes: its name, what it returns, its name in C, its arguments. */
const declaration = /\/\* export: '(\w+)' \*\/\n(u32|void) (\w+)\(w2c_core\*((?:, u32)*)\);/g;

/** Lines for core.c: EXPORT(NAME, COUNT OF ARGUMENTS, CALL). The memory is no function. */
function exportsOf(header) {
  const functions = [...header.matchAll(declaration)];
  if (functions.length !== header.split('/* export: ').length - 2)
    throw new Error('addon/engine/core.c cannot call each function of the policy core');
  const lines = functions.map(([, name, type, inC, types]) => {
    const count = types.split(',').length - 1;
    const words = Array.from({ length: count }, (_, i) => `, a[${i}]`);
    const call = `${inC}(&core${words.join('')})`;
    return `EXPORT(${name}, ${count}, ${type === 'u32' ? call : `(${call}, 0u)`})\n`;
  });
  return lines.join('');
}

/** Returns the directory with core_module.c, core_module.h and core_exports.h for the module in a file. */
export function coreModule(wasm) {
  const wabt = createRequire(import.meta.url).resolve('wabt/package.json');
  const { version } = JSON.parse(readFileSync(wabt, 'utf8'));
  const inputs = [readFileSync(wasm), version, readFileSync(new URL(import.meta.url))];
  return keptDirectory('module', inputs, (out) => {
    const source = join(out, 'core_module.c');
    const words = [join(dirname(wabt), 'bin', 'wasm2c'), wasm, '--module-name=core'];
    execFileSync(process.execPath, [...words, `--output=${source}`]);
    const header = readFileSync(join(out, 'core_module.h'), 'utf8');
    writeFileSync(join(out, 'core_exports.h'), exportsOf(header));
  });
}
