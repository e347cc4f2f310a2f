/** Arguments of calls in words: as a policy writes them, and as few as say it. */
import { describe, expect, it } from 'vitest';
import { namedArguments } from '../../../../src/native/decode/refusals.js';
import { coreTables } from '../../../../src/native/decode/tables.js';

const tables = await coreTables('x86_64');
const socketCall = [...tables.calls.values()].find(({ name }) => name === 'socket');
const openat = [...tables.calls.values()].find(({ name }) => name === 'openat');

const none = { arg0: 0n, arg1: 0n, arg2: 0n, arg3: 0n, arg4: 0n, arg5: 0n };
const typeOf = (value: bigint): string | undefined =>
  namedArguments({ ...none, arg0: 2n, arg1: value }, socketCall, tables, 0b11n).type;

describe('the type of a socket', () => {
  it.each([
    [1n, 'SOCK_STREAM'],
    [3n, 'SOCK_RAW'],
    [5n, 'SOCK_SEQPACKET'],
    [0x80001n, 'SOCK_STREAM | SOCK_CLOEXEC'],
    [0x80003n, 'SOCK_RAW | SOCK_CLOEXEC'],
    [0x80805n, 'SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC'],
  ])('%i is %s', (value, text) => {
    const words = (said = '') => said.split(' | ').sort();
    expect(words(typeOf(value))).toEqual(words(text));
  });
});

it('flags are joined', () => {
  const flags = namedArguments({ ...none, arg2: 0x241n }, openat, tables, 0b100n).flags ?? '';
  expect(flags.split(' | ').sort()).toEqual(['O_CREAT', 'O_TRUNC', 'O_WRONLY']);
});
