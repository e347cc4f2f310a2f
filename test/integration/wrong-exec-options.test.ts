/** Ten wrong options of `session.exec`, and variables that an agent names wrongly: each is told, and nothing runs. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createSession, type Session } from '../../src/index.js';
import { ordinaryUser } from '../support/identity.js';
import { libraryPlace } from '../support/library-place.js';
import { startMcp } from '../support/mcp.js';

const { workdir } = libraryPlace('wrong-exec');
let session: Session;
beforeAll(async () => {
  session = await createSession({ workdir, changes: 'discard' });
});
afterAll(async () => {
  await session.close();
});

const table: readonly (readonly [options: object, names: RegExp, hint: RegExp])[] = [
  [{ pids: 9 }, /no option pids/, /option of createSession/],
  [{ net: 'internet' }, /no option net/, /option of createSession/],
  [{ timeout: 5 }, /no option timeout/, /Did you mean timeoutMs\?/],
  [{ memory: '1G' }, /no option memory/, /Did you mean memoryBytes\?/],
  [{ timeoutMs: '30s' }, /option timeoutMs: expected/, /Write \{ timeoutMs: 30000 \}/],
  [{ memoryBytes: 0 }, /^option memoryBytes: expected/, /Got 0\. For no limit/],
  [{ env: ['A=1'] }, /env must be an object/, /./],
  [{ env: { A: 1 } }, /env\.A: expected a string/, /NAME: 'VALUE'/],
  [{ env: { 'A B': '1' } }, /invalid variable name "A B"/, /NAME: 'VALUE'/],
  [{ env: { '--net': '1' } }, /invalid variable name "--net"/, /NAME: 'VALUE'/],
];

describe('session.exec', () => {
  test('has ten wrong options here', () => expect(table).toHaveLength(10));

  test.each(table)('%j is told, and nothing runs', async (options, names, hint) => {
    const words = ['sh', '-c', 'echo >> ran'];
    const error = await session.exec(words, options).catch((e: unknown) => e);
    expect(error).toMatchObject({ name: 'UsageError', message: expect.stringMatching(names) });
    const { message, hint: said = '' } = error as { message: string; hint?: string };
    expect(`${message} ${said}`).toMatch(hint);
    expect((await session.files.list()).map(({ name }) => name)).not.toContain('ran');
  });

  test('runs with a variable whose name has a dot (control)', async () => {
    const env = { 'a.b': '1' };
    expect((await session.exec(['env'], { env })).stdout).toContain('a.b=1\n');
  });
});

test('an agent that names a variable wrongly is told in the words of MCP', async () => {
  const { call, leave } = await startMcp(ordinaryUser());
  const { isError, value } = await call('run_command', { command: 'true', env: { 'A B': '1' } });
  expect([isError, value]).toEqual([
    true,
    expect.objectContaining({ code: 'ERR_OPTION_VALUE', hint: 'Write "env": {"NAME": "VALUE"}.' }),
  ]);
  await leave();
});
