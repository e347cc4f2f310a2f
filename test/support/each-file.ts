/**
 * Around each file of launch tests, which share processes: the file has state directories of its own and leaves the process as
 * it was, and its directories are removed. Through the native command no recorded start went through Node.
 */
import { afterAll, afterEach, expect } from 'vitest';
import { stopSessions } from './cli-session.js';
import { everyone, nextFile, stateOf } from './identity.js';
import { removeProjects } from './project.js';
import { startedThroughNode, throughFront } from './two-ways.js';

/** Returns what a file could leave to the files after it. */
function surroundings() {
  const umask = process.umask(0o022);
  process.umask(umask);
  return { umask, cwd: process.cwd(), env: { ...process.env } };
}

nextFile();
const before = surroundings();

// Files share this process, and with it the modules of test/support: a hook of theirs would be one of the first file only.
afterEach(stopSessions);

// Vitest calls the first afterAll of a file last.
afterAll(() => {
  const after = surroundings();
  process.umask(before.umask);
  process.chdir(before.cwd);
  for (const name of Object.keys(after.env)) if (!(name in before.env)) delete process.env[name];
  Object.assign(process.env, before.env);
  expect(after, 'left to the files after it').toEqual(before);
  removeProjects(everyone().map(stateOf));
  if (throughFront) expect(startedThroughNode()).toEqual([]);
});
