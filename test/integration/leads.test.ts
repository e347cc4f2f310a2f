/** Tests that what a user brought wrong is told in a line that works, whether or not a person reads it. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ordinaryUser } from '../support/identity.js';
import { makeProject } from '../support/project.js';
import { nodeArgv, runProgram, runWasbox } from '../support/wasbox.js';

const as = ordinaryUser();
const files = {
  'token.py': 'import os\nprint(os.environ["GITHUB_TOKEN"])\n',
  'fine.py': 'print("fine")\n',
  'fails.py': 'raise SystemExit(4)\n',
  'options.py':
    'import argparse\np = argparse.ArgumentParser()\np.add_argument("--timeout")\np.parse_args()\n',
  'wrapper.sh': 'true "$@"\n',
  'someplace/file': '',
};
const env = { GITHUB_TOKEN: 'secret', OTHER_TOKEN: 'other' };
const run = (args: readonly string[], more: Readonly<Record<string, string>> = env) =>
  runWasbox(args, { as, cwd: makeProject(as, files), env: more });

describe('a variable that was not passed', () => {
  const line =
    'GITHUB_TOKEN is set, but was not passed. If the program may have it: --env GITHUB_TOKEN';

  test('is named where the script names it and fails, in a first and in a repeated run', async () => {
    const cwd = makeProject(as, files);
    for (let i = 0; i < 3; i++) {
      const { status, err } = await runWasbox(['run', 'token.py'], { as, cwd, env });
      expect([status, err]).toEqual([1, expect.stringContaining(line)]);
      expect(err).not.toContain('OTHER_TOKEN');
    }
  });

  test('is named where the code on the command line names it', async () => {
    const { status, err } = await run(['run', '-c', 'test -n "$GITHUB_TOKEN"']);
    expect([status, err]).toEqual([1, expect.stringContaining(line)]);
  });

  test('works with the option of the line', async () => {
    expect((await run(['run', '--env', 'GITHUB_TOKEN', 'token.py'])).status).toBe(0);
  });

  test('is named by wasbox why, which has nothing to say of another failure', async () => {
    const cwd = makeProject(as, files);
    for (let i = 0; i < 2; i++) {
      await runWasbox(['run', 'token.py'], { as, cwd, env });
      const why = await runWasbox(['why'], { as, cwd });
      expect([why.status, why.out]).toEqual([0, expect.stringContaining(line)]);
      const data = await runWasbox(['why', '--json'], { as, cwd });
      expect(JSON.parse(data.out).leads).toEqual([line]);
    }
    await runWasbox(['run', 'fails.py'], { as, cwd, env });
    const why = await runWasbox(['why'], { as, cwd });
    expect([why.status, why.out]).toEqual([1, expect.not.stringContaining('was not passed')]);
  });

  test.each([
    ['it is not set', ['run', 'token.py'], {}],
    ['the program succeeds', ['run', '-c', ': $GITHUB_TOKEN'], env],
    ['nothing is to be told', ['run', '-q', 'token.py'], env],
  ])('is not named where %s', async (_, args, given) => {
    expect((await run(args, given)).err).not.toContain('was not passed');
  });
});

test('a limit of open files is told where the program fails, and where it has fewer than usual', async () => {
  const opens = 'all = [open("/dev/null") for _ in range(40)]';
  const line = 'a process may open no more than 20 files. If it needed more: --open-files 40';
  const err = async (...args: string[]) =>
    (await run(['run', ...args, '--lang', 'python', '-c', opens])).err;
  expect(await err('--open-files', '20')).toContain(line);
  expect(await err('--open-files', '60')).not.toContain('open-files');
  expect(await err()).not.toContain('open-files');
});

describe('an option behind the script', () => {
  test('is told where the script has nothing to do with it, and fails', async () => {
    const { status, err } = await run(['run', 'fails.py', '--timeout', '1']);
    expect(status).toBe(4);
    expect(err).toContain('--timeout went to the program, because it stands behind fails.py');
  });

  test('is told of a script that succeeds, by the native command and by Node alike', async () => {
    const cwd = makeProject(as, files);
    const line = (option: string) =>
      `wasbox: --${option} went to the program, because it stands behind fine.py. For wasbox: wasbox run --${option} … fine.py\n`;
    for (const args of [['--timeout', '1'], ['--net=internet']]) {
      const words = ['run', 'fine.py', ...args];
      const [option = ''] = args.map((word) => word.slice(2).split('=')[0]);
      for (let i = 0; i < 3; i++) {
        const { status, out, err } = await runWasbox(words, { as, cwd });
        expect([status, out, err]).toEqual([0, 'fine\n', line(option)]);
      }
      const { status, err } = await runProgram(nodeArgv(as, words), { as, cwd });
      expect([status, err]).toEqual([0, line(option)]);
    }
    const quiet = ['run', '-q', 'fine.py', '--timeout', '1'];
    expect((await runWasbox(quiet, { as, cwd })).err).toBe('');
    expect((await runWasbox(['run', 'fine.py', '--other'], { as, cwd })).err).toBe('');
  });

  test('is told behind code and behind a script on standard input', async () => {
    const told = (what: string) =>
      `--timeout went to the program, because it stands behind ${what}. For wasbox: wasbox run --timeout … ${what}\n`;
    const cwd = makeProject(as);
    for (let i = 0; i < 3; i++) {
      const code = await runWasbox(['run', '-c', ':', 'a', '--timeout', '1'], { as, cwd });
      expect([code.status, code.err]).toEqual([0, `wasbox: ${told('-c')}`]);
    }
    const stdin = await runWasbox(['run', '-', '--timeout', '1'], { as, cwd, stdin: 'true\n' });
    expect([stdin.status, stdin.err]).toEqual([0, `wasbox: ${told('-')}`]);
    for (const words of [
      ['-c', 'true "$@"', 'a'],
      ['-c', 'true # timeout', 'a'],
    ])
      expect((await run(['run', ...words, '--timeout', '1'])).err).toBe('');
  });

  test.each(['options.py', 'wrapper.sh'])('is not told of %s, which takes it', async (script) => {
    expect((await run(['run', script, '--timeout', '1'])).err).not.toContain('went to the program');
  });
});

describe('a slip', () => {
  test.each([
    [['run', 'someplace'], 126, 'wasbox run --chdir someplace -- COMMAND'],
    [['run', './someplace'], 126, 'wasbox run --chdir ./someplace -- COMMAND'],
    [
      ['run', '--hide', 'fine.py'],
      125,
      '--hide took fine.py as its value. To run fine.py: wasbox run --hide … fine.py',
    ],
    [['run', '--ro', 'fine.py'], 125, '--ro took fine.py as its value'],
    [['run', 'A=1', 'fine.py'], 127, 'To set a variable, for each of them: --env A=1'],
    [['run', '--env', 'A=1', 'B=2', 'fine.py'], 127, '--env B=2'],
    [['run', '--requirements', 'r.txt', 'fine.py'], 125, '--with requests,rich'],
    [['run', '--offline', 'fine.py'], 125, 'the network is off unless --net'],
    [['run', '--port', '80', 'fine.py'], 125, '--publish PORT'],
    [['run', '--time-limit', '3', 'fine.py'], 125, '--timeout 30s'],
    [['version'], 127, 'To show the version: wasbox --version'],
    [['fine'], 127, 'Did you mean fine.py?'],
    [['run', 'someplace/../fine'], 127, 'Did you mean fine.py?'],
    [['list'], 127, 'wasbox runs'],
    [['logs'], 127, 'wasbox runs'],
    [['status'], 127, 'wasbox ps'],
    [['undo'], 127, 'wasbox discard'],
    [['commit'], 127, 'wasbox apply'],
    [['start'], 127, 'wasbox session start'],
    [['shell'], 127, 'wasbox run -- bash'],
    [['with', 'fine.py'], 127, '--with is an option: wasbox run --with PKG,… SCRIPT'],
    [['publish', '80', 'fine.py'], 127, '--publish is an option'],
    [['versoin'], 127, 'To show the version: wasbox --version'],
    [['run', '--cpus', '2', 'fine.py'], 125, 'taskset -c 0,1'],
    [['run', '--env', 'A B=1', 'fine.py'], 125, '--env: invalid variable name "A B"'],
    [['run', '--env', 'A\tB', 'fine.py'], 125, '--env: invalid variable name'],
  ])('%j is answered by what to write', async (args, expected, hint) => {
    const { status, err } = await run(args);
    expect([status, err]).toEqual([expected, expect.stringContaining(hint)]);
  });

  test.each(['zz', 'qy'])('gets no guess for a short word: %s', async (word) => {
    expect((await run(['run', word])).err).not.toContain('Did you mean');
  });

  test('--chdir starts in the directory that was meant', async () => {
    const { out } = await run(['run', '--chdir', 'someplace', '--', 'ls']);
    expect(out).toBe('file\n');
  });
});

describe('a file that is as large as it may be', () => {
  const python = `import signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
f = open("big", "wb", buffering=0)
try:
    while True: f.write(b"x" * 65536)
except OSError: pass`;

  test.each([
    ['of a shell’s child', ['-c', 'head -c 9M /dev/zero > big; true']],
    ['of a program that goes on', ['--lang', 'python', '-c', python]],
  ])('is told %s', async (_, words) => {
    const { status, err } = await run(['run', '--file-size', '1M', ...words]);
    expect([status, err]).toEqual([0, expect.stringContaining('wrote a file larger than 1 MiB')]);
    expect(err).toContain('--file-size 2M');
  });

  test('is not told of a smaller one', async () => {
    const { err } = await run([
      'run',
      '--file-size',
      '1M',
      '-c',
      'head -c 1000000 /dev/zero > big',
    ]);
    expect(err).not.toContain('larger than');
  });
});

test('the script is read where it is, and nothing else', async () => {
  const cwd = makeProject(as, files);
  // A FIFO in its place would hold wasbox up for good.
  const { status } = await runWasbox(['run', '--', 'sh', '-c', 'exit 3'], {
    as,
    cwd,
    env,
    timeoutMs: 20_000,
  });
  expect(status).toBe(3);
  expect(fs.existsSync(join(cwd, 'token.py'))).toBe(true);
});

describe('--pids that is used up', () => {
  const told = (pids: number) => `needed more than ${pids} processes and threads`;
  const sleeps = (count: number, end: string) =>
    `i=0; while [ $i -lt ${count} ]; do sleep 5 & i=$((i+1)); done; ${end}`;

  test('is told where a shell cannot fork, in a first and in a repeated run', async () => {
    const cwd = makeProject(as, files);
    for (let i = 0; i < 3; i++) {
      const { status, err } = await runWasbox(['run', '--pids', '8', '-c', sleeps(20, 'wait')], {
        as,
        cwd,
      });
      expect(status).not.toBe(0);
      expect(err).toContain(told(8));
      expect(err).toContain('--pids 16');
    }
  });

  test.each([
    ['it has room', ['--pids', '20', '-c', sleeps(5, 'exit 1')]],
    ['it is just enough', ['--pids', '8', '-c', sleeps(6, 'exit 0')]],
    // Samples see all of them, as many as the limit.
    ['it is just enough for a while', ['--pids', '8', '-c', sleeps(6, 'exec sleep 1')]],
  ])('is not told where %s', async (_, words) => {
    expect((await run(['run', ...words])).err).not.toContain('processes and threads');
  });
});

describe('a program with AddressSanitizer', () => {
  const leaks = {
    'leak.c':
      '#include <stdlib.h>\nint main(void) { volatile char *p = malloc(10); p[0] = 1; p = 0; return 0; }\n',
    'bad.c':
      '#include <stdlib.h>\nint main(void) { volatile char *p = malloc(10); return p[10]; }\n',
  };
  const build = (name: string) => `gcc -fsanitize=address ${name}.c -o ${name} && ./${name}`;
  const runC = (...words: string[]) =>
    runWasbox(['run', '--discard', ...words], { as, cwd: makeProject(as, leaks) });

  test('ends as it does outside, and errors are found', async () => {
    const fine = await runC('-c', build('leak'));
    expect([fine.status, fine.err]).toEqual([0, '']);
    const bad = await runC('-c', build('bad'));
    expect(bad.err).toContain('heap-buffer-overflow');
  });

  test('looks for leaks with --allow ptrace', async () => {
    const found = await runC('--allow', 'ptrace', '-c', build('leak'));
    expect(found.err).toContain('detected memory leaks');
  });
});
