/** Sessions of the command line, in a project and a state directory of their own. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Identity } from './identity.js';
import { makeProject } from './project.js';
import { type Ended, runWasbox, type StartOptions } from './wasbox.js';

export interface SessionPlace {
  readonly as: Identity;
  readonly cwd: string;
  readonly state: string;
  /** Runs `wasbox` there. */
  run(args: readonly string[], options?: Partial<StartOptions>): Promise<Ended>;
  /** Names of the directories of sessions that are left. */
  directories(): string[];
  /** Pid of the owner of a session. */
  owner(name: string): number;
}

const places: SessionPlace[] = [];

/** Stops the sessions of a test that is over, or failed: an owner lives for as long as its idle time. */
export async function stopSessions(): Promise<void> {
  for (const place of places.splice(0)) await place.run(['stop', '--all', '--grace', '0s']);
}

export function sessionPlace(as: Identity, cwd = makeProject(as)): SessionPlace {
  const state = `${cwd}.state`;
  const sessions = join(state, 'wasbox/sessions');
  const env = { XDG_STATE_HOME: state };
  const place: SessionPlace = {
    as,
    cwd,
    state,
    run: (args, options = {}) =>
      runWasbox(args, { as, cwd, ...options, env: { ...env, ...options.env } }),
    directories: () => readdirSync(sessions),
    owner: (name) =>
      JSON.parse(readFileSync(join(sessions, name, 'session.json'), 'utf8')).pid as number,
  };
  places.push(place);
  return place;
}
