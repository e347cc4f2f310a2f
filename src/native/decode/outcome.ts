/**
 * How a run ended: the record that supervisor/outcome.c makes (`struct wb_outcome` of records.h), from the addon or
 * from the native command. Its tables stay bytes, which audit.ts, destinations.ts and refusals.ts read.
 */
import { WB_NET_NAME_MAX, WB_WIRE_VERSION } from '../../plan/index.js';
import {
  auditCountSize,
  auditEntrySize,
  auditProcessSize,
  auditTotalsSize,
  auditValueSize,
  destinationSize,
  outcomeLayout,
  outcomeSize,
  refusalSize,
  usageLayout,
  usageSize,
  WB_AUDIT_CALLS_MAX,
  WB_AUDIT_ENTRIES_MAX,
  WB_AUDIT_PROCESSES_MAX,
  WB_AUDIT_TEXTS_MAX,
  WB_AUDIT_VALUES_MAX,
  WB_DESTINATIONS_MAX,
  WB_OUTCOME_MAGIC,
  WB_OUTCOME_MAX,
  WB_PROCESS_MAX,
  WB_REFUSAL_TEXT_MAX,
  WB_REFUSALS_MAX,
  WB_TAIL_MAX,
} from './records.generated.js';
import { part, readStruct } from './struct.js';

/** `struct wb_usage` of records.h: what the supervisor saw of a run's use. */
export type NativeUsage = { readonly [Field in keyof typeof usageLayout]: number };

/** Tables of an audit, each an array of the structure that records.h names after it. */
export interface NativeAudit {
  readonly totals: Uint8Array;
  readonly counts: Uint8Array;
  readonly processes: Uint8Array;
  readonly entries: Uint8Array;
  readonly values: Uint8Array;
  /** The texts that the entries' offsets lead into. */
  readonly texts: Uint8Array;
}

/** How a sandbox ended, as the supervisor saw it. Numbers are the kernel's. */
export interface NativeOutcome {
  /**
   * `ended`: the payload ran and was reaped; `setup`: a step before it failed; `exec`: execve
   * failed; `died`: init ended without a report; `lost`: what answers the payload's calls failed,
   * and it was killed; `left`: processes of the run are left that could not be ended.
   */
  readonly kind: 'ended' | 'setup' | 'exec' | 'died' | 'lost' | 'left';
  /** Exit status, or -1. */
  readonly exitCode: number;
  /** Signal that killed the payload, or 0. */
  readonly signal: number;
  /** Failed step (wire.h), 0 if none; with its errno and, where there is one, path. */
  readonly step: number;
  readonly errno: number;
  readonly path: string;
  /** The supervisor killed it because the wall time was over. */
  readonly timedOut: boolean;
  /**
   * True if the payload got /dev/null for its stdin, from which a shell outside reads its commands.
   * @default false
   */
  readonly stdinWithheld?: boolean;
  /** It killed it because it went on after a second SIGINT or ^C. @default false */
  readonly interrupted?: boolean;
  /** ^C was typed at the caller's terminal, which only the payload received. @default false */
  readonly typedInterrupt?: boolean;
  /** The time from start to the payload's end, in nanoseconds. */
  readonly durationNs: number;
  /** The user time of the payload and its reaped descendants. */
  readonly userUs: number;
  readonly systemUs: number;
  readonly maxRssKiB: number;
  readonly usage: NativeUsage;
  /** True if the payload's refusals were answered and recorded by the supervisor. */
  readonly watched: boolean;
  /** Why they were not; 0 where that was not asked for. */
  readonly watchErrno: number;
  /** `WB_LACKS_*` (wire.h): what the sandbox was without. @default 0 */
  readonly lacks?: number;
  /** Entries of `wb_refusal`, each followed by its text. */
  readonly refusals: Uint8Array;
  /** All that were counted, and those for which there was no room. */
  readonly refusalsTotal: number;
  readonly refusalsDropped: number;
  /** Entries of `wb_destination` with their names, of a run with rules. */
  readonly destinations?: Uint8Array | undefined;
  readonly destinationsDropped?: number | undefined;
  /** Why UDP reached nothing but the resolver, in a run with rules; 0 where it could. @default 0 */
  readonly udpErrno?: number;
  /** Files in the private home at the end, and as many of their paths as fit, a 0 byte after each. */
  readonly homeFiles: number;
  readonly home: Uint8Array;
  /** The end of the output that passed through the supervisor; undefined or empty where none did. */
  readonly tail?: Uint8Array | undefined;
  /** Questions that were denied without being asked, because too many were open. @default 0 */
  readonly questionsTurnedAway?: number;
  /** The actions of the payload, where an audit was asked for. */
  readonly audit?: NativeAudit | undefined;
}

/** Kinds by WB_ENDED and what follows it. */
const kinds = ['ended', 'setup', 'exec', 'died', 'lost', 'left'] as const;

/** Bytes of a row of a table, and how many rows there can be. */
const tables = {
  path: [1, 4096],
  usage: [usageSize, 1],
  home: [1, 65536],
  tail: [1, WB_TAIL_MAX],
  refusals: [refusalSize + WB_REFUSAL_TEXT_MAX, WB_REFUSALS_MAX],
  destinations: [destinationSize + WB_NET_NAME_MAX + 3 + WB_PROCESS_MAX, WB_DESTINATIONS_MAX],
  auditTotals: [auditTotalsSize, 1],
  auditCounts: [auditCountSize, WB_AUDIT_CALLS_MAX],
  auditProcesses: [auditProcessSize, WB_AUDIT_PROCESSES_MAX],
  auditEntries: [auditEntrySize, WB_AUDIT_ENTRIES_MAX],
  auditValues: [auditValueSize, WB_AUDIT_VALUES_MAX],
  auditTexts: [1, WB_AUDIT_TEXTS_MAX],
} as const;

const none = new Uint8Array();

/**
 * Reads the record. The bytes must not change afterwards.
 * @throws RangeError where it is of another version, is not whole, or a table of it cannot be one
 */
export function decodeOutcome(bytes: Uint8Array): NativeOutcome {
  const fields = readStruct(bytes, outcomeLayout);
  const { magic, version, size } = fields;
  const kind = kinds[fields.kind];
  if (magic !== WB_OUTCOME_MAGIC || version !== WB_WIRE_VERSION || kind === undefined)
    throw new RangeError('invalid outcome record');
  if (size !== bytes.length || size > WB_OUTCOME_MAX)
    throw new RangeError(`the outcome record has ${bytes.length} bytes, not ${size}`);

  const table = (name: keyof typeof tables): Uint8Array | undefined => {
    const [offset, length] = [fields[name], fields[`${name}Size`]];
    const [row, most] = tables[name];
    if (offset === 0 && length === 0) return undefined;
    if (offset < outcomeSize || length % row !== 0 || length > row * most)
      throw new RangeError(`${name}: ${length} bytes at ${offset} of a record`);
    return part(bytes, offset, length);
  };
  const home = table('home') ?? none;
  if (home.length > 0 && home.at(-1) !== 0)
    throw new RangeError('home: the last path is not NUL-terminated');
  return {
    kind,
    exitCode: fields.exitCode,
    signal: fields.signal,
    step: fields.step,
    errno: fields.error,
    path: textOf(table('path')),
    timedOut: fields.timedOut !== 0,
    stdinWithheld: fields.stdinWithheld !== 0,
    interrupted: fields.interrupted !== 0,
    typedInterrupt: fields.typedInterrupt !== 0,
    durationNs: Number(fields.durationNs),
    userUs: Number(fields.userUs),
    systemUs: Number(fields.systemUs),
    maxRssKiB: Number(fields.maxRssKib),
    usage: decodeUsage(table('usage') ?? none),
    watched: fields.watched !== 0,
    watchErrno: fields.watchError,
    lacks: fields.lacks,
    refusals: table('refusals') ?? none,
    refusalsTotal: Number(fields.refusalsTotal),
    refusalsDropped: Number(fields.refusalsDropped),
    destinations: table('destinations'),
    destinationsDropped: Number(fields.destinationsDropped),
    udpErrno: fields.udpError,
    homeFiles: fields.homeFiles,
    home,
    tail: table('tail'),
    questionsTurnedAway: Number(fields.questionsTurnedAway),
    audit: auditOf(table),
  };
}

/** Decodes a path, which only a failed run has. */
const textOf = (bytes: Uint8Array | undefined): string =>
  bytes === undefined ? '' : new TextDecoder().decode(bytes);

function decodeUsage(bytes: Uint8Array): NativeUsage {
  const fields: Record<string, number | bigint> = { ...readStruct(bytes, usageLayout) };
  for (const name in fields) fields[name] = Number(fields[name]);
  return fields as NativeUsage;
}

function auditOf(
  table: (name: keyof typeof tables) => Uint8Array | undefined,
): NativeAudit | undefined {
  const totals = table('auditTotals');
  if (totals === undefined) return undefined;
  return {
    totals,
    counts: table('auditCounts') ?? none,
    processes: table('auditProcesses') ?? none,
    entries: table('auditEntries') ?? none,
    values: table('auditValues') ?? none,
    texts: table('auditTexts') ?? none,
  };
}
