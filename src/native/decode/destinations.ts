/** Where the payload wanted to go, decoded from the supervisor's account. */
import {
  destinationLayout,
  destinationSize,
  WB_NET_NAME_MAX,
  WB_NET_TCP,
  WB_NET_UDP,
  WB_PROCESS_MAX,
} from '../../plan/index.js';
import type { NetworkRecords, ReachedDestination } from '../../report/index.js';
import type { NativeOutcome } from '../types.js';

const stride = destinationSize + WB_NET_NAME_MAX + 3 + WB_PROCESS_MAX;

/** By WB_ALLOWED and what follows it. */
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
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const found: ReachedDestination[] = [];
  const decoder = new TextDecoder();
  for (let at = 0; at + stride <= bytes.length; at += stride) {
    const number = (name: keyof typeof destinationLayout): number => {
      const { offset, type } = destinationLayout[name];
      return type === 'uint64'
        ? Number(view.getBigUint64(at + offset, true))
        : view.getUint32(at + offset, true);
    };
    const protocol = number('protocol');
    const nameAt = at + destinationSize;
    const processAt = nameAt + WB_NET_NAME_MAX + 3;
    const comm = bytes.subarray(processAt, processAt + WB_PROCESS_MAX);
    const end = comm.indexOf(0);
    const address = bytes.slice(at + destinationLayout.word0.offset).subarray(0, 16);
    found.push({
      protocol: protocol === WB_NET_TCP ? 'tcp' : protocol === WB_NET_UDP ? 'udp' : 'lookup',
      verdict: verdicts[number('verdict')] ?? 'refused',
      name: decoder.decode(bytes.subarray(nameAt, nameAt + number('nameSize'))),
      address: address.some((byte) => byte !== 0) ? address : undefined,
      port: number('port'),
      pid: number('pid'),
      process: comm.slice(0, end < 0 ? undefined : end),
      count: number('count'),
      bytes: number('bytes'),
    });
  }
  return { destinations: found, dropped: destinationsDropped };
}
