/** Tests that a tool of `wasbox mcp` refuses arguments that it does not have, where it would drop a limit in silence. */
import { describe, expect, test } from 'vitest';
import { ordinaryUser } from '../support/identity.js';
import { startMcp } from '../support/mcp.js';

describe('an argument that a tool does not have', () => {
  test('is refused, and nothing runs', async () => {
    const { call, leave } = await startMcp(ordinaryUser());
    const run = { command: 'echo ran >> ran' };
    const wrong: readonly (readonly [string, object, string])[] = [
      ['run_command', { ...run, timeout: 1 }, 'timeout'],
      ['run_command', { ...run, network: false }, 'network'],
      ['run_command', { ...run, args: ['-l'] }, 'args'],
      ['run_code', { language: 'sh', code: run.command, timeout: 1 }, 'timeout'],
      ['write_file', { path: 'ran', content: '', mode: 493 }, 'mode'],
      ['read_file', { path: 'ran', lines: 3 }, 'lines'],
      ['list_files', { recursive: true }, 'recursive'],
      ['diff', { path: 'ran' }, 'path'],
      ['apply', { path: 'ran' }, 'path'],
      ['rollback', { id: 'x' }, 'id'],
    ];
    for (const [tool, args, named] of wrong) {
      const { isError, value } = await call(tool, args);
      expect([isError, value], tool).toEqual([
        true,
        {
          code: 'ERR_USAGE',
          message: expect.stringContaining(`"${named}"`),
          hint: expect.stringContaining('Its arguments: '),
        },
      ]);
    }
    expect((await call('run_command', { command: 'ls' })).value.stdout).toBe('');
    // Control: the same with its own arguments runs.
    await call('run_command', { ...run, timeout_ms: 10_000 });
    expect((await call('run_command', { command: 'cat ran' })).value.stdout).toBe('ran\n');
    await leave();
  });
});

describe('a wrong use', () => {
  /** The tool, its arguments, the code, and what the answer says of it. */
  const table: readonly (readonly [string, object, string, RegExp])[] = [
    ['run_code', { language: 'python' }, 'ERR_USAGE', /code: .*string.* language, code, args/],
    ['run_code', { code: 'x' }, 'ERR_USAGE', /language: /],
    ['run_code', { language: 1, code: 'x' }, 'ERR_USAGE', /language: .*number/],
    ['run_code', { language: 'pyton', code: 'x' }, 'ERR_OPTION_VALUE', /run_code: .*python\?/],
    ['run_code', { language: '', code: 'x' }, 'ERR_OPTION_VALUE', /Languages: sh, .*python/],
    [
      'run_code',
      { language: 'go', code: 'x' },
      'ERR_OPTION_VALUE',
      /with write_file and run that with run_command/,
    ],
    [
      'run_code',
      { language: 'sh', code: 'x', timeout_ms: -1 },
      'ERR_USAGE',
      /timeout_ms: expected a whole number of at least 1; leave it out for no limit/,
    ],
    ['run_command', { command: 'x', timeout_ms: null }, 'ERR_USAGE', /timeout_ms: .*leave it out/],
    ['run_command', { command: 'x', memory_bytes: 0 }, 'ERR_USAGE', /memory_bytes: .*1048576/],
    ['run_code', { language: 'sh', code: 'a\0b' }, 'ERR_OPTION_VALUE', /NUL.*`stdin`/],
    ['run_command', {}, 'ERR_USAGE', /nothing to run/],
    ['run_command', { command: '' }, 'ERR_USAGE', /command: /],
    [
      'run_command',
      { command: [''] },
      'ERR_OPTION_VALUE',
      /run_command: no command.*command: \\"make test/,
    ],
    ['run_command', { command: ['ls | wc'] }, 'ERR_EXEC_NOT_FOUND', /command of run_command/],
  ];

  test('has a code, and names the tools of MCP and no interface of a program', async () => {
    const { call, leave } = await startMcp(ordinaryUser());
    for (const [tool, args, code, says] of table) {
      const { isError, value, text } = await call(tool, args);
      expect([isError, value], JSON.stringify(args)).toEqual([
        true,
        expect.objectContaining({ code }),
      ]);
      expect(text).toMatch(says);
      expect(text).not.toMatch(/session\.|wasbox exec|MCP error/);
    }
    await leave();
  });
});

test('an answer has each thing that was denied once', async () => {
  const { call, leave } = await startMcp(ordinaryUser());
  const code = 'for i in 1 2 3; do getent hosts a.wb.example; done; true';
  const { value } = await call('run_command', { command: code });
  const { denied } = value as { readonly denied: readonly { readonly count: number }[] };
  expect(denied).toMatchObject([{ kind: 'network', option: '--net a.wb.example' }]);
  expect(denied[0]?.count).toBeGreaterThan(1);
  await leave();
});
