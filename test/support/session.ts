/** `createSession` in a child process, as `inPool` has pools; and with protections left out. */
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { bundleBeside } from './bundle.js';
import type { Identity } from './identity.js';
import { libraryArgv, runLibrary } from './library-child.js';
import { makeProject } from './project.js';
import { ended, startProgram } from './wasbox.js';
import type { Layer } from './weaken.js';

// biome-ignore lint/suspicious/noExplicitAny: what each test shows
const lines = (out: string): any[] =>
  out
    .trim()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));

const show = `const show = (value) => console.log(JSON.stringify(value));`;

/** Runs `body` with `session` and `show`: what it shows comes back. The session is closed at its end. */
export async function inSession(
  as: Identity,
  options: string,
  body: string,
  cwd = makeProject(as),
) {
  const program = `${show}
    const session = await lib.createSession({ workdir: ${JSON.stringify(cwd)}, ...${options} });
    ${body}
    await session.close();`;
  const env = { XDG_STATE_HOME: `${cwd}.state` };
  const { out, err, status } = await runLibrary(program, { as, cwd, env });
  expect(err).toBe('');
  expect(status).toBe(0);
  return { lines: lines(out), cwd, state: `${cwd}.state` };
}

const source = fileURLToPath(new URL('../../src/session/open.ts', import.meta.url));

/** Runs the same in a sandbox without the protections named: the control of a claim. */
export async function inWeakenedSession(as: Identity, without: readonly Layer[], body: string) {
  const outfile = bundleBeside(as, source, 'session');
  const cwd = makeProject(as);
  const program = `import { openSession } from ${JSON.stringify(outfile)};
    ${show}
    const without = new Set(${JSON.stringify(without)});
    const session = await openSession({ workdir: ${JSON.stringify(cwd)} }, { without });
    ${body}
    await session.close();`;
  const argv = libraryArgv(as, program);
  const env = { XDG_STATE_HOME: `${cwd}.state` };
  const end = await ended(startProgram(argv, { as, cwd, env }), { as, cwd });
  expect(end.err).toBe('');
  return { lines: lines(end.out) };
}
