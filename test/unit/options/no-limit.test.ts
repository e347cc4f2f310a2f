/**
 * A value that means no limit in other programs is answered by what means none here, in each interface that takes one.
 * What is written there is valid. The control: values that mean something else are answered without it.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { speakAs, UsageError } from '../../../src/errors/index.js';
import { setMaxConcurrency } from '../../../src/launch/gate.js';
import { checkOptions } from '../../../src/launch/index.js';
import {
  type OptionEntry,
  readValue,
  runOptionTable,
  validateRunOptions,
} from '../../../src/options/index.js';
import { ownLimits } from '../../../src/session/limits.js';

beforeAll(() => speakAs('library'));
// Files of pure tests share a process.
afterAll(() => speakAs('command'));

const limits = (runOptionTable as readonly OptionEntry[]).filter(({ kind }) =>
  ['integer', 'duration', 'size'].includes(kind),
);
const unlimited = limits.filter((row) => row.unlimited === true);
const others = limits.filter((row) => row.unlimited !== true);

const errorOf = (call: () => unknown): UsageError => {
  try {
    call();
  } catch (error) {
    if (error instanceof UsageError) return error;
    throw error;
  }
  throw new Error('it is valid');
};

test('the table has limits of both kinds', () => {
  expect(unlimited.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['timeout', 'memory', 'pids', 'disk', 'max-output']),
  );
  expect(others.map(({ name }) => name)).toContain('grace');
});

describe.each(unlimited)('no limit of --$name', (row) => {
  test.each([0, -1, null, false, '0', '-1', 'infinity', 'Inf', 'off', '0s', 'never'])(
    'is told to the library for %j',
    (value) => {
      const { code, hint } = errorOf(() => validateRunOptions({ [row.property]: value }));
      expect([code, hint]).toEqual([
        'ERR_OPTION_VALUE',
        expect.stringContaining(`For no limit: { ${row.property}: Infinity }`),
      ]);
      validateRunOptions({ [row.property]: Number.POSITIVE_INFINITY });
    },
  );

  test.each(['0', '-1', 'infinity', 'Inf', 'off', '00', 'unlimitd'])(
    'is told on the command line for %j',
    (text) => {
      const { hint } = errorOf(() => readValue(row, `--${row.name}`, text));
      const line = `For no limit: --${row.name} none`;
      if (text === 'unlimitd') expect(hint).not.toContain(line);
      else expect(hint?.split('\n')).toContain(line);
      expect(readValue(row, `--${row.name}`, 'none')).toBe(Number.POSITIVE_INFINITY);
    },
  );

  test.each(['many', 1.5, {}, [1], true])('is not told to the library for %j', (value) => {
    const { hint } = errorOf(() => validateRunOptions({ [row.property]: value }));
    expect(hint).not.toContain('For no limit');
  });

  test('is told in a profile without an option', () => {
    const { hint } = errorOf(() => readValue(row, row.profileKey ?? '', '0'));
    expect(hint).toMatch(/\nFor no limit, write none\.$/);
  });
});

test.each(others)('--$name, which cannot be without one, is not told of any: 0', (row) => {
  const own = errorOf(() => readValue(row, `--${row.name}`, '-1'));
  const property = errorOf(() => validateRunOptions({ [row.property]: -1 }));
  expect(`${own.hint}${property.hint}`).not.toMatch(/no limit/i);
});

test('an example of a time that is too short is one that is valid', () => {
  for (const row of limits.filter(({ kind }) => kind === 'duration')) {
    const short = errorOf(() => readValue(row, `--${row.name}`, row.min === 1 ? '0' : '1ms'));
    const [, value = ''] = /For example: --\S+ (\S+)/.exec(short.hint ?? '') ?? [];
    expect(readValue(row, `--${row.name}`, value)).toBeGreaterThan(0);
  }
});

test.each([
  ['createSession', { idleMs: 0 }, 'idleMs'],
  ['createPool', { startTimeoutMs: 0 }, 'startTimeoutMs'],
  ['run', { maxOutputBytes: -1 }, 'maxOutputBytes'],
  ['run', { askTimeoutMs: -1 }, 'askTimeoutMs'],
] as const)('%s tells it for %j', (name, options, property) => {
  const { hint } = errorOf(() => checkOptions(name, options));
  expect(hint).toBe(`Got ${Object.values(options)[0]}. For no limit: { ${property}: Infinity }`);
  checkOptions(name, { [property]: Number.POSITIVE_INFINITY });
});

test('setMaxConcurrency tells it for 0', () => {
  expect(errorOf(() => setMaxConcurrency(0)).hint).toBe(
    'For no limit: setMaxConcurrency(Infinity)',
  );
});

test('a program of a session is told to leave it out over MCP, since its session may have a limit', () => {
  speakAs('mcp');
  const session = { memoryBytes: 512 * 1024 ** 2 } as never;
  const { message, hint } = errorOf(() => ownLimits((name) => name, { memoryBytes: 0 }, session));
  expect(message).toMatch(/^memoryBytes: expected whole bytes from 1048576 to /);
  expect(hint).toBe('Got 0. Leave it out for no limit but that of the session.');
  expect(ownLimits((name) => name, {}, session)).toEqual({});
  speakAs('library');
  // The words of a run's option: same-words.test.ts.
  const inLibrary = errorOf(() => ownLimits((name) => name, { memoryBytes: 0 }, session));
  expect(inLibrary.hint).toBe('Got 0. For no limit: { memoryBytes: Infinity }');
  const text = errorOf(() => ownLimits((name) => name, { memoryBytes: '64M' as never }, session));
  expect(text.hint).toBe('Got "64M". Write { memoryBytes: 67108864 }');
});
