/**
 * Attack 69 on streams: the payload holds the lock of the pipe that is its stdin or stdout, for ever. A process that touches
 * the other end waits for it, and no signal ends the wait: limits, timeouts and the program that uses the library go
 * on meanwhile. The control is a reader outside of a sandbox, which does not come back.
 */
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { descendantsOf, eventually } from '../support/host.js';
import { isolatedIdentities, ordinaryUser } from '../support/identity.js';
import { runLibrary } from '../support/library-child.js';
import { compilePayload } from '../support/payload.js';
import { makeProject } from '../support/project.js';
import { runWasbox, startProgram } from '../support/wasbox.js';

const timeoutMs = 40_000;

const statOf = (pid: number): string => {
  const file = `/proc/${pid}/stat`;
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
};

describe.each(isolatedIdentities())(
  'a pipe that the payload of $label holds, with $isolation',
  (as) => {
    const place = (): string => {
      const cwd = makeProject(as);
      compilePayload(as, 'held_pipe', cwd);
      return cwd;
    };

    test('holds up no time limit where the output is counted', async () => {
      const limits = ['--timeout', '4s', '--output', '100G'];
      const argv = ['run', '-q', '--discard', ...limits, '--', './held_pipe', '1'];
      const stdio = ['ignore', 'ignore', 'pipe'] as const;
      const { status, err } = await runWasbox(argv, {
        as,
        cwd: place(),
        stdio: [...stdio],
        timeoutMs,
      });
      expect(status, err).toBe(124);
      expect(err).toContain('held');
    });

    test.each([0, 1])('holds up no program that uses the library: descriptor %i', async (fd) => {
      const program = `const ended = new AbortController();
async function* bytes() { for (;;) { yield new Uint8Array(65536); await new Promise((r) => setTimeout(r, 5)); } }
const { signal } = ended;
const input = ${fd} === 0 ? bytes() : undefined;
const seen = (text) => { if (String(text).includes('held')) setTimeout(() => ended.abort(), 1000); };
const options = { workdir: process.cwd(), signal, input, onStderr: seen, changes: 'discard', isolation: '${as.isolation}' };
await lib.run(['./held_pipe', '${fd}'], options).catch((error) => console.log(error.name));`;
      const run = await runLibrary(program, { as, cwd: place(), timeoutMs });
      expect([run.status, run.out], run.err).toEqual([0, 'AbortError\n']);
    });
  },
);

describe('a pipe that a program of a session holds', () => {
  const as = ordinaryUser();

  test.each([0, 1])(
    'holds up neither its timeout nor the next program: descriptor %i',
    async (fd) => {
      const cwd = makeProject(as);
      compilePayload(as, 'held_pipe', cwd);
      const program = `const session = await lib.createSession({ workdir: process.cwd() });
async function* bytes() { for (;;) { yield new Uint8Array(65536); await new Promise((r) => setTimeout(r, 5)); } }
const input = ${fd} === 0 ? bytes() : undefined;
const held = await session.exec(['./held_pipe', '${fd}'], { timeoutMs: 3000, input });
const next = await session.exec(['echo', 'next']);
console.log(held.timedOut, held.stderr.trim(), next.stdout.trim());
await session.close({ discard: true });`;
      const run = await runLibrary(program, { as, cwd, timeoutMs });
      expect([run.status, run.out], run.err).toEqual([0, 'true held next\n']);
    },
  );

  test('holds up a reader outside of a sandbox', async () => {
    const cwd = makeProject(as);
    compilePayload(as, 'held_pipe', cwd);
    const child = startProgram(['sh', '-c', './held_pipe 1 | dd bs=1 of=/dev/null'], { as, cwd });
    const named = (name: string) =>
      descendantsOf(child.pid ?? 0).filter((pid) => statOf(pid).includes(`(${name})`));
    try {
      expect(await eventually(() => named('dd').some((pid) => statOf(pid).includes(') D ')))).toBe(
        true,
      );
    } finally {
      for (const pid of named('held_pipe')) process.kill(pid, 'SIGKILL'); // with it, the others end
    }
  });
});
