/** Sandboxes from specs that no option leads to yet, as processes of an identity. */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { NamespaceName } from '../../src/backend/index.js';
import type { IdentitySpec, View } from '../../src/resolve/index.js';
import { bundleBeside } from './bundle.js';
import type { Identity } from './identity.js';
import { makeProject } from './project.js';
import { type Ended, runProgram } from './wasbox.js';

/** The parts that take the place of the resolved spec's own. */
export interface Planned {
  readonly views: readonly View[];
  readonly writable: readonly string[];
  /** The directory of a run with a layer for each copy-on-write view. */
  readonly directory?: string;
  /** @default / */
  readonly cwd?: string;
  readonly identity?: Partial<IdentitySpec>;
  readonly maps?: IdentitySpec['maps'];
  /** Namespaces for a plan without a backend, and without views. */
  readonly namespaces?: readonly NamespaceName[];
}

const source = join(dirname(fileURLToPath(import.meta.url)), 'planned-run.ts');

/** Numbers of inodes and devices, which JSON has no word for, as text with an n behind it. */
const toJson = (planned: Planned): string =>
  JSON.stringify(planned, (_, value) => (typeof value === 'bigint' ? `${value}n` : value));

export function runPlanned(
  as: Identity,
  planned: Planned,
  argv: readonly string[],
): Promise<Ended> {
  // The spec that the views replace has a working directory.
  const cwd = makeProject(as);
  return runProgram(
    [process.execPath, bundleBeside(as, source, 'planned-run'), toJson(planned), ...argv],
    { as, cwd },
  );
}
