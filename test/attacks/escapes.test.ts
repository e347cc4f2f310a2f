/** Attack 33: text that the attacker chose must not steer the terminal on which wasbox speaks. */
import { describe, expect, test } from 'vitest';
import { identities } from '../support/identity.js';
import { makeProject, writeFiles } from '../support/project.js';
import { runProgram, runWasbox } from '../support/wasbox.js';

const evil = '\u001b]0;owned\u0007\u001b[2J\u009b31m\r\u202ename\u0000'.replace('\u0000', '');
/** Control characters other than line feed and tab, C1 ones and direction overrides included. */
const steering = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/;

describe.each(identities())('messages, as $label', (as) => {
  const cases: readonly [what: string, args: string[]][] = [
    ['a script that does not exist', ['run', `${evil}.py`]],
    ['a command that does not exist', ['run', '--', evil]],
    ['an unknown option', ['run', `--${evil}`]],
    ['a value', ['run', '--timeout', evil, '--', 'true']],
    ['a working directory', ['run', '--workdir', evil, '--', 'true']],
    ['a read-only path', ['run', '--ro', evil, '--', 'true']],
    ['a policy', ['run', '--policy', evil, '--', 'true']],
    ['an unknown extension', ['run', `file.${evil}`]],
    ['a verb', [evil]],
    ['a language', ['run', '--lang', evil, '-c', 'x']],
    ['a variable', ['run', '--dry-run', '--env', `X=${evil}`, '--', 'true', evil]],
    ['a policy with escapes in its text', ['run', '--policy', 'evil.policy', '--', 'true']],
    ['a script whose #! line is evil', ['run', 'shebang.x']],
    ['verbose output', ['run', '-v', '--discard', '--', 'echo']],
    ['a run id', ['diff', evil]],
  ];

  test.each(cases)('%s', async (_what, args) => {
    const cwd = makeProject(as, {});
    writeFiles(as, cwd, {
      [`file.${evil}`]: 'x',
      'evil.policy': `allow ${evil}\n`,
      'shebang.x': `#!/nonexistent/${evil}\n`,
    });
    const run = await runWasbox(args, { as, cwd });
    expect(run.out).not.toMatch(steering);
    expect(run.err).not.toMatch(steering);
    expect(run.out + run.err).not.toBe('');
    expect(run.err).not.toMatch(/^\s+at .*\(/m);
  });

  test('changed files, in the summary, the list and the diff', async () => {
    const cwd = makeProject(as, { a: 'x\n' });
    const env = { XDG_STATE_HOME: `${cwd}.state` };
    const script = 'printf "%s\\n" "$1" > "$1"; ln -s "$1" l; printf "%s" "$1" >> a; echo';
    const run = await runWasbox(['run', '--', 'sh', '-c', script, 'sh', evil], { as, cwd, env });
    expect(run.status).toBe(0);
    for (const verb of [['runs'], ['diff', '--stat'], ['diff'], ['discard']]) {
      const shown = await runWasbox(verb, { as, cwd, env });
      expect(shown.out + shown.err).not.toMatch(steering);
    }
    expect(run.err).not.toMatch(steering);
  });

  test('a program that does not care shows that the test can fail', async () => {
    const run = await runProgram(['sh', '-c', 'echo "no such file: $1" >&2', 'sh', evil], { as });
    expect(run.err).toMatch(steering);
  });
});
