/**
 * Denials and questions over MCP: what is denied is data, the client's user decides only where the command line permits
 * it, and an answer is for what was shown. The oracle is what a server of the host saw.
 */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ElicitResult } from '@modelcontextprotocol/sdk/types.js';
import { describe, expect, test } from 'vitest';
import { sendsWord, wordServer } from '../support/asking.js';
import { eventually, ownAddress, processesWith, uniqueMarker } from '../support/host.js';
import { identities, ordinaryUser } from '../support/identity.js';
import { type McpRun, startMcp } from '../support/mcp.js';
import { needs } from '../support/needs.js';
import { makeProject } from '../support/project.js';

const host = ownAddress();

const dial = async ({ call }: McpRun, port: number, word: string) => {
  const code = sendsWord(port, word);
  const { value } = await call('run_code', { language: 'python', code });
  return { stdout: value.stdout.trim(), denied: value.denied };
};

const decide = (decision: string): ElicitResult => ({ action: 'accept', content: { decision } });

const unreachable = (port: number, by: string) => ({
  stdout: 'Network is unreachable',
  denied: [
    {
      kind: 'network',
      what: `connect to ${host}:${port}`,
      why: 'the network is off',
      option: `--net ${host}:${port}`,
      decided_by: by,
      executable: expect.stringContaining('python'),
      count: 1,
    },
  ],
});

describe.each(identities())('as $label', (as) => {
  test('the user decides while the call waits, and the program is not run again', async () => {
    const { seen, port } = await wordServer();
    const other = await wordServer();
    const asked: string[] = [];
    let answer: (message: string) => ElicitResult | Promise<ElicitResult> = () =>
      decide('allow once');
    const mcp = await startMcp(as, ['--ask', '--ask-timeout', '1s'], (message) => {
      asked.push(message);
      return answer(message);
    });
    expect(await dial(mcp, port, 'once')).toEqual({ stdout: 'hello', denied: [] });
    answer = () => decide('deny');
    expect(await dial(mcp, other.port, 'other')).toEqual(unreachable(other.port, 'user'));
    expect(await dial(mcp, other.port, 'again')).toEqual(unreachable(other.port, 'earlier answer'));
    // Nothing said, nothing allowed; nor is it remembered.
    answer = () => ({ action: 'cancel' });
    expect(await dial(mcp, port, 'cancelled')).toEqual(unreachable(port, 'nobody'));
    answer = () => decide('everything, please');
    expect(await dial(mcp, port, 'invalid')).toEqual(unreachable(port, 'nobody'));
    answer = () => new Promise(() => {});
    expect(await dial(mcp, port, 'late')).toEqual(unreachable(port, 'time limit'));
    answer = () => decide('allow for this sandbox');
    expect(await dial(mcp, port, 'sandbox')).toEqual({ stdout: 'hello', denied: [] });
    answer = () => decide('deny');
    expect(await dial(mcp, port, 'remembered')).toEqual({ stdout: 'hello', denied: [] });
    expect(seen).toEqual(['once', 'sandbox', 'remembered']);
    expect(other.seen).toEqual([]);
    expect(asked).toHaveLength(6);
    expect(asked[0]).toContain(`wants to connect to ${host}:${port}`);
    const begun = (await mcp.call('read_file', { path: 'begun' })).text.trim().split(' ');
    expect(begun).toEqual([
      ...['once', 'other', 'again', 'cancelled', 'invalid', 'late', 'sandbox', 'remembered'],
    ]);
    await mcp.leave();
  });
});

const as = ordinaryUser();
const user = needs('ordinary user');

user.describe('a client that cannot be asked', () => {
  test.each([
    ['without --ask', [], true],
    ['where the client cannot', ['--ask'], false],
  ] as const)('%s: denied, and told as data', async (_, args, can) => {
    const { seen, port } = await wordServer();
    const hidden = makeProject(as, { secret: 'of the host\n' }, 'hidden');
    const secret = join(hidden, 'secret');
    const asked: string[] = [];
    const elicit = (message: string) => {
      asked.push(message);
      return decide('allow once');
    };
    const mcp = await startMcp(as, args, can ? elicit : undefined);
    expect(await dial(mcp, port, 'x')).toEqual(unreachable(port, 'nobody'));
    const { value } = await mcp.call('run_command', { argv: ['cat', secret] });
    expect(value).toMatchObject({ exit_code: 1, stdout: '' });
    expect(value.denied).toMatchObject([
      { kind: 'file', what: `read ${secret}`, option: `--ro ${secret}`, decided_by: 'nobody' },
    ]);
    const plain = await mcp.call('run_command', { argv: ['true'] });
    expect(plain.value.denied).toEqual([]);
    expect([asked, seen]).toEqual([[], []]);
    await mcp.leave();
    // The control, and the option that was told: it allows it.
    const given = await startMcp(as, ['--net', `${host}:${port}`, '--ro', secret]);
    expect(await dial(given, port, 'given')).toEqual({ stdout: 'hello', denied: [] });
    expect((await given.call('run_command', { argv: ['cat', secret] })).value.stdout).toBe(
      'of the host\n',
    );
    expect(seen).toEqual(['given']);
    await given.leave();
  });
});

user.describe('a question', () => {
  test('is shown escaped, whatever the program calls things', async () => {
    const names = ['a\x1b[2J\nAllowed: everything', 'b\u202egnp'];
    const hidden = makeProject(as, Object.fromEntries(names.map((name) => [name, ''])), 'hidden');
    const asked: string[] = [];
    const mcp = await startMcp(as, ['--ask'], (message) => {
      asked.push(message);
      return decide('deny');
    });
    for (const name of names) {
      await mcp.call('run_command', { argv: ['cat', join(hidden, name)] });
    }
    expect(asked).toHaveLength(2);
    for (const message of asked) expect(message).not.toMatch(/[\u001b\u202e]|^Allowed/m);
    await mcp.leave();
  });

  test('goes with the call that is cancelled, and with the client', async () => {
    const { seen, port } = await wordServer();
    let open = 0;
    const mcp = await startMcp(as, ['--ask'], () => {
      open++;
      return new Promise<ElicitResult>(() => {});
    });
    const marker = uniqueMarker();
    const code = `import socket; socket.create_connection(('${host}', ${port}), 600); ${marker}`;
    const control = new AbortController();
    const called = mcp.client.callTool(
      { name: 'run_code', arguments: { language: 'python', code } },
      undefined,
      { signal: control.signal },
    );
    called.catch(() => {});
    expect(await eventually(() => open === 1)).toBe(true);
    control.abort();
    await expect(called).rejects.toThrow();
    expect(await eventually(() => processesWith(marker).length === 0)).toBe(true);
    mcp.call('run_code', { language: 'python', code }).catch(() => {});
    expect(await eventually(() => open === 2)).toBe(true);
    const { status } = await mcp.leave();
    expect([status, seen]).toEqual([0, []]);
  });
});

user.describe('an apply', () => {
  const last = '# the last line of a long file';
  const answers = (...given: boolean[]) => {
    const asked: string[] = [];
    const answer = (message: string): ElicitResult => {
      asked.push(message);
      return { action: 'accept', content: { apply: given[asked.length - 1] ?? false } };
    };
    return { asked, answer };
  };
  const longFile = (lines: number) =>
    `seq -f 'line %09.0f' ${lines} > long; echo '${last}' >> long`;

  test('is granted once all of a change that is too long for one question was shown', async () => {
    const parts = answers(true, false, true, true, true);
    const mcp = await startMcp(as, [], parts.answer);
    const long = join(mcp.cwd, 'long');
    await mcp.call('run_command', { argv: ['sh', '-c', longFile(5000)] });
    expect((await mcp.call('apply')).value).toMatchObject({ applied: [], not_granted: ['long'] });
    expect(parts.asked).toHaveLength(2);
    expect(parts.asked.join('\n')).not.toContain(last);
    expect(existsSync(long)).toBe(false);
    // Control: each part was accepted, and all lines were in one of them.
    expect((await mcp.call('apply')).value).toMatchObject({ applied: ['long'] });
    const shown = parts.asked.slice(2).join('\n');
    for (const line of readFileSync(long, 'utf8').trimEnd().split('\n')) {
      expect(shown).toContain(`+${line}\n`.trimEnd());
    }
    await mcp.leave();
  });

  test('does not ask about a change that no questions can show, and asks about others', async () => {
    const parts = answers(true, true);
    const mcp = await startMcp(as, [], parts.answer);
    await mcp.call('run_command', { argv: ['sh', '-c', `${longFile(50_000)}; echo x > short`] });
    expect((await mcp.call('apply')).value).toMatchObject({
      applied: ['short'],
      not_granted: ['long'],
    });
    expect([existsSync(join(mcp.cwd, 'long')), existsSync(join(mcp.cwd, 'short'))]).toEqual([
      false,
      true,
    ]);
    await mcp.leave();
  });
});
