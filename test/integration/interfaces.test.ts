/** A misuse is a UsageError with a code in every interface, and its message names what that interface has. */
import { describe, expect, test } from 'vitest';
import { createSession, errorCodes, run, UsageError, WasboxError } from '../../src/index.js';
import { ordinaryUser } from '../support/identity.js';
import { libraryPlace } from '../support/library-place.js';
import { startMcp } from '../support/mcp.js';
import { makeProject } from '../support/project.js';
import { runWasbox } from '../support/wasbox.js';

const { workdir } = libraryPlace('interfaces');
type Options = Parameters<typeof run>[0];

/** Each row is the same misuse as an option and as a property. */
const misuses: readonly (readonly [argv: readonly string[], options: object])[] = [
  [['--net', 'host', '--publish', '80'], { net: 'host', publish: ['80'] }],
  [['--net', 'host', '--net-deny', 'a.example'], { net: 'host', netDeny: ['a.example'] }],
  [['--with', '-r x'], { with: '-r x' }],
  [['--lang', 'cobol'], { lang: 'cobol' }],
  [['--chdir', '/usr'], { chdir: '/usr' }],
  [['--for', 'npm:all'], { for: 'npm:all' }],
  [['--allow', 'nothing such'], { allow: ['nothing such'] }],
  [['--publish', '1:2:3:4'], { publish: ['1:2:3:4'] }],
  [['--platform', 'linux/arm64'], { platform: 'linux/arm64' }],
  [['--env', 'A B=1'], { env: { 'A B': '1' } }],
  [['--image', 'oci:x', '--with', 'tiny'], { image: 'oci:x', with: 'tiny' }],
  [['--cow', '/usr', '--cow', '/usr/lib'], { cow: ['/usr', '/usr/lib'] }],
];

const as = ordinaryUser();
/** An option of wasbox; what is typed at a shell, as a whole line, may have some. */
const optionsIn = (text: string): string[] =>
  text
    .split('\n')
    .flatMap(
      (line) =>
        line.replace(/wasbox (?:run|wasbox) .*$/, '').match(/(?<![\w-])--[a-z][a-z-]*/g) ?? [],
    )
    .filter((word) => !['--help'].includes(word));

describe.each(misuses)('%j', (argv, options) => {
  test('names options at the command line', async () => {
    const cwd = makeProject(as, { 'a.sh': 'true\n' });
    const { status, err, out } = await runWasbox(['run', ...argv, 'a.sh'], { as, cwd });
    expect([status, out], err).toEqual([125, '']);
    expect(err).not.toMatch(/\{ \w+: /);
    expect(err).not.toContain('internal error');
  });

  test('is a UsageError in the library, with a code that names properties', async () => {
    const error = await run({ workdir, code: 'true', ...options } as Options).catch(
      (e: unknown) => e,
    );
    expect(error).toBeInstanceOf(WasboxError);
    const { code, message, hint = '' } = error as WasboxError;
    expect(Object.keys(errorCodes)).toContain(code);
    if (code !== 'ERR_POLICY_INVALID') expect(error, message).toBeInstanceOf(UsageError);
    expect([message, hint, optionsIn(`${message}\n${hint}`)]).toEqual([message, hint, []]);
  });
});

describe('a line for a shell, where a program is expected', () => {
  test('is answered in a session of the library', async () => {
    await using session = await createSession({ workdir, changes: 'discard' });
    const error = await session.exec(['ls | wc -l']).catch((e: unknown) => e);
    expect(error).toMatchObject({
      code: 'ERR_EXEC_NOT_FOUND',
      hint: `No shell reads it. For a shell's line: session.exec({ lang: 'sh', code: "ls | wc -l" })`,
    });
    expect((await session.exec({ lang: 'sh', code: 'ls | wc -l' })).exitCode).toBe(0);
  });

  test('over MCP', async () => {
    const mcp = await startMcp(as);
    const { isError, text } = await mcp.call('run_command', { argv: ['ls | wc -l'] });
    expect([isError, JSON.parse(text).hint]).toEqual([
      true,
      "No shell reads it. For a shell's line: give it as command of run_command, in one text",
    ]);
    expect((await mcp.call('run_command', { command: 'ls | wc -l' })).isError).toBe(false);
    await mcp.leave();
  });
});
