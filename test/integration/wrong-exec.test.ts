/** Ten wrong uses of `wasbox exec`, and options of a sandbox that no verb has: each says what is wrong and what to write. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ordinaryUser } from '../support/identity.js';
import { makeProject } from '../support/project.js';
import { runWasbox } from '../support/wasbox.js';

const as = ordinaryUser();
const cwd = makeProject(as);
const wasbox = (...words: string[]) => runWasbox(words, { as, cwd });

beforeAll(async () => {
  await wasbox('session', 'start', '--name', 'wrong');
});
afterAll(async () => {
  await wasbox('stop', 'wrong');
});

const start = (option: string): string => `wasbox session start --${option} …`;
const table: readonly (readonly [words: readonly string[], names: string, hint: string])[] = [
  [['--net', 'internet'], 'unknown option --net', start('net')],
  [['--pids', '9'], 'unknown option --pids', start('pids')],
  [['--home', 'cow'], 'unknown option --home', start('home')],
  [['--with', 'requests'], 'unknown option --with', start('with')],
  [['--for', 'npm'], 'unknown option --for', start('for')],
  [['--disk', '1G'], 'unknown option --disk', start('disk')],
  [['--timeout', '1s'], 'unknown option --timeout', '-- timeout 30s COMMAND'],
  [['--publish', '80'], 'unknown option --publish', 'wasbox session publish NAME PORT'],
  [['--gpu'], 'unknown option --gpu', 'wasbox session --help'],
  [['--memory', '5'], '--memory: must be at least 1M', '--memory 1M'],
];

describe('wasbox exec', () => {
  test('has ten wrong uses here', () => expect(table).toHaveLength(10));

  test.each(table)('%j is told, and nothing runs', async (words, names, hint) => {
    const { status, out, err } = await wasbox('exec', ...words, 'wrong', '--', 'echo', 'ran');
    expect([status, out], err).toEqual([125, '']);
    expect(err).toContain(`wasbox: ${names}`);
    expect(err.split('\n')[1]).toContain(hint);
  });

  test('tells of a variable that is not set, and passes one that is', async () => {
    const words = (name: string) => ['exec', '--env', name, 'wrong', '--', 'sh', '-c', 'echo x'];
    const unset = await wasbox(...words('WB_UNSET'));
    expect([unset.out, unset.err]).toEqual([
      'x\n',
      expect.stringContaining('--env WB_UNSET: not set, so nothing was passed'),
    ]);
    expect((await wasbox(...words('HOME'))).err).toBe('');
  });

  test('runs without such an option (control)', async () => {
    expect((await wasbox('exec', 'wrong', '--', 'echo', 'ran')).out).toBe('ran\n');
  });
});

test.each([
  ['session', ['session', 'start']],
  ['mcp', ['mcp']],
  ['learn', ['learn']],
] as const)('a GPU that is asked of `wasbox %s` is answered as in a run', async (_, words) => {
  const { status, err } = await wasbox(...words, '--gpu');
  expect([status === 0, err]).toEqual([
    false,
    expect.stringContaining('Let the program use the processor'),
  ]);
});
