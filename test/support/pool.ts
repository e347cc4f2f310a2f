/** `createPool` in a child process, and what it leaves in the state directory. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Identity } from './identity.js';
import { runLibrary } from './library-child.js';
import { makeProject } from './project.js';

/** Generous: the machine may be busy with other things. */
export const patience = 120_000;

/** Runs `body` with `pool` and `show`: what it shows comes back. */
export async function inPool(as: Identity, options: string, body: string, cwd = makeProject(as)) {
  const program = `const pool = await lib.createPool({ workdir: ${JSON.stringify(cwd)}, ...${options} });
    const show = (value) => console.log(JSON.stringify(value));
    ${body}
    await pool.close();`;
  const env = { XDG_STATE_HOME: `${cwd}.state` };
  const { out, err, status } = await runLibrary(program, { as, cwd, env });
  expect(err).toBe('');
  expect(status).toBe(0);
  const lines = out.trim().split('\n');
  return { lines: lines.map((line) => JSON.parse(line)), cwd, state: `${cwd}.state` };
}

/** Runs that are left, and what is left of them; but for the few empty layers that wait for the next. */
const isSpare = (name: string): boolean => /^(kept|home)-[0-9a-v]$/.test(name);
export const left = (state: string): string[] =>
  ['runs', 'saved', 'spare'].flatMap((name) => {
    const directory = join(state, 'wasbox', name);
    return existsSync(directory) ? readdirSync(directory).filter((one) => !isSpare(one)) : [];
  });

/** Frozen layers that are left: those of snapshots and forks. */
export const frozen = (state: string): string[] => {
  const directory = join(state, 'wasbox', 'frozen');
  return existsSync(directory) ? readdirSync(directory) : [];
};
