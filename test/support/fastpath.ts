/**
 * The native command in the tests: where it is, and whether a start went through Node. `node` in
 * the identity's PATH is a script that leaves a mark; what a run prints cannot be mistaken for it.
 */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { eventually } from './host.js';
import type { Identity } from './identity.js';
import { makeProject, writeFiles } from './project.js';
import { fastpathOf } from './two-ways.js';
import { type Ended, runProgram, type StartOptions } from './wasbox.js';

export { fastpathOf };

export interface FrontRun extends Ended {
  /** How often Node was started. */
  readonly nodes: number;
}

export interface Front {
  /** Environment in which starts of Node are counted; also where the state directory is. */
  readonly env: Readonly<Record<string, string>>;
  /** wasbox's state directory. */
  readonly state: string;
  readonly executable: string;
  /** A file that a start of Node makes longer. */
  readonly marks: string;
  run(args: readonly string[], options?: Partial<StartOptions>): Promise<FrontRun>;
  /** Waits until no run is left; fails if one stays. */
  settled(): Promise<void>;
}

/** A native command with a state directory of its own. */
export function makeFastpath(as: Identity, executable: string = fastpathOf(as)): Front {
  const place = makeProject(as, { 'state/': '', 'bin/': '', marks: '' }, 'fastpath');
  const marks = join(place, 'marks');
  writeFiles(as, place, {
    // Inside, where it may be the interpreter of a script, it counts nothing.
    'bin/node': `#!/bin/sh\n[ -n "$WASBOX" ] || echo >>${marks}\nexec ${process.execPath} "$@"\n`,
  });
  fs.chmodSync(join(place, 'bin/node'), 0o755);
  const env = {
    PATH: `${join(place, 'bin')}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`,
    XDG_STATE_HOME: join(place, 'state'),
  };
  return {
    env,
    state: join(place, 'state/wasbox'),
    executable,
    marks,
    async settled() {
      const state = join(place, 'state/wasbox');
      const isId = (name: string) => !/^(kept|home|live)-/.test(name);
      // A run that is over stays in `spare` under its id until its mounts are gone.
      const left = () =>
        ['runs', 'spare'].flatMap((name) =>
          fs.existsSync(join(state, name)) ? fs.readdirSync(join(state, name)).filter(isId) : [],
        );
      await eventually(() => left().length === 0);
      expect(left()).toEqual([]);
    },
    async run(args, options = {}) {
      fs.truncateSync(marks);
      const run = await runProgram([executable, ...args], {
        as,
        ...options,
        // Every shell sets PWD; the script in front of Node would add it otherwise.
        env: { ...env, PWD: options.cwd ?? as.scratch, ...options.env },
      });
      return { ...run, nodes: fs.readFileSync(marks, 'utf8').length };
    },
  };
}

/** A script that says one word. */
export const tool = (say: string) => `#!/bin/sh\necho ${say}\n`;

/** Returns what a run said and how it ended, without what differs from run to run. */
export const plain = (run: Ended) => [
  run.status,
  run.out,
  run.err.replace(/\b0[0-9a-z]{8}\b/g, 'ID'),
];
