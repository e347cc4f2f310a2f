/**
 * Ten wrong values of each option that users of the library reach for: each is an error that names the property, says what
 * was expected and what was given, and where that can be told has the value to write, which is valid.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { speakAs, UsageError } from '../../../src/errors/index.js';
import { readNetRules, runOptionTable, validateRunOptions } from '../../../src/options/index.js';

beforeAll(() => speakAs('library'));
// Files of pure tests share a process.
afterAll(() => speakAs('command'));

const numbers = ['many', 0, -1, 1.5, Number.NaN, true, null, '', {}, [1]];
const texts = [5, true, null, {}, ['a', 'b'], [], 'a\0b', Symbol.iterator, () => 'a', 1n];
const lists = ['a', 8080, true, null, {}, [5], [null], ['a\0b'], 1.5, [['a']]];

const table: Readonly<Record<string, readonly unknown[]>> = {
  pids: numbers,
  memoryBytes: numbers,
  timeoutMs: numbers,
  cpuMs: numbers,
  diskBytes: numbers,
  inodes: numbers,
  fileSizeBytes: numbers,
  openFiles: numbers,
  with: texts,
  for: texts,
  lang: texts,
  publish: lists,
  hide: lists,
  home: ['', 'empy', 'Cow', true, false, null, ['cow'], '/home', {}, 5],
  net: [true, false, null, 5, {}, [5], ['example.org', null], 'a\0b', [['a']], () => 'a'],
  env: [
    'A=1',
    ['A=1'],
    { A: 1 },
    { A: null },
    { A: {} },
    { A: false },
    { A: 'a\0b' },
    5,
    null,
    true,
  ],
};

const fail = (options: object): UsageError => {
  try {
    validateRunOptions(options);
  } catch (error) {
    if (error instanceof UsageError) return error;
    throw error;
  }
  throw new Error('it is valid');
};

describe.each(Object.entries(table))('%s', (property, values) => {
  test('has ten wrong values here', () => expect(values).toHaveLength(10));

  test('is refused for each, in the words of the library', () => {
    for (const value of values) {
      const { code, message, hint = '' } = fail({ [property]: value });
      const shown = `${message}\n${hint}`;
      expect(code).toBe('ERR_OPTION_VALUE');
      expect(message).toMatch(new RegExp(`^option ${property}(\\.A|\\[\\d\\])?: expected `));
      expect(hint).toMatch(/^Got /);
      expect(shown).not.toMatch(/--[a-z]|command line|of a string|type object/);
      expect(shown.length).toBeLessThan(250);
      const [, write] = / Write (\{.*\})$/.exec(hint) ?? [];
      if (write !== undefined) {
        const meant: unknown = new Function(`return (${write})`)();
        expect(() => validateRunOptions(meant as object), write).not.toThrow();
      }
    }
  });
});

test.each([
  [{ memoryBytes: '512M' }, '{ memoryBytes: 536870912 }'],
  [{ timeoutMs: '30s' }, '{ timeoutMs: 30000 }'],
  [{ pids: '64' }, '{ pids: 64 }'],
  [{ with: ['requests', 'bs4'] }, "{ with: 'requests,bs4' }"],
  [{ publish: 8080 }, "{ publish: ['8080'] }"],
  [{ home: 'empy' }, "{ home: 'empty' }"],
  [{ net: true }, "{ net: 'internet' }"],
])('a value as another interface has it is answered by what to write: %j', (given, write) => {
  expect(fail(given).hint).toContain(`Write ${write}`);
});

test.each([
  [{ hide: ['a', 'a\0b'] }, 'hide[1]: expected a string, without NUL', 'Got "a\\u0000b".'],
  [{ ro: [{ path: '' }] }, "ro[0]: expected 'PATH[:DEST]' or { path, dest, within }", 'an object'],
  [{ publish: [8080] }, 'publish[0]: expected a string', "Got 8080. Write { publish: ['8080'] }"],
  [{ publish: ['1', 8080] }, 'publish[1]: expected a string', 'Got 8080.'],
  [{ net: ['a.example', null] }, 'net[1]: expected a string', 'Got null.'],
])('an array with one wrong entry is told which: %j', (given, message, hint) => {
  const error = fail(given);
  expect(error.message).toBe(`option ${message}`);
  expect(error.hint).toContain(hint);
});

test.each(['gpu', 'gpus', 'device', 'display', 'x11', 'browser', 'network', 'memory', 'ports'])(
  'an option that there is none of says what to do instead: %s',
  (name) => {
    const { code, hint } = fail({ [name]: true });
    expect([code, hint]).toEqual(['ERR_OPTION_UNKNOWN', expect.stringMatching(/.{10}/)]);
    expect(runOptionTable.map(({ property }) => property)).not.toContain(name);
  },
);

test.each(['', '*', 'all', 'none,host', 'localhost', 'http://a.org', 'internt', '0.0.0.0'])(
  'a wrong rule of the network has a hint with the property: %j',
  (text) => {
    try {
      readNetRules('--net', text);
      expect.unreachable();
    } catch (error) {
      const { message, hint = '' } = error as UsageError;
      expect(`${message}\n${hint}`).not.toMatch(/--net/);
      for (const [written] of hint.matchAll(/\{ [^{}]* \}/g))
        expect(() => new Function(`return (${written})`)(), written).not.toThrow();
      expect(hint).not.toMatch(/:\{/);
    }
  },
);
