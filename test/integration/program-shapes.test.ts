/**
 * Tests that what to run has the same shapes in each call of the library, and a wrong one is a UsageError with a code.
 */
import { describe, expect, test } from 'vitest';
import { createSession, dryRun, errorCodes, run, spawn, UsageError } from '../../src/index.js';
import { libraryPlace } from '../support/library-place.js';

const { workdir } = libraryPlace('shapes');
const options = { workdir, changes: 'discard' } as const;
type Loose = (...given: readonly unknown[]) => Promise<unknown>;
const loose = (call: unknown): Loose => call as Loose;
const [anyRun, anySpawn, anyDryRun] = [loose(run), loose(spawn), loose(dryRun)];

const shapes = [
  ['an array of words', ['printf', '%s', 'a b']],
  ['a command and its arguments', { command: 'printf', args: ['%s', 'a b'] }],
  ['code', { lang: 'sh', code: 'printf %s "$1"', args: ['a b'] }],
] as const;

describe.each(shapes)('%s', (_, program) => {
  const given = Array.isArray(program) ? [program, options] : [{ ...program, ...options }];

  test('is run', async () => {
    const { stdout, exitCode } = (await anyRun(...given)) as Awaited<ReturnType<typeof run>>;
    expect([stdout, exitCode]).toEqual(['a b', 0]);
  });

  test('is spawned', async () => {
    const sandbox = (await anySpawn(...given)) as Awaited<ReturnType<typeof spawn>>;
    let text = '';
    for await (const chunk of sandbox.stdout ?? []) text += String(chunk);
    expect([text, (await sandbox.result).exitCode]).toEqual(['a b', 0]);
  });

  test('is executed in a session', async () => {
    await using session = await createSession(options);
    const { stdout, exitCode } = await session.exec(program);
    expect([stdout, exitCode]).toEqual(['a b', 0]);
    expect((await (await session.spawn(program)).result).exitCode).toBe(0);
  });

  test('is resolved by dryRun', async () => {
    const { sandbox } = (await anyDryRun(...given)) as Awaited<ReturnType<typeof dryRun>>;
    expect(sandbox.command.argv.at(-1)).toBe('a b');
  });
});

describe('a wrong shape', () => {
  test.each([
    ['no words', [[]]],
    ['an empty command', [['', 'x']]],
    ['a word that is a number', [['echo', 1]]],
    ['words twice', [['echo'], ['x']]],
    ['a third argument', [['echo'], options, options]],
    ['null', [null]],
    ['a number', [7]],
    ['nothing', []],
    ['a NUL in a word', [['echo', 'a\0b'], options]],
    ['command and code', [{ ...options, command: 'echo', code: 'true' }]],
    ['args that are a string', [{ ...options, command: 'echo', args: 'x' }]],
  ])('%s is a UsageError of run, spawn and dryRun', async (_, given) => {
    for (const call of [anyRun, anySpawn, anyDryRun]) {
      const error = await Promise.resolve()
        .then(() => call(...given))
        .catch((e: unknown) => e);
      expect(error).toBeInstanceOf(UsageError);
      expect(Object.keys(errorCodes)).toContain((error as UsageError).code);
    }
  });

  test.each([
    ['no words', []],
    ['an empty command', ['']],
    ['a word that is a number', ['echo', 1]],
    ['a string', 'echo x'],
    ['null', null],
    ['nothing', undefined],
    ['an empty command by name', { command: '' }],
    ['a command that is a number', { command: 7 }],
    ['args that are a string', { command: 'echo', args: 'x' }],
    ['command and code', { command: 'echo', code: 'true' }],
    ['command and lang', { command: 'echo', lang: 'sh' }],
    ['another property', { command: 'echo', cwd: '/' }],
    ['a NUL', { command: 'echo', args: ['a\0b'] }],
  ])('%s is a UsageError of session.exec and session.spawn', async (_, program) => {
    await using session = await createSession(options);
    for (const call of [session.exec, session.spawn]) {
      const error = await (call as unknown as Loose)
        .call(session, program)
        .catch((e: unknown) => e);
      expect(error).toBeInstanceOf(UsageError);
      expect(Object.keys(errorCodes)).toContain((error as UsageError).code);
    }
    expect((await session.exec(['true'])).exitCode).toBe(0);
  });

  test('a line for a shell is answered with how one is given, which works', async () => {
    await using session = await createSession(options);
    const error = await loose(session.exec)
      .call(session, 'echo a | tr a b')
      .catch((e: unknown) => e);
    const { hint = '' } = error as UsageError;
    const [, program = ''] = /session\.exec\((\{.*\})\)$/.exec(hint) ?? [];
    expect(program).toBe(`{ lang: 'sh', code: "echo a | tr a b" }`);
    expect((await session.exec({ lang: 'sh', code: 'echo a | tr a b' })).stdout).toBe('b\n');
  });
});
