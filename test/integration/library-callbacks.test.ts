/**
 * Callbacks and input of a program whose promises are never fulfilled: they hold up no result beyond the time limit,
 * and no program that has ended otherwise. Needs: user namespaces, overlayfs in them.
 */
import { expect, test } from 'vitest';
import { ordinaryUser } from '../support/identity.js';
import { runLibrary } from '../support/library-child.js';
import { makeProject } from '../support/project.js';

const as = ordinaryUser();

/** Runs a program with `options`, `never` and `code`, of which two pieces of output come apart. */
function inProgram(body: string) {
  const cwd = makeProject(as);
  const program = `const options = { workdir: ${JSON.stringify(cwd)} };
    const never = () => new Promise(() => {});
    const code = 'echo 1; sleep 0.1; echo 2';
    const show = ({ stdout, exitCode, timedOut = false }) => console.log(JSON.stringify([stdout, exitCode, timedOut]));
    ${body}`;
  return runLibrary(program, { as, cwd, env: { XDG_STATE_HOME: `${cwd}.state` } });
}

const ways = `const pool = await lib.createPool({ ...options, lang: 'sh', size: 1 });
    const session = await lib.createSession(options);
    const ways = [(task) => lib.run({ ...options, ...task }), (task) => pool.run(task), ({ code, ...how }) => session.exec({ code }, how)];`;

test('a callback that is never done holds up no result beyond the time limit', async () => {
  // The limit is far longer than the program takes: one that it ended would be told.
  const { out, err } = await inProgram(`${ways}
    const task = { code, onStdout: never, onStderr: never, timeoutMs: 8_000 };
    for (const result of await Promise.all(ways.map((give) => give(task)))) show(result);
    await Promise.all([pool.close(), session.close()]);`);
  expect([out, err]).toEqual(['["1\\n2\\n",0,false]\n'.repeat(3), '']);
});

test('control: without a limit the result waits', async () => {
  const { out, err } = await inProgram(`${ways}
    const waiting = ways.map((give) => give({ code, onStdout: never }).then(() => 'over'));
    const later = lib.run({ ...options, code, timeoutMs: 1000, onStdout: never }).then(() => 'waits');
    console.log(await Promise.race([...waiting, later]));
    process.exit();`);
  expect([out, err]).toEqual(['waits\n', '']);
});

test.each([
  ['a callback', `{ code, onStdout: never }`],
  ['input', `{ code: 'echo', input: (async function* () { await never(); })() }`],
  ['a web stream', `{ code: 'echo', input: new ReadableStream() }`],
  [
    'an answer',
    `{ code: 'cat /etc/hostname < /dev/null; cat ~/.ssh/id', ask: never, askTimeoutMs: 10 }`,
  ],
])('%s that is never done does not keep the program from ending', async (_, task) => {
  const { err, status } = await inProgram(`lib.run({ ...options, ...${task} });`);
  expect([err, status]).toEqual(['', 0]);
});

test('control: what a program waits for keeps it', async () => {
  const { out } = await inProgram(`setTimeout(() => console.log('waited'), 200);
    lib.run({ ...options, code, onStdout: never });`);
  expect(out).toBe('waited\n');
});
