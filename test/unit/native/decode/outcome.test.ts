/** The record of an outcome: read whole, and refused where a length or an offset of it cannot be. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readAudit } from '../../../../src/native/decode/audit.js';
import { readDestinations } from '../../../../src/native/decode/destinations.js';
import { decodeOutcome } from '../../../../src/native/decode/outcome.js';
import * as records from '../../../../src/native/decode/records.generated.js';
import { readRefusals } from '../../../../src/native/decode/refusals.js';
import type { Layout } from '../../../../src/plan/index.js';
import {
  WB_NET_NAME_MAX,
  WB_NET_TCP,
  WB_NET_UDP,
  WB_WIRE_VERSION,
} from '../../../../src/plan/wire.generated.js';
import { reportHome } from '../../../../src/report/home.js';

type Values = Readonly<Record<string, number>>;

function struct(layout: Layout, size: number, values: Values): Buffer {
  const bytes = Buffer.alloc(size);
  for (const [name, value] of Object.entries(values)) {
    const { offset, type } = layout[name] ?? { offset: -1, type: 'uint32' };
    if (type === 'uint64') bytes.writeBigUInt64LE(BigInt(value), offset);
    else if (type === 'uint32') bytes.writeUInt32LE(value, offset);
    else bytes.writeInt32LE(value, offset);
  }
  return bytes;
}

function padded(text: string, size: number): Buffer {
  const bytes = Buffer.alloc(size);
  bytes.write(text);
  return bytes;
}

/** Lays a record out like supervisor/outcome.c. */
function record(values: Values, tables: Readonly<Record<string, Buffer>>): Buffer {
  const places: Record<string, number> = {};
  let size: number = records.outcomeSize;
  for (const [name, bytes] of Object.entries(tables)) {
    places[name] = size;
    places[`${name}Size`] = bytes.length;
    size += bytes.length;
  }
  const head = { magic: records.WB_OUTCOME_MAGIC, version: WB_WIRE_VERSION, size, ...places };
  return Buffer.concat([
    struct(records.outcomeLayout, records.outcomeSize, { ...head, ...values }),
    ...Object.values(tables),
  ]);
}

const refusal = Buffer.concat([
  struct(records.refusalLayout, records.refusalSize, {
    nr: 2,
    error: 1,
    target: records.WB_TARGET_PATH,
    targetSize: 4,
    count: 3,
  }),
  padded('/etc', records.WB_REFUSAL_TEXT_MAX),
]);

const destination = Buffer.concat([
  struct(records.destinationLayout, records.destinationSize, {
    protocol: WB_NET_TCP,
    verdict: records.WB_REFUSED,
    word2: 0xffff0000,
    word3: 0x0100007f,
    port: 80,
    nameSize: 9,
    count: 1,
  }),
  padded('localhost', WB_NET_NAME_MAX + 3),
  padded('curl', records.WB_PROCESS_MAX),
]);

const full = {
  path: Buffer.from('/gone'),
  usage: struct(records.usageLayout, records.usageSize, { memoryBytes: 4096, processes: 2 }),
  home: Buffer.from('a\0b/c\0'),
  refusals: Buffer.concat([refusal, refusal]),
  destinations: destination,
  auditTotals: struct(records.auditTotalsLayout, records.auditTotalsSize, { calls: 7 }),
  auditCounts: Buffer.alloc(records.auditCountSize * 2, 1),
  auditProcesses: struct(records.auditProcessLayout, records.auditProcessSize, { inside: 2 }),
  auditEntries: struct(records.auditEntryLayout, records.auditEntrySize, {
    kind: records.WB_AUDIT_EXEC,
    process: 1,
    text: 2,
    size: 6,
    first: 4,
  }),
  auditValues: struct(records.auditValueLayout, records.auditValueSize, { argument: 1 }),
  auditTexts: Buffer.from('..pathrest'),
};

const native = { errnoName: (errno: number) => ({ code: `E${errno}`, message: '' }) };

/** All that is read of a record. */
async function readAll(bytes: Uint8Array) {
  const outcome = decodeOutcome(bytes);
  return {
    outcome,
    home: reportHome(outcome),
    refusals: await readRefusals(native, 'x86_64', outcome, undefined),
    network: readDestinations(outcome),
    audit: await readAudit(native, 'x86_64', outcome),
  };
}

/** Returns whether it was read; anything but a RangeError is a bug. */
async function isRead(bytes: Uint8Array): Promise<boolean> {
  try {
    await readAll(bytes);
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

describe('the record of an outcome', () => {
  it('has an address that is all zeros, but where a lookup has none', () => {
    const of = (protocol: number) =>
      Buffer.concat([
        struct(records.destinationLayout, records.destinationSize, { protocol, count: 1 }),
        Buffer.alloc(WB_NET_NAME_MAX + 3 + records.WB_PROCESS_MAX),
      ]);
    const destinations = Buffer.concat([WB_NET_TCP, WB_NET_UDP, records.WB_NET_LOOKUP].map(of));
    const read = readDestinations(
      decodeOutcome(record({ kind: records.WB_ENDED }, { ...full, destinations })),
    );
    const none = new Uint8Array(16);
    expect(read?.destinations.map(({ protocol, address }) => [protocol, address])).toEqual([
      ['tcp', none],
      ['udp', none],
      ['lookup', undefined],
    ]);
  });

  it('is read with all its tables', async () => {
    const values = { kind: records.WB_ENDED, exitCode: -1, signal: 9, homeFiles: 2, watched: 1 };
    const { outcome, home, refusals, network, audit } = await readAll(record(values, full));
    expect(outcome).toMatchObject({ kind: 'ended', exitCode: -1, signal: 9, path: '/gone' });
    expect(outcome.usage).toMatchObject({ memoryBytes: 4096, processes: 2, limit: 0 });
    expect(home).toEqual({ files: 2, paths: ['~/a', '~/b/c'] });
    expect(refusals.calls).toHaveLength(2);
    expect(refusals.calls[0]).toMatchObject({
      call: 'open',
      errno: 'E1',
      target: { type: 'path', bytes: Buffer.from('/etc') },
      count: 3,
    });
    expect(network?.destinations).toMatchObject([
      { protocol: 'tcp', verdict: 'refused', name: 'localhost', port: 80 },
    ]);
    expect(audit).toMatchObject({ totalCalls: 7, processes: [{ pid: 2 }] });
    expect(audit?.actions[0]).toMatchObject({ kind: 'execute', process: 0 });
    expect(Buffer.from(audit?.actions[0]?.target ?? []).toString()).toBe('path');
    expect(Buffer.from(audit?.actions[0]?.rest ?? []).toString()).toBe('re');
  });

  it('has no network and no audit where it has no such tables', async () => {
    const { network, audit } = await readAll(record({}, { usage: full.usage }));
    expect(network).toBeUndefined();
    expect(audit).toBeUndefined();
  });

  it.each<[string, Values, Record<string, Buffer>]>([
    ['another magic', { magic: 1 }, full],
    ['another version', { version: WB_WIRE_VERSION + 1 }, full],
    ['an unknown kind', { kind: 6 }, full],
    ['a size beyond its bytes', { size: 100_000 }, full],
    ['no usage', {}, { ...full, usage: Buffer.alloc(0) }],
    ['a table beyond its end', { refusals: 100_000 }, full],
    ['a table inside the structure', { refusals: 8 }, full],
    ['half a row', {}, { ...full, refusals: refusal.subarray(1) }],
    ['more rows than there are', {}, { ...full, refusals: Buffer.alloc(refusal.length * 257) }],
    ['a path of home without an end', {}, { ...full, home: Buffer.from('a\0b') }],
    [
      'a text longer than its room',
      {},
      {
        ...full,
        refusals: Buffer.concat([
          struct(records.refusalLayout, records.refusalSize, {
            targetSize: 257,
            target: records.WB_TARGET_PATH,
          }),
          Buffer.alloc(records.WB_REFUSAL_TEXT_MAX),
        ]),
      },
    ],
    [
      'an entry beyond the texts',
      {},
      {
        ...full,
        auditEntries: struct(records.auditEntryLayout, records.auditEntrySize, {
          text: 5,
          size: 6,
        }),
      },
    ],
  ])('is refused with %s', async (_, values, tables) => {
    expect(await isRead(record(values, tables))).toBe(false);
  });

  it('is refused where it was cut anywhere', async () => {
    const whole = record({}, full);
    for (let size = 0; size < whole.length; size += 7)
      expect(await isRead(whole.subarray(0, size)), `${size} bytes`).toBe(false);
    expect(await isRead(whole)).toBe(true);
  });

  it('is read or refused, whatever bytes there are', async () => {
    const whole = record({}, full);
    const [read, refused] = [new Set<boolean>(), new Set<boolean>()];
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(whole.length - 1), fc.integer({ min: 0, max: 255 })), {
          minLength: 1,
          maxLength: 8,
        }),
        async (changes) => {
          const bytes = Buffer.from(whole);
          for (const [at, byte] of changes) bytes[at] = byte;
          ((await isRead(bytes)) ? read : refused).add(true);
        },
      ),
      { numRuns: 1000 },
    );
    // Both happened: the bytes that were changed matter, and not all of them.
    expect([read.size, refused.size]).toEqual([1, 1]);
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 2048 }), async (bytes) => {
        expect(await isRead(bytes)).toBe(false);
      }),
      { numRuns: 500 },
    );
  });
});
