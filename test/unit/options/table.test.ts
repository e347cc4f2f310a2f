import { describe, expect, expectTypeOf, it } from 'vitest';
import type { ChangesPolicy, RunArguments, RunOptions } from '../../../src/options/run-options.js';
import { suggest } from '../../../src/options/suggest.js';
import { type OptionEntry, runOptionTable } from '../../../src/options/table.js';
import type { PathMapping } from '../../../src/options/value-types.js';
import { durationMs } from '../../../src/options/values.js';
import { languageByExtension, languageByName, languages } from '../../../src/resolve/languages.js';

describe('the option table', () => {
  it('gives the library its types', () => {
    expectTypeOf<RunOptions['net']>().toEqualTypeOf<string | readonly string[] | undefined>();
    expectTypeOf<RunOptions['timeoutMs']>().toEqualTypeOf<number | undefined>();
    expectTypeOf<RunOptions['ro']>().toEqualTypeOf<readonly PathMapping[] | undefined>();
    expectTypeOf<RunOptions['hide']>().toEqualTypeOf<readonly string[] | undefined>();
    expectTypeOf<RunOptions['changes']>().toEqualTypeOf<
      'keep' | 'apply' | 'discard' | ChangesPolicy | undefined
    >();
    expectTypeOf<RunOptions['root']>().toEqualTypeOf<boolean | undefined>();
    expectTypeOf<RunArguments['report']>().toEqualTypeOf<string | number | undefined>();
    expectTypeOf<RunOptions>().not.toHaveProperty('dryRun');
  });

  it('has what help needs', () => {
    const table: readonly OptionEntry[] = runOptionTable;
    for (const entry of table) {
      expect(entry.help, entry.name).not.toMatch(/\.$/);
      expect(entry.metavar !== undefined, entry.name).toBe(entry.kind !== 'flag');
      expect(entry.help + (entry.default ?? ''), entry.name).toMatch(/^[\x20-\x7e…]*$/);
    }
  });
});

describe('durations', () => {
  it.each([
    ['1', 1000],
    ['0.0001', 1],
    ['1h1m1s1ms', 3_661_001],
    ['2d', 172_800_000],
    ['1.5m', 90_000],
  ])('%s is %i ms', (text, expected) => expect(durationMs(text)).toBe(expected));

  it.each([
    '',
    '-1',
    '+1',
    '1 s',
    ' 1',
    '1S',
    '1e3',
    '0x10',
    'Infinity',
    '1s1s',
    '1.',
    '.5',
    '1,5',
  ])('%j is none', (text) => expect(durationMs(text)).toBeUndefined());
});

describe('suggestions', () => {
  it.each([
    ['tiemout', 'timeout'],
    ['workdri', 'workdir'],
    ['Net', 'net'],
    ['discrad', 'discard'],
    ['nett', 'net'],
  ])('%s means %s', (word, expected) => {
    expect(
      suggest(
        word,
        runOptionTable.map((entry) => entry.name),
      ),
    ).toBe(expected);
  });

  it.each(['xyzzy', 'a', 'network'])('%s means nothing', (word) => {
    expect(suggest(word, ['timeout', 'net', 'policy'])).toBeUndefined();
  });
});

describe('languages', () => {
  it('have names and extensions of their own', () => {
    const names = languages.flatMap((row) => [row.name, ...(row.aliases ?? [])]);
    const extensions = languages.flatMap((row) => row.extensions);
    expect(new Set(names).size).toBe(names.length);
    expect(new Set(extensions).size).toBe(extensions.length);
    for (const row of languages) expect(languageByName(row.name.toUpperCase())).toBe(row);
  });

  it.each([
    ['a/b.tar.py', 'python'],
    ['x.cjs', 'node'],
    ['x.ts', 'typescript'],
    ['x.R', 'r'],
    ['x.jl', 'julia'],
    ['x.bash', 'bash'],
  ])('%s is %s', (name, expected) => expect(languageByExtension(name)?.name).toBe(expected));

  it.each(['x', 'x.', 'x.exe', 'py'])('%s is none', (name) => {
    expect(languageByExtension(name)).toBeUndefined();
  });
});
