/** The completions, in the shells that they are for: on a terminal, with the tab key. */
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Identity, identities } from '../support/identity.js';
import { makeProject } from '../support/project.js';
import { onTerminal } from '../support/terminal.js';
import { runProgram, runWasbox } from '../support/wasbox.js';

/** Prepares a shell without the user's own files and shows a prompt that nothing else prints. */
const shells = {
  bash: {
    argv: (rc: string) => ['bash', '--noprofile', '--rcfile', rc, '-i'],
    rc: (script: string) => `PS1='RE''ADY> '\nbind 'set bell-style none'\nsource ${script}\n`,
  },
  // Finds its start-up file by ZDOTDIR.
  zsh: {
    argv: () => ['zsh', '-d', '-i'],
    rc: (script: string) =>
      `autoload -U compinit\ncompinit -u -D\nPS1='RE''ADY> '\nunsetopt beep\nsource ${script}\n`,
  },
} as const;

/** The words that are typed before the tab, and the end of what the shell makes of it: no two alike. */
const rows: readonly (readonly [what: string, typed: string, shown: string])[] = [
  ['a verb', 'wasbox doc', 'doctor'],
  ['an option', 'wasbox run --workd', 'workdir'],
  ['a choice', 'wasbox run --net ho', 'host'],
  ['a choice behind =', 'wasbox run --net=no', 'none'],
  ['a path', 'wasbox run unmista', 'unmistakable.py'],
  ['a path of an option', 'wasbox run --ro another', 'another-one.txt'],
  ['an action', 'wasbox session roll', 'rollback'],
  ['a policy verb', 'wasbox policy sim', 'simulate'],
  ['a built-in policy', 'wasbox policy check defau', 'default'],
  ['a system call', 'wasbox policy simulate x socketp', 'socketpair'],
  ['a group', 'wasbox policy groups @network-', 'network-io'],
  ['an option of a policy verb', 'wasbox policy compile --form', 'format'],
];

/** Nothing to be completed: it belongs to the program, or is not a word of wasbox. */
const barren = ['wasbox run unmistakable.py --workd', 'wasbox run -- ls --workd', 'wasbox xyzzy '];

const project = (as: Identity): string =>
  makeProject(as, { 'unmistakable.py': 'print(1)\n', 'another-one.txt': '' }, 'completion');

describe.each(identities())('as $label', (as) => {
  let cwd: string;
  const env = (): Record<string, string> => ({
    PATH: `${join(cwd, 'bin')}:/usr/local/bin:/usr/bin:/bin`,
    ZDOTDIR: cwd,
    HISTFILE: '/dev/null',
  });

  beforeAll(() => {
    cwd = project(as);
    fs.mkdirSync(join(cwd, 'bin'));
    const wrapper = `#!/bin/sh\nexec ${process.execPath} ${as.cli} "$@"\n`;
    fs.writeFileSync(join(cwd, 'bin/wasbox'), wrapper, { mode: 0o755 });
  });

  const scriptFor = async (shell: string): Promise<string> => {
    const { out, status } = await runWasbox(['completion', shell], { as, cwd });
    expect(status).toBe(0);
    const script = join(cwd, `wasbox.${shell}`);
    fs.writeFileSync(script, out);
    return script;
  };

  test.each(['bash', 'zsh'] as const)('%s completes at the tab key', async (shell) => {
    const script = await scriptFor(shell);
    execFileSync(shell, ['-n', script], { stdio: 'pipe' });
    const rc = join(cwd, shell === 'zsh' ? '.zshrc' : '.bashrc');
    fs.writeFileSync(rc, shells[shell].rc(script));
    // Each line waits for the completion of the one before; without it the end never comes.
    const typed = rows.map(([, text], at) => ({
      after: at === 0 ? 'READY> ' : (rows[at - 1]?.[2] ?? ''),
      type: `\\x15${text}\\t`,
    }));
    const end = { after: rows.at(-1)?.[2] ?? '', type: '\\x15exit\\r' };
    const run = await onTerminal(shells[shell].argv(rc), { as, cwd, env: env() }, [...typed, end]);
    const missing = rows.find(([, , shown]) => !run.output.includes(shown));
    expect([missing, run.timedOut]).toEqual([undefined, false]);
  });

  test('fish completes', async () => {
    const script = await scriptFor('fish');
    execFileSync('fish', ['--no-execute', script], { stdio: 'pipe' });
    const asked = [...rows.map(([, text]) => text), ...barren];
    const code = asked.map((text) => `complete -C ${JSON.stringify(text)}; echo ---`).join('; ');
    const run = await runProgram(['fish', '--no-config', '-c', `source ${script}; ${code}`], {
      as,
      cwd,
      env: env(),
    });
    expect(run.err).toBe('');
    const answers = run.out.split('---\n').map((text) => text.trim().split('\n'));
    const words = answers.map((lines) => lines.map((line) => line.split('\t')[0] ?? ''));
    for (const [at, [what, , shown]] of rows.entries()) {
      expect([what, words[at]?.some((word) => word.endsWith(shown))]).toEqual([what, true]);
    }
    expect(words.slice(rows.length, -1)).toEqual(barren.map(() => ['']));
  });

  test('bash leaves to the program what belongs to it', async () => {
    const script = await scriptFor('bash');
    const code = `source ${script}
      for line in "$@"; do
        read -ra COMP_WORDS <<<"$line"
        COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))
        _wasbox
        echo "\${COMPREPLY[*]}"
      done`;
    const lines = [...barren.slice(0, 2), 'wasbox run --workd'];
    const run = await runProgram(['bash', '-c', code, 'bash', ...lines], { as, cwd, env: env() });
    expect(run.out.split('\n')).toEqual(['', '', '--workdir', '']);
  });
});

test('the command answers a line with the words that may be its last', async () => {
  const [as] = identities();
  if (as === undefined) throw new Error('no identity');
  const cwd = project(as);
  const env = { XDG_STATE_HOME: makeProject(as, {}, 'completion-state') };
  const wordsFor = async (...line: string[]) =>
    (await runWasbox(['completion', ...line], { as, cwd, env })).out.split('\n');
  expect(await wordsFor('zsh', '--', 'policy', 'simulate', 'x', 'openat')).toContain('openat2');
  // Bash parts words at these, and replaces the last part.
  expect(await wordsFor('bash', '--', 'run', '--net', '=', 'no')).toEqual(['none', '']);
  expect(await wordsFor('bash', '--', 'policy', 'groups', '@', 'network-i')).toEqual([
    expect.stringContaining('network-io\t'),
    '',
  ]);
  expect(await wordsFor('bash', '--', 'run', '--publish', '80', ':', '90', '--workd')).toEqual([
    expect.stringContaining('--workdir\t'),
    '',
  ]);
  const started = await runWasbox(['session', 'start', '--name', 'unmistaken'], { as, cwd, env });
  expect(started.status, started.err).toBe(0);
  try {
    for (const verb of ['stop', 'exec', 'diff'])
      expect(await wordsFor('fish', '--', verb, 'unm')).toEqual(['unmistaken\tsession', '']);
    expect(await wordsFor('fish', '--', 'session', 'stop', 'unm')).toHaveLength(2);
    expect(await wordsFor('fish', '--', 'preset', 'show', 'unm')).toEqual(['']);
    expect(await wordsFor('fish', '--', 'exec', 'unmistaken', 'unm')).toEqual(['']);
  } finally {
    await runWasbox(['stop', 'unmistaken'], { as, cwd, env });
  }
  const wrong = await runWasbox(['completion', 'tcsh'], { as });
  expect([wrong.status, wrong.out]).toEqual([2, '']);
  expect(wrong.err).toContain('wasbox completion zsh');
});
