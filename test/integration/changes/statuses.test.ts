/** Exit statuses of what decides about changes: 3 where something that was to be applied was not. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { identities } from '../../support/identity.js';
import { makeProject } from '../../support/project.js';
import { runWasbox } from '../../support/wasbox.js';

const many = Object.fromEntries(Array.from({ length: 30 }, (_, n) => [`f${n}`, 'x']));
const held = 'mkdir -p .git/hooks; echo x > .git/hooks/pre-commit';
const isolations = ['namespaces', 'landlock'] as const;

/** The action of a run, its options, and the status. With `--apply`, also a program that has one of its own. */
const runs = [
  ['applies all', 'echo x > made', ['--apply'], 0],
  ['changes nothing', 'true', ['--apply'], 0],
  ['makes a file that is held back', `echo x > made; ${held}`, ['--apply'], 3],
  ['makes only such a file', held, ['--apply'], 3],
  ['deletes half of the directory', 'rm f?', ['--apply'], 0],
  ['deletes nearly all', 'rm f*', ['--apply'], 3],
  ['fails', `${held}; exit 4`, ['--apply'], 4],
  ['is out of time', `${held}; sleep 60`, ['--apply', '--timeout', '1s'], 124],
  ['is killed', `${held}; kill -9 $$`, ['--apply'], 137],
  ['changes the home alone', 'echo x > ~/made', ['--apply'], 0],
  ['saves what is held back', held, [], 0],
  ['discards it', held, ['--discard'], 0],
] as const;

test.each(identities().flatMap((as) => isolations.map((isolation) => ({ as, isolation }))))(
  'wasbox run exits 3 if --apply leaves something, as $as.label with $isolation',
  async ({ as, isolation }) => {
    const found: unknown[] = [];
    for (const [what, script, options] of runs) {
      const cwd = makeProject(as, many);
      const words = ['run', '--isolation', isolation, ...options, '--', 'sh', '-c', script];
      const run = await runWasbox(words, { as, cwd });
      // The native command repeats it.
      const again = makeProject(as, many);
      const repeated = await runWasbox(words, { as, cwd: again });
      found.push([what, run.status, repeated.status]);
    }
    expect(found).toEqual(runs.map(([what, , , status]) => [what, status, status]));
  },
);

test.each(identities())(
  'the report has the status and that of the program, as $label',
  async (as) => {
    const cwd = makeProject(as, many);
    const words = ['run', '--apply', '--json', '--', 'sh', '-c', held];
    const { err, status } = await runWasbox(words, { as, cwd });
    const { outcome, changes } = JSON.parse(err) as Record<string, object>;
    expect([status, outcome]).toEqual([3, { kind: 'exited', exitCode: 0, status: 3 }]);
    expect(changes).toMatchObject({ disposition: 'partly-applied' });
  },
);

test.each(identities())(
  'apply, diff and discard say by their status what was done, as $label',
  async (as) => {
    const cwd = makeProject(as, many);
    const wasbox = async (...words: string[]) => (await runWasbox(words, { as, cwd })).status;
    const made = 'echo a > one; echo b > two; rm f*';
    await wasbox('run', '-q', '--', 'sh', '-c', `${made}; ${held}`);
    expect(await wasbox('diff')).toBe(0);
    expect(await wasbox('diff', 'nothing')).toBe(1);
    expect(await wasbox('diff', '--nothing')).toBe(2);
    expect(await wasbox('apply', 'nothing')).toBe(1);
    expect(await wasbox('apply', '--ours', '--theirs')).toBe(2);
    expect(await wasbox('apply', 'one')).toBe(0);
    expect(fs.existsSync(join(cwd, 'one'))).toBe(true);
    expect(await wasbox('apply')).toBe(3);
    expect([fs.existsSync(join(cwd, 'two')), fs.existsSync(join(cwd, 'f1'))]).toEqual([true, true]);
    expect(await wasbox('apply', '--delete')).toBe(3);
    expect([fs.existsSync(join(cwd, 'f1')), fs.existsSync(join(cwd, '.git'))]).toEqual([
      false,
      true,
    ]);
    expect(await wasbox('apply', '.git/hooks/pre-commit')).toBe(0);
    expect(await wasbox('apply')).toBe(1);
    expect(await wasbox('discard')).toBe(1);
    expect(await wasbox('discard', '--all', 'x')).toBe(2);
    await wasbox('run', '-q', '--', 'sh', '-c', 'echo > f');
    expect(await wasbox('discard')).toBe(0);
  },
);
