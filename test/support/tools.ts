/** Programs of test/tools, for an identity. */
import { execFileSync, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import type { Identity } from './identity.js';
import { installTools } from './tools.mjs';

/** Paths in `node_modules`; of programs for one processor, those for this one. */
function paths(modules: string) {
  const arch = process.arch;
  return {
    bun: join(modules, `@oven/bun-linux-${arch === 'arm64' ? 'aarch64' : arch}/bin/bun`),
    deno: join(modules, `@deno/linux-${arch}-glibc/deno`),
    node24: join(modules, `node24-linux-${arch}/bin/node`),
    pnpm: join(modules, 'pnpm/bin/pnpm.cjs'),
    yarn: join(modules, 'yarn/bin/yarn.js'),
    berry: join(modules, '@yarnpkg/cli-dist/bin/yarn.js'),
  };
}

export type Tools = ReturnType<typeof paths>;

/** The programs, where the identity can execute them: copies where the checkout is closed to it. */
export function toolsOf(as: Identity): Tools {
  const modules = installTools();
  const found = paths(modules);
  if (process.getuid?.() === as.uid) return found;
  if (spawnSync(found.bun, ['--version'], { uid: as.uid, gid: as.gid }).status === 0) return found;
  const copy = join(as.scratch, 'tools');
  if (!fs.existsSync(copy)) {
    const fresh = `${copy}-${process.pid}`;
    execFileSync('cp', ['-r', '--reflink=auto', modules, fresh]);
    if (fs.existsSync(copy)) fs.rmSync(fresh, { recursive: true });
    else fs.renameSync(fresh, copy);
  }
  return paths(copy);
}
