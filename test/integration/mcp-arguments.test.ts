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
      const { isError, text } = await call(tool, args);
      expect([isError, text], tool).toEqual([true, expect.stringContaining(`"${named}"`)]);
    }
    expect((await call('run_command', { command: 'ls' })).value.stdout).toBe('');
    // Control: the same with its own arguments runs.
    await call('run_command', { ...run, timeout_ms: 10_000 });
    expect((await call('run_command', { command: 'cat ran' })).value.stdout).toBe('ran\n');
    await leave();
  });
});
