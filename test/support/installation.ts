/** Installations of a test's own, to be damaged or changed. */
import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import type { Identity } from './identity.js';
import { makeProject } from './project.js';

export interface OwnInstallation {
  /** The native command. */
  readonly wasbox: string;
  readonly engine: string;
}

export function installOwn(as: Identity, name = 'installation'): OwnInstallation {
  const place = makeProject(as, {}, name);
  fs.cpSync(join(dirname(as.cli), '..'), place, {
    recursive: true,
    // The files that engine-random.test.ts puts there come and go.
    filter: (path) => !/\/(docs|node_modules)(\/|$)|engine-(peer|starter)-/.test(path),
  });
  const native = join(place, 'dist/native', `linux-${process.arch}`);
  return { wasbox: join(native, 'wasbox'), engine: join(native, 'wasbox-engine') };
}
