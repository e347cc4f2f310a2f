/**
 * What the native command hands over where a run has something to tell: how it ended,
 * its id and lock, and what the entry says about telling. addon/fastpath/entry.h, `struct wb_ended_run`
 */
import type { NativeOutcome, NativeUsage } from '../native/index.js';
import { type Layout, usageLayout, usageSize } from '../plan/index.js';
import {
  endedRunLayout,
  endedRunSize,
  WB_ENDED_MAGIC,
  WB_ENTRY_VERSION,
} from './entry.generated.js';
import { decodeTold, type Told } from './report-context.js';

export interface EndedRun {
  readonly outcome: NativeOutcome;
  readonly id: string;
  /** The state directory. */
  readonly state: string;
  /** Descriptor that holds the run's lock. */
  readonly lock: number;
  readonly startedAt: Date;
  readonly told: Told;
}

const outcomeKinds = ['ended', 'setup', 'exec', 'died', 'lost'] as const;

function reader<L extends Layout>(bytes: Uint8Array, layout: L) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return (name: keyof L): number => {
    const field = layout[name];
    if (field === undefined) throw new TypeError('no such field');
    if (field.type === 'uint64') return Number(view.getBigUint64(field.offset, true));
    return field.type === 'uint32'
      ? view.getUint32(field.offset, true)
      : view.getInt32(field.offset, true);
  };
}

/** `struct wb_usage` at `offset`, field by field: the names are the same. */
function decodeUsage(bytes: Uint8Array, offset: number): NativeUsage {
  const number = reader(bytes.subarray(offset, offset + usageSize), usageLayout);
  const names = Object.keys(usageLayout) as (keyof typeof usageLayout)[];
  return Object.fromEntries(names.map((name) => [name, number(name)])) as unknown as NativeUsage;
}

/** Reads the structure; undefined where it is none of this version. */
export function decodeEnded(bytes: Uint8Array): EndedRun | undefined {
  if (bytes.length < endedRunSize) return undefined;
  const number = reader(bytes, endedRunLayout);
  if (number('magic') !== WB_ENDED_MAGIC || number('version') !== WB_ENTRY_VERSION)
    return undefined;
  if (number('size') !== bytes.length || number('usageSize') !== usageSize) return undefined;
  const kind = outcomeKinds[number('kind')];
  if (kind === undefined) return undefined;
  const decoder = new TextDecoder();
  const text = (at: number): string => decoder.decode(bytes.subarray(at, bytes.indexOf(0, at)));
  const told = number('told');
  const refusals = number('refusals');
  return {
    outcome: {
      kind,
      exitCode: number('exitCode'),
      signal: number('signal'),
      step: 0,
      errno: 0,
      path: '',
      timedOut: number('timedOut') !== 0,
      stdinWithheld: number('stdinWithheld') !== 0,
      interrupted: number('interrupted') !== 0,
      typedInterrupt: number('typedInterrupt') !== 0,
      durationNs: number('durationNs'),
      userUs: number('userUs'),
      systemUs: number('systemUs'),
      maxRssKiB: number('maxRssKib'),
      usage: decodeUsage(bytes, number('usage')),
      watched: number('watched') !== 0,
      watchErrno: number('watchError'),
      lacks: number('lacks'),
      refusals: bytes.slice(refusals, refusals + number('refusalsSize')),
      refusalsTotal: number('refusalsTotal'),
      refusalsDropped: number('refusalsDropped'),
      homeFiles: number('homeFiles'),
      home: bytes.slice(number('home'), number('home') + number('homeSize')),
    },
    id: text(number('id')),
    state: text(number('state')),
    lock: number('lock'),
    startedAt: new Date(number('startedMs')),
    told: decodeTold(decoder.decode(bytes.subarray(told, told + number('toldSize')))),
  };
}
