/** Files that are not a policy, profile or filter, given to `wasbox policy`: exit 1 and a diagnostic. */
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { ordinaryUser } from '../support/identity.js';
import { runWasbox } from '../support/wasbox.js';

const folder = mkdtempSync(join(tmpdir(), 'wasbox-bad-'));
chmodSync(folder, 0o755); // the ordinary user reads them
afterAll(() => rmSync(folder, { recursive: true }));

type Content = () => string | Uint8Array;

let count = 0;
const file = (content: string | Uint8Array, ending = 'policy'): string => {
  const path = join(folder, `${count++}.${ending}`);
  writeFileSync(path, content);
  return path;
};

const insn = (code: number, jt = 0, jf = 0, k = 0): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt16LE(code, 0);
  bytes.set([jt, jf], 2);
  bytes.writeUInt32LE(k, 4);
  return bytes;
};
const allow = insn(6, 0, 0, 0x7fff0000);

/** A diagnostic on stderr, nothing on stdout, and an end of its own accord. */
async function expectRefused(args: string[], says: RegExp): Promise<void> {
  const run = await runWasbox(['policy', ...args], { as: ordinaryUser(), cwd: '/' });
  expect([run.status, run.signal, run.out]).toEqual([1, null, '']);
  expect(run.err).toMatch(says);
  expect(run.err).not.toMatch(/internal error|unreachable|RuntimeError|\n\s+at /);
}

describe('wasbox policy check refuses', () => {
  test.each<[string, Content, RegExp]>([
    ['random bytes', () => randomBytes(5000), /0\.policy: a binary file, not a policy/],
    [
      'truncated UTF-8',
      () => Buffer.from('allow read\n# naïv\u00e9').subarray(0, -1),
      /:2: .*UTF-8/,
    ],
    [
      'a policy of 10 MB',
      () => 'allow read\n'.repeat(1_000_000),
      /too large|larger|1 ?MiB|1048576/i,
    ],
    [
      'one line of 10 MB',
      () => `allow ${'a'.repeat(10_000_000)}`,
      /too large|larger|1 ?MiB|1048576/i,
    ],
    ['deep parentheses', () => `allow kill where pid == ${'('.repeat(500_000)}`, /:1:\d+: error/],
    ['a file that includes a device', () => 'include "/dev/zero"\n', /:1:\d+: error/],
    ['a file that includes itself by another name', () => 'include "../etc/../nowhere"\n', /error/],
  ])('%s', async (_, content, says) => {
    await expectRefused(['check', file(content())], says);
  });

  test('files that include each other', async () => {
    const first = join(folder, 'first.policy');
    writeFileSync(first, 'include "second.policy"\n');
    writeFileSync(join(folder, 'second.policy'), 'include "first.policy"\n');
    await expectRefused(['check', first], /include/);
  });

  test('a device without an end', async () => {
    await expectRefused(['check', '/dev/zero'], /larger than 256 MiB/);
  });

  test('control: nothing that is in order', async () => {
    const good = file('default errno(EPERM)\nallow read\n');
    const run = await runWasbox(['policy', 'check', good], { as: ordinaryUser(), cwd: '/' });
    expect([run.status, run.err]).toEqual([0, '']);
  });
});

describe('wasbox policy import refuses', () => {
  test.each<[string, 'oci' | 'minijail', Content]>([
    ['random bytes', 'oci', () => randomBytes(5000)],
    ['no JSON', 'oci', () => 'default allow'],
    ['half a profile', 'oci', () => '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"nam'],
    ['JSON of another shape', 'oci', () => '{"defaultAction":7,"syscalls":{"read":true}}'],
    ['a list', 'oci', () => '[1,2,3]'],
    ['JSON nested 100,000 deep', 'oci', () => '['.repeat(100_000)],
    ['10 MB of JSON', 'oci', () => `{"defaultAction":"${'A'.repeat(10_000_000)}"}`],
    ['random bytes', 'minijail', () => randomBytes(5000)],
    ['lines that are none', 'minijail', () => 'read\nwrite: perhaps\n'],
    ['10 MB', 'minijail', () => 'read: 1\n'.repeat(1_300_000)],
  ])('%s as %s', async (_, from, content) => {
    await expectRefused(['import', '--from', from, file(content(), 'json')], /:\d+:\d+: error/);
  });
});

describe('wasbox policy disasm and simulate refuse a filter', () => {
  test.each<[string, Content, RegExp]>([
    ['of no bytes', () => Buffer.alloc(0), /empty/],
    ['of odd length', () => Buffer.concat([allow, Buffer.alloc(3)]), /its size of 11 bytes/],
    ['of random bytes', () => randomBytes(4096), /instruction \d+/],
    ['with an illegal instruction', () => Buffer.concat([insn(0x99), allow]), /instruction 0/],
    [
      'that reads past the data',
      () => Buffer.concat([insn(0x20, 0, 0, 64), allow]),
      /instruction 0/,
    ],
    ['that jumps out of itself', () => Buffer.concat([insn(0x15, 9), allow]), /instruction 0/],
    ['that divides by zero', () => Buffer.concat([insn(0x34), allow]), /instruction 0/],
    ['without a return', () => insn(0x20), /instruction 0/],
    [
      'longer than the kernel takes',
      () => Buffer.concat(Array(4097).fill(allow)),
      /the limit is 4096/,
    ],
  ])('%s', async (_, content, says) => {
    const path = file(content(), 'bpf');
    await expectRefused(['disasm', path], says);
    await expectRefused(['simulate', path, 'read'], says);
  });
});
