/** Slips of new users, at the command line and in the library: each gets one clear error. */
import { describe, expect, it } from 'vitest';
import { createPool, run, UsageError } from '../../src/index.js';
import { identities } from '../support/identity.js';
import { makeProject } from '../support/project.js';
import { runProgram, runWasbox, wasboxArgv } from '../support/wasbox.js';

describe.each(identities())('as $label', (as) => {
  const cwd = makeProject(as);
  it('wasbox help VERB is that verb’s help', async () => {
    for (const verb of ['run', 'diff', 'apply']) {
      const help = await runWasbox(['help', verb], { as, cwd });
      const same = await runWasbox([verb, '--help'], { as, cwd });
      expect([help.status, help.out]).toEqual([0, same.out]);
    }
    const group = await runWasbox(['run', '--help', 'net'], { as, cwd });
    expect(await runWasbox(['help', 'run', 'net'], { as, cwd })).toMatchObject({
      status: 0,
      out: group.out,
    });
    expect((await runWasbox(['help', 'nonsense'], { as, cwd })).status).toBe(2);
  });

  it('a directory as the script says so', async () => {
    const run = await runWasbox(['run', '/tmp'], { as, cwd });
    expect([run.status, run.err.split('\n')[0]]).toEqual([126, 'wasbox: /tmp: is a directory']);
  });

  it('a directory as stdin, a removed current directory, and a command that is too long', async () => {
    const first = async (...argv: string[]) => {
      const { status, err } = await runProgram(argv, { as, cwd });
      return [status, err.split('\n')[0]];
    };
    const line = (words: string) => [
      'sh',
      '-c',
      words,
      ...wasboxArgv(as, ['run', '--discard', '-']),
    ];
    expect(await first(...line('"$0" "$@" < /tmp'))).toEqual([126, 'wasbox: no script on stdin']);
    const long = 'yes "# a comment" | head -c 9000000 | "$0" "$@"';
    expect(await first(...line(long))).toEqual([
      126,
      'wasbox: the script on stdin is longer than 8 MiB',
    ]);
    const gone = (...args: string[]) => {
      const there = makeProject(as);
      return first('sh', '-c', 'cd "$0" && rmdir "$0" && "$@"', there, ...wasboxArgv(as, args));
    };
    const noPlace = 'wasbox: the current directory no longer exists';
    expect(await gone('run', 'true')).toEqual([125, expect.stringContaining(noPlace)]);
    expect(await gone('diff')).toEqual([2, noPlace]);
    expect(await gone('why')).toEqual([2, noPlace]);
    const many = (count: number) =>
      first(...wasboxArgv(as, ['run', '--discard', '--', 'true', ...Array(count).fill('a')]));
    const refused = 'wasbox: too many arguments or variables: 70001 (at most 65535)';
    expect(await many(70_000)).toEqual([125, refused]);
    expect(await many(60_000)).toEqual([0, '']);
  });

  it('wasbox inside wasbox is one line, for the command and its cause', async () => {
    const show = ['--ro', process.execPath, '--ro', as.cli.replace(/dist\/cli\.js$/, '')];
    const inner = [process.execPath, as.cli, 'run', '--', 'true'];
    const run = await runWasbox(['run', '--discard', ...show, '--', ...inner], { as, cwd });
    expect(run.status).toBe(125);
    expect(run.err).toContain('wasbox: wasbox cannot run inside a wasbox sandbox\n');
    expect(run.err).not.toContain('state directory');
    // Control: outside, the variable alone stops nothing.
    const outside = await runWasbox(['run', '--discard', '--', 'true'], {
      as,
      cwd,
      env: { WASBOX: '1' },
    });
    expect([outside.status, outside.err]).toEqual([0, '']);
  });

  it('Python on stdin that names no interpreter does not reach sh', async () => {
    const stdin = 'import os\nprint("ran")\n';
    const bare = await runWasbox(['run', '--discard', '-'], { as, cwd, stdin });
    expect([bare.status, bare.out]).toEqual([126, '']);
    expect(bare.err).toContain('wasbox run --lang python -');
    const named = await runWasbox(['run', '--discard', '--lang', 'python', '-'], {
      as,
      cwd,
      stdin,
    });
    expect([named.status, named.out]).toEqual([0, 'ran\n']);
  });

  it('a payload killed by a signal is named', async () => {
    const run = await runWasbox(['run', '--discard', '-c', 'kill -SEGV $$'], { as, cwd });
    expect([run.status, run.err]).toEqual([
      139,
      'wasbox: killed by SIGSEGV (invalid memory access)\n',
    ]);
    const quiet = await runWasbox(['run', '-q', '--discard', '-c', 'kill -SEGV $$'], { as, cwd });
    expect([quiet.status, quiet.err]).toEqual([139, '']);
  });

  it('--disk ends with one status, whichever way the limit is met', async () => {
    const many = 'i=0; while :; do head -c 4M /dev/zero > f$i; i=$((i+1)); done';
    const one = 'exec head -c 64M /dev/zero > big';
    for (const code of [many, one]) {
      const run = await runWasbox(['run', '--discard', '--disk', '16M', '-c', code], { as, cwd });
      expect(run.status, run.err).toBe(137);
    }
  });

  it('--net with a word for on or off is an error with the right word', async () => {
    const run = await runWasbox(['run', '--net', 'off', '--', 'true'], { as, cwd });
    expect([run.status, run.err.includes('Did you mean --net none?')]).toEqual([125, true]);
  });
});

describe('calls of the library', () => {
  const wrong = (call: unknown) => call as never;

  it('run with anything else in the place of args or options is a UsageError, and starts nothing', async () => {
    await expect(run('true', wrong('a b'))).rejects.toThrow(UsageError);
    await expect(run('true', [], wrong([]))).rejects.toThrow(UsageError);
    await expect(run(wrong({ command: 'true' }), wrong({ timeoutMs: 1 }))).rejects.toThrow(
      UsageError,
    );
    await expect(run(wrong(undefined))).rejects.toThrow(UsageError);
    await expect(createPool(wrong('python'))).rejects.toThrow(UsageError);
  });
});
