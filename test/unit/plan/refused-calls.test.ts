/** Tests which filters refuse all key calls, as compiled: the session keyring of a run follows from it. */
import { beforeAll, describe, expect, test } from 'vitest';
import { ownArchitecture } from '../../../src/plan/index.js';
import { refuseKeyCalls } from '../../../src/plan/refused-calls.js';
import { compilePolicy, init } from '../../../src/policy/index.js';
import { needs } from '../../support/needs.js';

const head = 'target x86_64, aarch64\n';

describe('key calls', () => {
  beforeAll(async () => {
    await init();
  });
  const compile = (text: string) =>
    compilePolicy({ name: 'one.policy', text: `${head}${text}` }, { arch: ownArchitecture() }).bpf;
  const builtin = (name: string) =>
    compilePolicy({ builtin: name }, { arch: ownArchitecture() }).bpf;

  const open = 'default allow\nunknown allow\n';
  test.each([
    [`${open}deny add_key request_key keyctl`, true],
    [`${open}deny(ENOSYS) add_key request_key keyctl`, true],
    [`${open}kill add_key request_key keyctl`, true],
    [`default errno(EPERM)\nunknown errno(ENOSYS)\nallow read write`, true],
    [open, false],
    // One of the three, or one use of one of them, is enough.
    [`${open}deny add_key request_key`, false],
    [`${open}deny request_key keyctl`, false],
    [
      `${open}deny add_key request_key\ndeny keyctl where operation == KEYCTL_JOIN_SESSION_KEYRING`,
      false,
    ],
    [
      `default errno(EPERM)\nunknown errno(ENOSYS)\nallow keyctl where operation == KEYCTL_READ`,
      false,
    ],
    [`${open}deny add_key request_key\nlog keyctl`, false],
    [`${open}deny add_key request_key\nnotify keyctl`, false],
  ])('%j: all refused: %s', (text, refused) => {
    expect(refuseKeyCalls([compile(text)])).toBe(refused);
  });

  test('the built-in policy and the guard of Landlock isolation refuse them', () => {
    expect(refuseKeyCalls([builtin('default')])).toBe(true);
    expect(refuseKeyCalls([compile(open), builtin('landlock-guard')])).toBe(true);
    expect(refuseKeyCalls([compile(open), builtin('set-id-guard')])).toBe(false);
  });

  test('one of two filters is enough for each call', () => {
    const some = [compile(`${open}deny add_key request_key`), compile(`${open}deny keyctl`)];
    expect(refuseKeyCalls(some)).toBe(true);
    expect(refuseKeyCalls(some.slice(0, 1))).toBe(false);
  });

  test('without a filter nothing is refused, nor by a program that is none', () => {
    expect(refuseKeyCalls([])).toBe(false);
    expect(refuseKeyCalls([new Uint8Array()])).toBe(false);
    const jumpsAway = new Uint8Array([5, 0, 0, 0, 9, 0, 0, 0]);
    expect(refuseKeyCalls([jumpsAway])).toBe(false);
  });
});

needs('x64 processor').describe('other forms of a call', () => {
  /** `struct sock_filter[]` from [code, yes, no, k]. */
  const program = (...lines: readonly (readonly [number, number, number, number])[]) => {
    const bytes = new Uint8Array(lines.length * 8);
    const view = new DataView(bytes.buffer);
    for (const [i, [code, yes, no, k]] of lines.entries()) {
      view.setUint16(i * 8, code, true);
      bytes[i * 8 + 2] = yes;
      bytes[i * 8 + 3] = no;
      view.setUint32(i * 8 + 4, k, true);
    }
    return bytes;
  };
  const [allow, refuse] = [0x7fff_0000, 0x0005_0001];
  const arch = [0x20, 0, 0, 4] as const;
  const number = [0x20, 0, 0, 0] as const;

  test.each([
    ['x32, which has bit 30 set', [0x35, 0, 1, 0x4000_0000] as const, number],
    ['i386', [0x15, 0, 1, 0x4000_0003] as const, arch],
  ])('%s', (_, test, load) => {
    const of = (action: number) => program(load, test, [0x06, 0, 0, action], [0x06, 0, 0, refuse]);
    expect(refuseKeyCalls([of(refuse)])).toBe(true);
    expect(refuseKeyCalls([of(allow)])).toBe(false);
  });
});
