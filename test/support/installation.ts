/** Installations of a test's own, to be damaged or changed. */
import * as fs from 'node:fs';
import { dirname, join, relative } from 'node:path';
import type { Identity } from './identity.js';
import { makeProject } from './project.js';

export interface OwnInstallation {
  /** The native command. */
  readonly wasbox: string;
  readonly engine: string;
}

export function installOwn(as: Identity, name = 'installation'): OwnInstallation {
  const place = makeProject(as, {}, name);
  const dist = dirname(as.cli);
  fs.copyFileSync(join(dist, '../package.json'), join(place, 'package.json'));
  // In a checkout there is more beside these, and nothing reads the types. engine-random.test.ts puts files there that
  // come and go.
  fs.cpSync(dist, join(place, 'dist'), {
    recursive: true,
    filter: (path) => !/^types$|engine-(peer|starter)-/.test(relative(dist, path)),
  });
  const native = join(place, 'dist/native', `linux-${process.arch}`);
  return { wasbox: join(native, 'wasbox'), engine: join(native, 'wasbox-engine') };
}
