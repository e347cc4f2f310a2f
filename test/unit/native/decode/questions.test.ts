/** Tests what the supervisor's questions say, beyond what the attacks show. */
import { describe, expect, it } from 'vitest';
import { readQuestion } from '../../../../src/native/decode/questions.js';
import {
  questionLayout,
  questionSize,
  WB_QUESTION_NAME,
  WB_QUESTION_NETWORK,
} from '../../../../src/native/decode/records.generated.js';
import { loadTables } from '../../../../src/native/decode/tables.js';
import { ownArchitecture } from '../../../../src/plan/index.js';

async function ask(kind: number, target: Uint8Array, name: string) {
  const bytes = new Uint8Array(questionSize + target.length + name.length);
  const view = new DataView(bytes.buffer);
  const set = (field: keyof typeof questionLayout, value: number) =>
    view.setUint32(questionLayout[field].offset, value, true);
  set('kind', kind);
  set('targetSize', target.length);
  set('askedSize', name.length);
  bytes.set(target, questionSize);
  bytes.set(Buffer.from(name), questionSize + target.length);
  return readQuestion(bytes, await loadTables(ownArchitecture()), []);
}

/** sockaddr_in6 of port 80. */
function ipv6(first: number, zone: number): Uint8Array {
  const bytes = Buffer.alloc(28);
  bytes.writeUInt16LE(10, 0);
  bytes.writeUInt16BE(80, 2);
  bytes.writeUInt16BE(first, 8);
  bytes.writeUInt8(1, 23);
  bytes.writeUInt32LE(zone, 24);
  return bytes;
}

describe('a question', () => {
  it('says on which interface a link-local address is dialled, which the program chooses', async () => {
    const text = async (address: Uint8Array) => (await ask(WB_QUESTION_NETWORK, address, ''))?.text;
    expect(await text(ipv6(0xfe80, 3))).toBe('connect to [fe80::1%3]:80');
    expect(await text(ipv6(0xfe80, 4))).toBe('connect to [fe80::1%4]:80');
    expect(await text(ipv6(0xfe80, 0))).toBe('connect to [fe80::1]:80');
    // The kernel takes no notice of the interface of any other address.
    expect(await text(ipv6(0x2001, 3))).toBe('connect to [2001::1]:80');
    expect(await text(ipv6(0xfe80, 3).subarray(0, 24))).toBe('connect to [fe80::1]:80');
  });

  it('names the root of all names', async () => {
    expect((await ask(WB_QUESTION_NAME, new Uint8Array(), ''))?.text).toBe('look up the name .');
  });
});
