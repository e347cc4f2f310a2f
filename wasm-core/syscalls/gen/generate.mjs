/**
 * Generates the tables of the policy core from Debian's packages.
 *
 *   node wasm-core/syscalls/gen/generate.mjs [DIRECTORY]
 *
 * DIRECTORY keeps the unpacked packages (about 2 GB; default: a folder under the system's
 * temporary directory). Needs apt-get, dpkg-deb, tar and, for the constants, clang-19.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { collectCalls, writeCalls } from './calls.mjs';
import { checkConstantSets, constantSetOf, writeConstants } from './constant-tables.mjs';
import { collectConstants } from './constants.mjs';
import { readGroups, writeGroups } from './groups.mjs';
import { preparePackages } from './packages.mjs';
import { writeWeights } from './weights.mjs';

const target = dirname(dirname(fileURLToPath(import.meta.url)));
const work = process.argv[2] ?? join(tmpdir(), 'wasbox-tables');
if (spawnSync('clang-19', ['--version'], { stdio: 'ignore' }).error !== undefined) {
  console.error('clang-19 is missing. To install it: apt-get install clang-19');
  process.exit(1);
}
const packages = preparePackages(work);

/** Written together at the end: tables of two runs would not fit each other. */
const tables = [];
const write = (name, table) => tables.push([name, table]);

const calls = collectCalls(packages);
checkConstantSets(calls);
write('syscalls', writeCalls(calls, packages.versions, constantSetOf));
write('constants', writeConstants(collectConstants(packages, work), packages.versions));
write('groups', writeGroups(readGroups(packages), calls, packages.versions));
write(
  'weights',
  writeWeights(readFileSync(join(target, 'weights.txt'), 'utf8'), calls, packages.versions),
);
for (const [name, { header, source }] of tables) {
  writeFileSync(join(target, `${name}.generated.h`), header);
  writeFileSync(join(target, `${name}.generated.c`), source);
  console.log(`${name}.generated.c: ${source.length} bytes`);
}
