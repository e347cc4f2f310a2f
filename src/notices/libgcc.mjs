// Names GCC's support library for parties.mjs. Each compiler has its own, of which parts are linked into the native part.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { compilersFor } from '../../addon/targets.mjs';

/** Returns what a compiler answers; nothing where it is missing, or is not GCC. */
function answer(compiler, word) {
  const { status, stdout } = spawnSync(compiler, [word], { encoding: 'utf8' });
  return status === 0 ? stdout.trim() : '';
}

/**
 * Its version and bytes are those of the compiler for a processor. Where that does not say them, the hash is missing, and a
 * release is refused (src/release/complete.mjs).
 * @returns {import('./parties.mjs').Party}
 */
export function libgccFor(arch) {
  const { cc } = compilersFor(arch);
  const version = answer(cc, '-dumpfullversion') || 'unknown';
  const file = answer(cc, '-print-libgcc-file-name');
  const sha256 = existsSync(file)
    ? createHash('sha256').update(readFileSync(file)).digest('hex')
    : undefined;
  return {
    component: 'libgcc',
    version,
    license: 'GPL-3.0-or-later WITH GCC-exception-3.1',
    note: `arithmetic in wasbox-engine and the addon for ${arch}`,
    text: `Parts of GCC's support library may be in the native part. The GCC Runtime Library Exception, version 3.1, allows
to convey what GCC compiled with them under terms of one's choice: https://www.gnu.org/licenses/gcc-exception-3.1.html`,
    purl: `pkg:generic/libgcc@${version}?arch=${arch}`,
    hash: sha256 === undefined ? undefined : { alg: 'SHA-256', content: sha256 },
  };
}
