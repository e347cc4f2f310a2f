/** Where tests that use the library in their own process run it: as the user who runs the tests. */
import { realpathSync } from 'node:fs';
import { afterAll } from 'vitest';
import { everyone } from './identity.js';
import { makeProject } from './project.js';

export interface LibraryPlace {
  /** A directory to run in; `data.txt` in it says `host`. */
  readonly workdir: string;
  /** The state directory of this process, until the tests of the file are done. */
  readonly state: string;
}

export function libraryPlace(name: string): LibraryPlace {
  const own = everyone().find(({ uid }) => uid === process.getuid?.());
  if (own === undefined) throw new Error('the set-up does not know who runs the tests');
  const workdir = realpathSync(makeProject(own, { 'data.txt': 'host\n' }, name));
  const state = makeProject(own, {}, `${name}-state`);
  const before = process.env.XDG_STATE_HOME;
  process.env.XDG_STATE_HOME = state;
  afterAll(() => {
    if (before === undefined) delete process.env.XDG_STATE_HOME;
    else process.env.XDG_STATE_HOME = before;
  });
  return { workdir, state };
}
