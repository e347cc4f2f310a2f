/** Snapshots, rollbacks and forks over MCP, with the SDK's own client. Needs: user namespaces, overlayfs in them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { eventually, listTree, processesWith, uniqueMarker } from '../support/host.js';
import { identities, ordinaryUser } from '../support/identity.js';
import { type McpRun, startMcp } from '../support/mcp.js';
import { needs } from '../support/needs.js';
import { frozen, left } from '../support/pool.js';
import { runWasbox } from '../support/wasbox.js';

const shell = async ({ call }: McpRun, code: string, sandbox?: string): Promise<string> => {
  const { value } = await call('run_command', { argv: ['sh', '-c', code], sandbox });
  return value.stdout;
};

describe.each(identities())('as $label', (as) => {
  it('files go back to a snapshot, and on in forks, three deep', async () => {
    const mcp = await startMcp(as, ['--allow-apply']);
    const { call, leave, cwd, state } = mcp;
    await call('write_file', { path: 'file', content: 'one\n' });
    expect((await call('snapshot')).value).toEqual({ snapshot: 's1' });
    await shell(mcp, 'echo two > file; echo > more');
    expect((await call('snapshot')).value).toEqual({ snapshot: 's2' });
    expect((await call('rollback', { snapshot: 's1' })).value).toEqual({ snapshot: 's1' });
    expect(await shell(mcp, 'ls; cat file')).toBe('file\none\n');
    expect((await call('rollback')).value).toEqual({ snapshot: 's2' });
    expect(await shell(mcp, 'cat file')).toBe('two\n');

    let sandbox: string | undefined;
    for (const [name, word] of [
      ['fork-1', 'a'],
      ['fork-2', 'b'],
      ['fork-3', 'c'],
    ]) {
      expect((await call('fork', { sandbox })).value).toEqual({ sandbox: name });
      sandbox = name;
      await shell(mcp, `echo ${word} >> file`, sandbox);
    }
    expect((await call('fork', { snapshot: 's1' })).value).toEqual({ sandbox: 'fork-4' });
    const texts = ['main', 'fork-1', 'fork-2', 'fork-3', 'fork-4'].map(
      async (one) => (await call('read_file', { path: 'file', sandbox: one })).text,
    );
    expect(await Promise.all(texts)).toEqual([
      ...['two\n', 'two\na\n', 'two\na\nb\n', 'two\na\nb\nc\n', 'one\n'],
    ]);
    expect(listTree(cwd)).toEqual([]);
    expect((await call('discard_fork', { sandbox: 'fork-2' })).value).toEqual({
      discarded: 'fork-2',
    });
    expect(await shell(mcp, 'cat file', 'fork-3')).toBe('two\na\nb\nc\n');
    // Nothing was executed in it: its files are applied as any.
    expect((await call('fork', { sandbox: 'fork-3' })).value).toEqual({ sandbox: 'fork-5' });
    expect((await call('apply', { sandbox: 'fork-5', paths: ['file'] })).value).toMatchObject({
      outcome: 'applied',
      granted: true,
      applied: ['file'],
    });
    expect(readFileSync(join(cwd, 'file'), 'utf8')).toBe('two\na\nb\nc\n');
    // Snapshots are there after apply.
    expect((await call('rollback', { snapshot: 's1' })).isError).toBe(false);

    const { err, status } = await leave();
    const ids = [...err.matchAll(/wasbox diff (\w+)/g)].map(([, id]) => id);
    expect([status, ids.length >= 3]).toEqual([0, true]);
    await runWasbox(['discard', '--all'], { as, cwd, env: { XDG_STATE_HOME: state } });
    expect([left(state), frozen(state)]).toEqual([[], []]);
  });
});

const as = ordinaryUser();
const user = needs('ordinary user');

user.describe('apply', () => {
  it('says so if there is nothing to apply, and asks no one', async () => {
    const asked: string[] = [];
    const { call, leave } = await startMcp(as, [], (message) => {
      asked.push(message);
      return { action: 'decline' };
    });
    const { isError, value } = await call('apply');
    expect([isError, value]).toEqual([
      false,
      { outcome: 'nothing_to_apply', applied: [], refused: [], not_granted: [], held_back: [] },
    ]);
    expect(asked).toEqual([]);
    await call('write_file', { path: 'file', content: 'x' });
    expect((await call('apply')).value).toMatchObject({ outcome: 'declined', granted: false });
    expect(asked).toHaveLength(1);
    await leave();
  });

  it('waits for no program that runs, and ends what one left in the background', async () => {
    const { call, leave, cwd } = await startMcp(as, ['--allow-apply']);
    const marker = uniqueMarker();
    const behind = `echo x > file; (sleep 1000; : ${marker}) >/dev/null 2>&1 &`;
    await call('run_command', { argv: ['sh', '-c', behind] });
    const running = call('run_command', { argv: ['sh', '-c', 'echo > begun; sleep 3'] });
    while ((await call('read_file', { path: 'begun' })).isError) {}
    const busy = await call('apply');
    expect([busy.isError, JSON.parse(busy.text).code]).toEqual([true, 'BUSY']);
    expect(listTree(cwd)).toEqual([]);
    await running;
    expect((await call('apply', { paths: ['file'] })).value.applied).toEqual(['file']);
    expect(await eventually(() => processesWith(marker).length === 0)).toBe(true);
    await leave();
  });
});

user.describe('bounds', () => {
  it('are told where forks and snapshots reach them', async () => {
    const mcp = await startMcp(as);
    const { call, leave, state } = mcp;
    await call('write_file', { path: 'file', content: 'x' });
    const forks = await Promise.all(Array.from({ length: 20 }, () => call('fork')));
    const refused = forks.filter(({ isError }) => isError).map(({ text }) => JSON.parse(text).code);
    expect(refused).toEqual(Array(4).fill('TOO_MANY_FORKS'));
    await call('discard_fork', { sandbox: 'fork-3' });
    expect((await call('fork')).isError).toBe(false);
    const released: unknown[] = [];
    for (let i = 0; i < 34; i++) released.push((await call('snapshot')).value.released);
    expect(released.filter((one) => one !== undefined)).toEqual(['s1', 's2']);
    expect(JSON.parse((await call('rollback', { snapshot: 's2' })).text)).toMatchObject({
      code: 'UNKNOWN_SNAPSHOT',
      hint: expect.stringContaining('s3, s4'),
    });
    await leave();
    // Forks that nothing ran in leave nothing beside the first one's changes.
    expect(left(state)).toHaveLength(1);
  });

  it('are an error with a code where they cannot be, and the sandbox goes on', async () => {
    const mcp = await startMcp(as);
    const { call, leave } = mcp;
    const codeOf = async (name: string, args: object) =>
      JSON.parse((await call(name, args)).text).code;
    expect([
      await codeOf('rollback', {}),
      await codeOf('rollback', { snapshot: '../s1' }),
      await codeOf('fork', { snapshot: 's9' }),
      await codeOf('fork', { sandbox: 'nonesuch' }),
      await codeOf('run_command', { argv: ['true'], sandbox: 'toString' }),
      await codeOf('discard_fork', { sandbox: 'main' }),
      await codeOf('discard_fork', { sandbox: 'fork-1' }),
    ]).toEqual([
      ...['UNKNOWN_SNAPSHOT', 'UNKNOWN_SNAPSHOT', 'UNKNOWN_SNAPSHOT'],
      ...['UNKNOWN_SANDBOX', 'UNKNOWN_SANDBOX', 'NOT_A_FORK', 'UNKNOWN_SANDBOX'],
    ]);
    const running = call('run_command', { argv: ['sh', '-c', 'echo > begun; sleep 1000'] });
    while ((await call('read_file', { path: 'begun' })).isError) {}
    expect(await codeOf('snapshot', {})).toBe('ERR_SESSION_BUSY');
    expect(await codeOf('fork', {})).toBe('ERR_SESSION_BUSY');
    running.catch(() => {});
    expect(await shell(mcp, 'echo usable')).toBe('usable\n');
    await leave();
  });
});

user.test('a snapshot and a fork that are cancelled leave nothing', async () => {
  const mcp = await startMcp(as);
  const { client, call, leave, state } = mcp;
  await call('write_file', { path: 'file', content: 'x' });
  for (const name of ['snapshot', 'fork']) {
    const control = new AbortController();
    const { signal } = control;
    const called = client.callTool({ name, arguments: {} }, undefined, { signal });
    control.abort();
    await expect(called).rejects.toThrow();
  }
  // The next ones are the first.
  expect((await call('snapshot')).value).toEqual({ snapshot: 's1' });
  expect((await call('fork')).value).toEqual({ sandbox: 'fork-1' });
  await leave();
  expect(left(state)).toHaveLength(1);
});
