/** A time limit means the same in a run, a pool and a session, however long it is. Needs: user namespaces. */
import { describe, expect, test } from 'vitest';
import { ordinaryUser } from '../support/identity.js';
import { libraryArgv } from '../support/library-child.js';
import { makeProject } from '../support/project.js';
import { runProgram } from '../support/wasbox.js';

const as = ordinaryUser();

/** How each way of running `code` ends with this limit, or the code of its error. */
async function endings(limit: string, code: string): Promise<Record<string, unknown>> {
  const cwd = makeProject(as);
  const program = `import { setTimeout as pause } from 'node:timers/promises';
    const { run, createPool, createSession } = lib;
    const within = async (made, call) => {
      const one = await made;
      try { return await call(one); } finally { await one.close(); }
    };
    const options = { workdir: ${JSON.stringify(cwd)} };
    const [timeoutMs, code] = [${limit}, ${JSON.stringify(code)}];
    const told = async (start) => {
      try {
        const { outcome, exitCode } = await start();
        return [outcome, exitCode ?? null];
      } catch (error) { return [error.name, error.code]; }
    };
    const shown = {};
    shown.run = await told(() => run({ lang: 'sh', code, ...options, timeoutMs }));
    shown.createPool = await told(() => within(
      createPool({ lang: 'sh', size: 1, ...options, timeoutMs }), (pool) => pool.run(code)));
    shown.poolRun = await told(() => within(
      createPool({ lang: 'sh', size: 1, ...options }), (pool) => pool.run({ code, timeoutMs })));
    shown.createSession = await told(() => within(
      createSession({ ...options, timeoutMs }), (session) => session.exec(['sh', '-c', code])));
    shown.exec = await told(() => within(
      createSession(options), (session) => session.exec(['sh', '-c', code], { timeoutMs })));
    console.log(JSON.stringify(shown));`;
  const { out, err } = await runProgram(libraryArgv(as, program), {
    as,
    cwd,
    env: { XDG_STATE_HOME: `${cwd}.state` },
  });
  expect(err).toBe('');
  return JSON.parse(out);
}

const everywhere = (value: unknown) =>
  Object.fromEntries(
    ['run', 'createPool', 'poolRun', 'createSession', 'exec'].map((name) => [name, value]),
  );

describe('a time limit', () => {
  test.each(['60_000', '2 ** 31', '3_000_000_000', '365 * 24 * 3600 * 1000', 'Infinity'])(
    'lets a program end by itself everywhere at %s ms',
    async (limit) => {
      expect(await endings(limit, 'sleep 0.2; exit 3')).toEqual(everywhere(['exited', 3]));
    },
  );

  test.each(['0', '-1', '1.5', 'NaN', '365 * 24 * 3600 * 1000 + 1'])(
    'is a slip everywhere at %s ms',
    async (limit) => {
      expect(await endings(limit, 'exit 3')).toEqual(
        everywhere(['UsageError', 'ERR_OPTION_VALUE']),
      );
    },
  );
});
