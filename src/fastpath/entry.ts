/**
 * A start as bytes that the native command reads (addon/fastpath/entry.h): what resolving
 * asked and the answers, the plan, the journal entry, and where a run's own values stand in them.
 */
import type { RunRecord, TreeIdentity } from '../changes/index.js';
import type { RecordedRead } from '../host/index.js';
import { onlyPlace, PlanWriter, withoutArguments } from '../plan/index.js';
import { type CommandLine, entryWords, openCount } from './command-line.js';
import {
  cacheKeyLayout,
  cacheKeySize,
  entryLayout,
  entrySize,
  recordedReadSize,
  WB_ENTRY_MAGIC,
  WB_ENTRY_MAX,
  WB_ENTRY_VERSION,
  WB_RECORDED_READS_MAX,
} from './entry.generated.js';
import { ReadTable, wordBytes } from './read-table.js';
import type { ReportContext } from './report-context.js';
import { contextTemplate, recordTemplate } from './templates.js';

export interface Entry extends CommandLine {
  /** `struct wb_cache_key` as the native command made it. */
  readonly cacheKey: Uint8Array;
  readonly reads: readonly RecordedRead[];
  readonly plan: Uint8Array;
  /** Of the run that was started with the plan. */
  readonly record: RunRecord;
  /** That run's layers, as the plan names them: the working directory's, then the home's. */
  readonly layers: readonly string[];
  /** The state directory. */
  readonly state: string;
  readonly reportContext: ReportContext;
  readonly timeoutMs: number;
  readonly graceMs: number;
  readonly madeAt: Date;
}

const encoder = new TextEncoder();
const million = 1_000_000n;
const fnvPrime = 0x100000001b3n;

/**
 * Without mounts that names do not identify, and those of a file system once: the native command
 * compares all of its mounts.
 */
function comparable(reads: readonly RecordedRead[]): RecordedRead[] {
  const known = new Set<string>();
  return reads.filter((read) => {
    if (read.kind !== 'mounts') return true;
    const { seen } = read.answer;
    if (seen === undefined || known.has(seen.lines)) return false;
    known.add(seen.lines);
    return true;
  });
}

function homeFields(writer: PlanWriter, { path, placed = [] }: TreeIdentity, homeId: number) {
  const list = wordBytes(placed);
  const places = list.length === 0 ? {} : { placed: writer.bytes(list), placedSize: list.length };
  return { home: writer.string(path), homeId, ...places };
}

/** FNV-1a over 32-bit words: it tells a torn or damaged file from a whole one. */
export function checkOf(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let hash = 0x811c9dc5;
  for (let at = 0; at < bytes.length; at += 4) {
    hash = Math.imul(hash ^ view.getUint32(at, true), 0x01000193);
  }
  return hash >>> 0;
}

/** Bytes in front of what {@link checkOf} covers. */
export const checkedFrom = entryLayout.check.offset + 4;

/** Where the run's id stands in the plan, in a layer's path; undefined where that is not one place. */
function idInPlan(plan: Uint8Array, layer: string, { id }: RunRecord): number | undefined {
  const at = onlyPlace(plan, `${layer}\0`);
  const name = `/${id}/`;
  if (at === undefined || layer.split(name).length !== 2) return undefined;
  return at + encoder.encode(layer.slice(0, layer.indexOf(name) + 1)).length;
}

/**
 * The name of an entry: FNV-1a, 64 bits wide, from the hash that the native command has made of what else counts.
 * @param words {@link entryWords}
 */
export function entryName(cacheKey: Uint8Array, words: readonly string[]): string {
  const view = new DataView(cacheKey.buffer, cacheKey.byteOffset);
  let hash = view.getBigUint64(cacheKeyLayout.place.offset, true);
  for (const byte of wordBytes(words)) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * fnvPrime);
  return hash.toString(16).padStart(16, '0');
}

/** The entry's bytes; undefined for a start that does not fit the form. */
export function encodeEntry(entry: Entry, check = checkOf): Uint8Array | undefined {
  const { record, layers } = entry;
  const count = openCount(entry, record.argv);
  const plan = withoutArguments(entry.plan, count ?? 0);
  const reads = comparable(entry.reads);
  const template = recordTemplate(record, count);
  const [planId, homeId] = layers.map((layer) => idInPlan(plan, layer, record));
  const [home, ...others] = record.trees ?? [];
  if (template === undefined || planId === undefined || others.length > 0) return undefined;
  if (home !== undefined && (home.home !== 'empty' || homeId === undefined)) return undefined;
  if (reads.length > WB_RECORDED_READS_MAX || entry.cacheKey.length !== cacheKeySize)
    return undefined;

  const writer = new PlanWriter();
  const header = writer.reserve(entrySize);
  const at = writer.reserve(reads.length * recordedReadSize);
  const table = new ReadTable(writer, reads.length);
  for (const read of reads) table.add(read);
  writer.put(at, table.bytes);
  const argv = wordBytes(entryWords({ argv: entry.argv, argumentCount: count }));
  const context = contextTemplate(entry.reportContext, count);
  writer.fields(header, entryLayout, {
    magic: WB_ENTRY_MAGIC,
    version: WB_ENTRY_VERSION,
    cacheKey: writer.bytes(entry.cacheKey, 8),
    argv: writer.bytes(argv),
    argvSize: argv.length,
    recordedReads: at,
    recordedReadCount: reads.length,
    plan: writer.bytes(plan, 8),
    planSize: plan.length,
    planId,
    state: writer.string(entry.state),
    workdir: writer.string(record.workdir.path),
    ...(home === undefined || homeId === undefined ? {} : homeFields(writer, home, homeId)),
    record: writer.bytes(template.text),
    recordSize: template.text.length,
    recordId: template.id,
    recordStarted: template.started,
    recordBaseline: template.baseline,
    recordArguments: template.arguments,
    reportContext: writer.bytes(context.text),
    reportContextSize: context.text.length,
    reportContextArguments: context.arguments,
    discard: record.discard === true ? 1 : 0,
    timeoutNs: BigInt(entry.timeoutMs) * million,
    graceNs: BigInt(entry.graceMs) * million,
    madeS: BigInt(Math.floor(entry.madeAt.getTime() / 1000)),
  });
  // With the 0 byte at the end, a whole number of words.
  writer.reserve(7 - (writer.size % 8), 1);
  const whole = writer.finish();
  if (whole.length > WB_ENTRY_MAX) return undefined;
  const view = new DataView(whole.buffer, whole.byteOffset);
  view.setUint32(entryLayout.size.offset, whole.length, true);
  view.setUint32(entryLayout.check.offset, check(whole.subarray(checkedFrom)), true);
  return whole;
}
