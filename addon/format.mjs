// Formats all C and C++ of the repository (addon/, bench/, wasm-core/, test/distros/, test/fuzz/, test/support/engine/ and test/unit/core/) as .clang-format says.
// `--check` changes nothing and exits with 1 where a file is not formatted.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { format } from '@wasm-fmt/clang-format';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const style = readFileSync(join(root, '.clang-format'), 'utf8');
const check = process.argv.includes('--check');
let unformatted = 0;

for (const folder of [
  'addon',
  'bench',
  'wasm-core',
  'test/distros',
  'test/fuzz',
  'test/support/engine',
  'test/unit/core',
]) {
  for (const entry of readdirSync(join(root, folder), { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (!entry.isFile() || !/\.(c|h|cc)$/.test(entry.name)) continue;
    if (/\.generated\.|[/](build|corpus)[/]/.test(path)) continue;
    const before = readFileSync(path, 'utf8');
    const after = format(before, entry.name.endsWith('.cc') ? 'main.cc' : 'main.c', style);
    if (before === after) continue;
    unformatted++;
    if (check) console.error(`not formatted: ${relative(root, path)} (run: npm run format)`);
    else writeFileSync(path, after);
  }
}
if (check && unformatted > 0) process.exit(1);
