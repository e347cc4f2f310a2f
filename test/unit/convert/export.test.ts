import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { evaluator, parseProfile } from './evaluator.js';
import { buildDriver, buildLimit, type Driver, type Event } from './support.js';

let driver: Driver;
beforeAll(() => {
  driver = buildDriver();
}, buildLimit);
afterAll(() => driver?.close());

const X86_64 = 0xc000003e;
const HEAD = 'target x86_64\ndefault errno(EPERM)\nunknown errno(EPERM)\n';

/** Values around every constant that the rules below use, with high halves mixed in. */
const VALUES = [0, 1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 255, 256, 0x7fffffff, 0x80000000, 0xffffffff]
  .map(BigInt)
  .flatMap((low) => [low, low | 0x100000000n, low | 0xffffffff00000000n]);

const RULES: Record<string, string> = {
  'plain calls': 'allow read write\nkill mount\nnotify connect',
  'an int equal': 'allow socket where domain == 16',
  'an int unequal': 'allow socket where domain != 16',
  'two arguments': 'allow socket where domain in [1, 2] and type & 15 == 1',
  'a range': 'allow lseek where offset in 3 .. 256',
  'signed order': 'allow kill where pid > 0',
  'signed order below': 'allow kill where pid <= 7',
  'a 64-bit order': 'allow mmap where length < 256',
  'any bit of a mask': 'allow clone where flags & 0x18 != 0',
  'not in': 'allow socket where domain not in [1, 2, 16]',
  'first match wins': 'errno(EACCES) socket where domain == 16\nallow socket',
  'actions that overlap':
    'trap socket where domain == 16 and type == 3\nerrno(EACCES) socket where domain >= 8\nallow socket where type < 4',
  'a rule like the default before another':
    'errno(EPERM) socket where domain == 16\nallow socket where type == 3',
};

describe('export to OCI', () => {
  it.each(Object.entries(RULES))('keeps %s', (_, rules) => {
    const exported = driver.exportText(HEAD + rules);
    expect(exported.ok, exported.raw).toBe(true);
    const decide = evaluator(parseProfile(exported.text), {
      arch: 'x86_64',
      goArch: 'amd64',
      caps: [],
      kernel: [6, 12],
    });
    const events: Event[] = [];
    for (const nr of [0, 1, 8, 9, 41, 42, 56, 62, 165, 500])
      for (const a of VALUES)
        for (const b of VALUES) events.push({ arch: X86_64, nr, args: [a, b] });
    const actual = driver.decide(HEAD + rules, events);
    const wrong = events.filter(({ nr, args }, i) => decide(nr, args) !== actual[i]);
    expect(wrong.slice(0, 5)).toEqual([]);
  });

  it('gives back what was imported', () => {
    const policy = `${HEAD}allow socket where domain != 16\nallow read\n`;
    const again = driver.importText(driver.exportText(policy).text).text;
    const events = VALUES.map((a) => ({ arch: X86_64, nr: 41, args: [a] }));
    expect(driver.decide(again, events)).toEqual(driver.decide(policy, events));
  });

  it('names what the format cannot say', () => {
    const output = driver.exportText(
      'target x86_64, aarch64\ndefault errno(EPERM)\nallow socket on x86_64\nallow read\n',
    );
    expect(output.ok).toBe(false);
    expect(output.notes.map(({ detail }) => detail)).toContain('socket');
  });
});
