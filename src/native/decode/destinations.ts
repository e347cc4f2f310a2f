/** Where the payload wanted to go, decoded from the supervisor's table. */
import { WB_NET_NAME_MAX, WB_NET_TCP, WB_NET_UDP } from '../../plan/index.js';
import type { NativeOutcome } from './outcome.js';
import { destinationLayout, destinationSize, WB_PROCESS_MAX } from './records.generated.js';
import type { NetworkRecords, ReachedDestination } from './records.js';
import { part, readRows } from './struct.js';

const nameRoom = WB_NET_NAME_MAX + 3;

/** Verdicts by WB_ALLOWED and what follows it. */
const verdicts = [
  'allowed',
  'refused',
  'refused-address',
  'silent',
  'wrong',
  'denied',
  'unknown',
  'failed',
] as const;

/** Decodes what a run with rules tells; undefined for any other. */
export function readDestinations(outcome: NativeOutcome): NetworkRecords | undefined {
  const { destinations: bytes, destinationsDropped = 0 } = outcome;
  if (bytes === undefined) return undefined;
  const decoder = new TextDecoder();
  const rows = readRows(bytes, destinationLayout, destinationSize, nameRoom + WB_PROCESS_MAX);
  const found = rows.map(({ fields, rest }): ReachedDestination => {
    const { protocol, word0, word1, word2, word3 } = fields;
    const address = new Uint8Array(Uint32Array.of(word0, word1, word2, word3).buffer);
    const isConnection = protocol === WB_NET_TCP || protocol === WB_NET_UDP;
    const isNone = address.every((byte) => byte === 0);
    const process = part(rest, nameRoom, WB_PROCESS_MAX);
    const end = process.indexOf(0);
    return {
      protocol: protocol === WB_NET_TCP ? 'tcp' : protocol === WB_NET_UDP ? 'udp' : 'lookup',
      verdict: verdicts[fields.verdict] ?? 'refused',
      name: decoder.decode(part(rest.subarray(0, nameRoom), 0, fields.nameSize)),
      // A lookup may have none; of anything else it is the unspecified address, `::`.
      address: isNone && !isConnection ? undefined : address,
      port: fields.port,
      pid: fields.pid,
      process: process.slice(0, end < 0 ? undefined : end),
      count: Number(fields.count),
      bytes: Number(fields.bytes),
      lastNs: Number(fields.lastNs),
    };
  });
  return { destinations: found, dropped: destinationsDropped };
}
