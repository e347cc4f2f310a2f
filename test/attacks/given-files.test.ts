/**
 * Set-id bits: refused where a file of the host can be changed from inside, and only there. A payload
 * sets them on a file of its own; the host's files are looked at afterwards.
 */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { RunReport } from '../../src/index.js';
import { fastpathOf as frontPath, makeFastpath } from '../support/fastpath.js';
import { type Identity, identities, ordinaryUser } from '../support/identity.js';
import { makeProject } from '../support/project.js';
import { runProgram, wasboxArgv } from '../support/wasbox.js';

const payload = 'touch own; chmod u+s own 2>/dev/null && echo set >> seen || echo refused >> seen';

/** Redirections of a shell, options, and what the report names: nothing where it is not refused. */
const cases: readonly (readonly [
  redirections: string,
  options: string,
  named: string | undefined,
])[] = [
  ['', '', undefined],
  ['< input', '', undefined],
  ['< input | cat > out', '', undefined],
  ['> out', '--max-output 1M', undefined],
  ['< input > out 2> err', '--max-output 1M', undefined],
  ['> out', '', 'stdout'],
  ['>> out', '', 'stdout'],
  ['2> out', '', 'stderr'],
  ['<> input', '', 'stdin'],
  ['<> input', '--max-output 1M', 'stdin'],
  ['> out 2>&1', '', 'stdout, stderr'],
  ['', '--rw given', '--rw '],
];

async function report(as: Identity, redirections: string, options: string) {
  const cwd = makeProject(as, { input: 'text', 'given/': '' });
  const words = wasboxArgv(as, ['run', '--apply', '--report', 'report.json']).join(' ');
  const script = `${words} ${options} -c '${payload}' ${redirections}; cat seen`;
  const { out, err } = await runProgram(['bash', '-c', script], { as, cwd });
  const text = await runProgram(['cat', join(cwd, 'report.json')], { as, cwd });
  return {
    cwd,
    seen: out.trim().split('\n').at(-1),
    err,
    report: JSON.parse(text.out) as RunReport,
  };
}

describe.each(identities())('set-id bits, as $label', (as) => {
  test.each(cases)('are kept outside with "%s" %s', async (redirections, options, named) => {
    const { cwd, seen, report: told } = await report(as, redirections, options);
    expect(seen).toBe(named === undefined ? 'set' : 'refused');
    const causes = (told.refusals?.calls ?? []).map(({ cause }) => cause);
    if (named === undefined) expect(causes).toEqual([]);
    else expect(causes.join()).toContain(`(${named}`);
    for (const name of ['input', ...(redirections.includes('out') ? ['out'] : [])]) {
      expect(statSync(join(cwd, name)).mode & 0o6000, name).toBe(0);
    }
  });

  // The descriptor of a file for reading cannot change the file: why no guard is needed.
  test('are not set on what is only read', async () => {
    const cwd = makeProject(as, { input: 'text' });
    const words = wasboxArgv(as, ['run', '-q', '--discard', '--']).join(' ');
    const code = 'import os; os.fchmod(0, 0o4755)';
    const inside = await runProgram(['bash', '-c', `${words} python3 -c '${code}' < input`], {
      as,
      cwd,
    });
    expect(inside.err).toMatch(/OSError|PermissionError/);
    expect(statSync(join(cwd, 'input')).mode & 0o6000).toBe(0);
    // Control: outside it can.
    await runProgram(['bash', '-c', `python3 -c '${code}' < input`], { as, cwd });
    expect(statSync(join(cwd, 'input')).mode & 0o6000).toBe(0o4000);
  });
});

test('a start that is made again without Node has the guard where its streams need it', async () => {
  const as = ordinaryUser();
  const fastpath = makeFastpath(as);
  const cwd = makeProject(as, { input: 'text' });
  const shell = (redirections: string) =>
    runProgram(
      [
        'bash',
        '-c',
        `"$0" run -q --discard -c 'touch own; chmod u+s own 2>/dev/null && echo set || echo refused' ${redirections} | cat`,
        frontPath(as),
      ],
      { as, cwd, env: { ...fastpath.env, PWD: cwd } },
    );
  for (let i = 0; i < 3; i++) expect((await shell('< input')).out).toBe('set\n');
  expect((await shell('<> input')).out).toBe('refused\n');
  for (let i = 0; i < 2; i++) expect((await shell('< input')).out).toBe('set\n');
});
