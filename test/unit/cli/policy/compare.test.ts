import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { policyVerb } from '../../../../src/cli/policy/index.js';
import { captured } from '../output.js';

vi.mock('node:fs', { spy: true });

const folder = mkdtempSync(join(tmpdir(), 'wasbox-policy-'));
afterAll(() => rmSync(folder, { recursive: true }));

const file = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};

async function run(...argv: string[]) {
  let status: number | undefined;
  const texts = await captured(async () => {
    status = await policyVerb(argv);
  });
  return { status, ...texts };
}

const head = 'target x86_64\ndefault errno(EPERM)\n';
const narrow = file('narrow.policy', `${head}allow read\nallow socket where domain == AF_UNIX\n`);
const wide = file('wide.policy', `${head}allow read write\nallow socket\n`);
const same = file('same.policy', `${head}allow socket where domain in [1]\nallow read\n`);

describe('diff', () => {
  it('lists each call with an example, and ends with 1', async () => {
    const { status, out } = await run('diff', narrow, wide);
    expect(status).toBe(1);
    expect(out).toContain('x86_64 write: errno(EPERM) -> allow');
    expect(out).toMatch(/x86_64 socket: errno\(EPERM\) -> allow, for example \(0x/);
    expect(out).not.toContain('read:');
  });

  it('finds nothing where two texts mean the same', async () => {
    const { status, out } = await run('diff', narrow, same);
    expect(status).toBe(0);
    expect(out).toContain('same decisions');
  });

  it('prints JSON', async () => {
    const { out } = await run('diff', narrow, wide, '--json');
    const value = JSON.parse(out);
    expect(value).toMatchObject({ schemaVersion: 1, equal: false });
    expect(value.differences.map(({ name }: { name: string }) => name)).toContain('write');
  });
});

describe('replay', () => {
  const log = file(
    'trace.log',
    [
      '100 read(0, "a", 1) = 1',
      '100 socket(AF_UNIX, SOCK_STREAM, 0) = 3',
      '100 socket(AF_INET, SOCK_STREAM, IPPROTO_IP) = 4',
      '100 write(1, "b\\33[2J", 1) = 1',
      '100 +++ exited with 0 +++',
      '',
    ].join('\n'),
  );

  it('tells what would have been stopped, and by what', async () => {
    const { status, out } = await run('replay', narrow, log);
    expect(status).toBe(1);
    expect(out).toMatch(/^socket: errno\(EPERM\), 1 call \(.*\n {2}.*trace\.log:3: .*AF_INET/m);
    expect(out).toMatch(/^write: errno\(EPERM\), 1 call \(.*\n {2}.*trace\.log:4: /m);
    expect(out).toMatch(
      /these rules .*:\n {2}allow socket where domain == AF_INET\n {2}allow write\n$/,
    );
    expect(out).toContain('2 of 4 calls');
  });

  it('ends with 0 where the policy lets all through', async () => {
    expect(await run('replay', wide, log)).toMatchObject({ status: 0 });
  });

  it('prints JSON', async () => {
    const value = JSON.parse((await run('replay', narrow, log, '--json')).out);
    expect(value).toMatchObject({ schemaVersion: 1, calls: 4, arch: 'x86_64' });
    expect(value.stopped.map(({ line }: { line: number }) => line)).toEqual([3, 4]);
  });

  it('tells of lines that it cannot read', async () => {
    const torn = file('torn.log', '100 read(0, "a", 1) = 1\n# a remark\n?\n');
    const { status, out, err } = await run('replay', wide, torn);
    expect(status).toBe(0);
    expect(out).toBe('0 of 1 calls would not have been allowed\n');
    expect(err).toContain('torn.log:2: skipped 2 lines');
    const json = await run('replay', wide, torn, '--json');
    expect(JSON.parse(json.out)).toMatchObject({ calls: 1, unread: 2, firstUnread: 2 });
  });

  it('refuses to read both from standard input', async () => {
    await expect(run('replay', '-', '-')).rejects.toMatchObject({ code: 'ERR_USAGE' });
  });

  it('says of a log that is not there how one is made', async () => {
    const error = await run('replay', wide, join(folder, 'none')).catch((thrown) => thrown);
    expect(error).toMatchObject({ code: 'ERR_POLICY_UNREADABLE' });
    expect(error.message).toContain('no such file');
    expect(error.hint).toContain('strace -f -o trace.log');
    // Control: of a policy that is not there it says what a policy is.
    const other = await run('replay', join(folder, 'none'), log).catch((thrown) => thrown);
    expect(other.hint).toContain('built-in');
  });

  it('ends with 1 where nothing of the log can be read', async () => {
    const none = file('none.log', 'hello\n');
    const { status, err } = await run('replay', wide, none);
    expect(status).toBe(1);
    expect(err).toContain('none.log:1: skipped 1 line');
    expect(err).toContain('strace -f -o');
  });
});

describe('explain', () => {
  it('says which rules decide a call', async () => {
    const { status, out } = await run('explain', narrow, 'socket', 'read');
    expect(status).toBe(0);
    expect(out).toMatch(/socket \(41 on x86_64\)\n {2}allow .*narrow\.policy:4 .*\(0x1, /);
    expect(out).toMatch(/errno\(EPERM\) +default/);
    expect(out).toMatch(/read \(0 on x86_64\)\n {2}allow +\S*narrow\.policy:3\n/);
  });

  it('says what each rule decides', async () => {
    const { out } = await run('explain', narrow);
    expect(out).toMatch(/narrow\.policy:3: allow\n {2}read\n/);
    expect(out).toMatch(/narrow\.policy:4: allow\n {2}socket\*\n/);
  });

  it('prints JSON', async () => {
    const value = JSON.parse((await run('explain', narrow, 'socket', '--json')).out);
    expect(value.calls[0].cases).toHaveLength(2);
  });
});
