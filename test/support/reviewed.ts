/** A project whose runs are reviewed: what a script leaves, and what `apply` says about it. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Identity } from './identity.js';
import { type Files, makeProject } from './project.js';
import { runProgram, runWasbox } from './wasbox.js';

export function reviewed(as: Identity, files: Files = {}, more: Record<string, string> = {}) {
  const cwd = makeProject(as, files);
  const env = { XDG_STATE_HOME: makeProject(as, {}, 'state'), ...more };
  const wasbox = (...args: string[]) => runWasbox(args, { as, cwd, env });
  return {
    cwd,
    has: (path: string): boolean => fs.existsSync(join(cwd, path)),
    read: (path: string): string => fs.readFileSync(join(cwd, path), 'utf8'),
    outside: (script: string) => runProgram(['sh', '-ec', script], { as, cwd, env: more }),
    wasbox,
    /** A run of a script, and what `apply` says about it. */
    run: async (script: string, ...paths: string[]): Promise<string> => {
      const run = await wasbox('run', '-q', '--', 'sh', '-ec', script);
      expect([run.err, run.status]).toEqual(['', 0]);
      return (await wasbox('apply', ...paths)).err;
    },
  };
}

/** The paths that `apply` did not apply unless they are named, sorted. */
export const heldIn = (said: string): string[] =>
  [...said.matchAll(/(\S+): not applied automatically: /g)].map(([, name]) => name ?? '').sort();
