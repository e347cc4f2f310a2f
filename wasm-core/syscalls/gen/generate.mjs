/**
 * Generates the tables of the policy core from Debian's packages.
 *
 *   node wasm-core/syscalls/gen/generate.mjs [DIRECTORY]
 *
 * DIRECTORY keeps the unpacked packages (about 2 GB; default: a folder under the system's
 * temporary directory). Needs apt-get, dpkg-deb, tar and, for the constants, clang-19.
 */
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { collectCalls, writeCalls } from './calls.mjs';
import { preparePackages } from './packages.mjs';

const target = dirname(dirname(fileURLToPath(import.meta.url)));
const packages = preparePackages(process.argv[2] ?? join(tmpdir(), 'wasbox-tables'));

function write(name, text) {
  writeFileSync(join(target, name), text);
  console.log(`${name}: ${text.length} bytes`);
}

const calls = collectCalls(packages);
const written = writeCalls(calls, packages.versions, () => -1);
write('syscalls.generated.h', written.header);
write('syscalls.generated.c', written.source);
