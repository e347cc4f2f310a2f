/**
 * Keys of the kernel, which no namespace divides. A sandbox whose filters refuse every key call makes no keyring,
 * since each counts toward the 200 keys of its user; one that may use keys has a keyring of its own. keyrings(7)
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { uniqueMarker } from '../support/host.js';
import { type Identity, identities } from '../support/identity.js';
import { makeProject, writeFiles } from '../support/project.js';
import { runProgram, runWasbox, wasboxArgv } from '../support/wasbox.js';

const [addKey, keyctl] = process.arch === 'arm64' ? [217, 219] : [248, 250];
const call = `import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
call = libc.syscall
own_keyring = lambda: call(${keyctl}, 0, -3, 0)
`;
/** Executes its arguments with a session keyring that has a key of this name in it. */
const withKey = (name: string) => [
  '/usr/bin/python3',
  '-c',
  `${call}call(${keyctl}, 1, None)
if call(${addKey}, b"user", b"${name}", b"x", 1, -3) < 0: sys.exit('no key')
print(own_keyring(), flush=True)
os.execvp(sys.argv[1], sys.argv[1:])`,
];
const show = ['/usr/bin/python3', '-c', `${call}print(own_keyring())`];

/** How often the processes of a run called keyctl(2). */
async function keyCallsOf(as: Identity, options: readonly string[]): Promise<number> {
  const cwd = makeProject(as);
  const traces = `${cwd}.traces`;
  writeFiles(as, traces, { 'x/': '' });
  const args = ['run', '-q', '--discard', ...options, '--', '/usr/bin/true'];
  const traced = ['strace', '-ff', '-o', join(traces, 'of'), '-e', 'trace=prctl,keyctl'];
  await runProgram([...traced, ...wasboxArgv(as, args)], { as, cwd });
  const calls = readdirSync(traces)
    .filter((name) => name.startsWith('of.'))
    .map((name) => readFileSync(join(traces, name), 'utf8'));
  expect(calls.join('')).toContain('PR_SET_NAME, "wasbox-init"');
  return calls.join('').match(/^keyctl\(/gm)?.length ?? 0;
}

describe.each(identities())('keys, as $label', (as) => {
  test('no keyring is made for a run that cannot use keys', async () => {
    expect(await keyCallsOf(as, [])).toBe(0);
    expect(await keyCallsOf(as, ['--isolation', 'landlock'])).toBe(0);
    // The control: one that may read a key.
    expect(await keyCallsOf(as, ['--allow', 'keyctl where operation == KEYCTL_READ'])).toBe(1);
  });

  test('a run that may use keys has a keyring of its own', async () => {
    const run = async (words: readonly string[]) => {
      const { out } = await runProgram([...withKey(uniqueMarker()), ...words], {
        as,
        cwd: makeProject(as),
      });
      return out.trim().split('\n').map(Number);
    };
    const [outer = 0, inner = 0] = await run(
      wasboxArgv(as, ['run', '-q', '--discard', '--allow', 'keyctl', '--', ...show]),
    );
    expect(outer).toBeGreaterThan(0);
    expect(inner).toBeGreaterThan(0);
    expect(inner).not.toBe(outer);
    // Without a sandbox in between, it is the same.
    const [before, after] = await run(show);
    expect(after).toBe(before);
    // There is, by default, none to ask for.
    const [, refused] = await run(wasboxArgv(as, ['run', '-q', '--discard', '--', ...show]));
    expect(refused).toBe(-1);
  });

  test("the names of the user's keys are not to be read", async () => {
    const look = ['/bin/sh', '-c', 'cat /proc/keys /proc/key-users'];
    for (const options of [[], ['--allow', 'keyctl']]) {
      const name = uniqueMarker();
      const argv = wasboxArgv(as, ['run', '-q', '--discard', ...options, '--', ...look]);
      const run = await runProgram([...withKey(name), ...argv], { as, cwd: makeProject(as) });
      expect(run.out).toMatch(/^\d+\n$/);
      expect(run.err).toContain('/proc/keys: Permission denied');
      expect(run.err).toContain('/proc/key-users: Permission denied');
      const control = await runProgram([...withKey(name), ...look], { as, cwd: makeProject(as) });
      expect(control.out).toContain(name);
    }
  });

  test('the files that hide them stay closed', async () => {
    const open = `import os
for name in ('keys', 'key-users'):
    for attempt in (lambda path: os.chmod(path, 0o777), os.unlink, lambda path: open(path).close()):
        try: attempt('/proc/' + name); print('done', name)
        except OSError: pass`;
    const args = ['run', '-q', '--discard', '--', '/usr/bin/python3', '-c', open];
    const run = await runWasbox(args, { as, cwd: makeProject(as) });
    expect([run.status, run.out]).toEqual([0, '']);
  });
});
