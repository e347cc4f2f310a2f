/**
 * A start as bytes that the native command reads (addon/fastpath/entry.h): what resolving
 * asked and the answers, the plan, and the journal entry, neither of which names the run.
 */
import { join } from 'node:path';
import { type NewRecord, newRecordText, type TreeIdentity } from '../changes/index.js';
import type { RecordedRead } from '../host/index.js';
import { lackTexts } from '../launch/index.js';
import {
  cachedPlan,
  type PlanInputs,
  PlanWriter,
  WB_RECORDED_READS_MAX,
  wordBytes,
  writeReads,
} from '../plan/index.js';
import { ownOf, type SandboxSpec } from '../resolve/index.js';
import {
  type CommandLine,
  entryWords,
  openCount,
  specWithout,
  withoutArguments,
} from './command-line.js';
import {
  cacheKeyLayout,
  cacheKeySize,
  entryLayout,
  entrySize,
  WB_ENTRY_MAGIC,
  WB_ENTRY_MAX,
  WB_ENTRY_VERSION,
} from './entry.generated.js';
import { rootFields } from './private-root.js';
import { encodeReportContext, type ReportContext } from './report-context.js';

export interface Entry extends CommandLine {
  /** `struct wb_cache_key` as the native command made it. */
  readonly cacheKey: Uint8Array;
  readonly reads: readonly RecordedRead[];
  /** {@link entryPlan} */
  readonly plan: Uint8Array;
  readonly record: NewRecord;
  readonly reportContext: ReportContext;
  readonly timeoutMs: number;
  readonly graceMs: number;
  readonly madeAt: Date;
}

const encoder = new TextEncoder();
const million = 1_000_000n;
const fnvPrime = 0x100000001b3n;

/**
 * Leaves out mounts that names do not identify, and those of a file system once: the native command compares all of its
 * mounts.
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

function homeFields(writer: PlanWriter, { path, placed = [] }: TreeIdentity) {
  const list = wordBytes(placed);
  const places = list.length === 0 ? {} : { placed: writer.bytes(list), placedSize: list.length };
  return { home: writer.string(path), ...places };
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

/** The plan of a start, without the payload's arguments. */
export const entryPlan = (line: CommandLine, spec: SandboxSpec, inputs: PlanInputs): Uint8Array =>
  cachedPlan(specWithout(spec, openCount(line, spec.command.argv)), inputs);

/** Returns the note at the start of a run that has other walls than usual. */
function noteOf(writer: PlanWriter, { spec, quiet }: ReportContext): number {
  return ownOf(spec).note !== undefined && !quiet ? writer.string(spec.notes[0] ?? '') : 0;
}

function lackFields(writer: PlanWriter, { quiet }: ReportContext) {
  const list = wordBytes(lackTexts);
  return quiet ? {} : { lacks: writer.bytes(list), lacksSize: list.length };
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

/**
 * Says what part of an entry is encoded: all; or only what its start needs, for a native command that waits for it; or
 * what such a start and its report need.
 */
export type EntryParts = 'all' | 'start' | 'without-reads';

/** The entry's bytes; undefined for a start that does not fit the form. */
export function encodeEntry(
  entry: Entry,
  parts: EntryParts = 'all',
  check = checkOf,
): Uint8Array | undefined {
  const { plan, record, reportContext } = entry;
  const { spec } = reportContext;
  const count = openCount(entry, record.argv);
  const reads = parts === 'all' ? comparable(entry.reads) : [];
  const [home, ...others] = record.trees ?? [];
  if (others.length > 0 || (home !== undefined && home.home !== 'empty')) return undefined;
  if (reads.length > WB_RECORDED_READS_MAX || entry.cacheKey.length !== cacheKeySize)
    return undefined;

  const writer = new PlanWriter();
  const header = writer.reserve(entrySize);
  const recordedReads = writeReads(writer, reads);
  const argv = wordBytes(entryWords({ argv: entry.argv, argumentCount: count }));
  const told = { ...reportContext, spec: specWithout(spec, count) };
  const context = encoder.encode(parts === 'start' ? '' : encodeReportContext(told));
  const text = newRecordText({ ...record, argv: withoutArguments(record.argv, count) });
  const recordText = encoder.encode(text);
  const root = ownOf(spec).tree ? {} : rootFields(writer, spec, record.workdir.path);
  if (root === undefined) return undefined;
  writer.fields(header, entryLayout, {
    magic: WB_ENTRY_MAGIC,
    version: WB_ENTRY_VERSION,
    cacheKey: writer.bytes(entry.cacheKey, 8),
    argv: writer.bytes(argv),
    argvSize: argv.length,
    recordedReads,
    recordedReadCount: reads.length,
    plan: writer.bytes(plan, 8),
    planSize: plan.length,
    state: writer.string(spec.state.named),
    runs: writer.string(join(spec.state.directory, 'runs')),
    workdir: writer.string(record.workdir.path),
    ...(home === undefined ? {} : homeFields(writer, home)),
    note: noteOf(writer, reportContext),
    ...lackFields(writer, reportContext),
    quiet: reportContext.quiet ? 1 : 0,
    ...root,
    record: writer.bytes(recordText),
    recordSize: recordText.length,
    reportContext: writer.bytes(context),
    reportContextSize: context.length,
    open: count === undefined ? 0 : 1,
    discard: record.discard === true ? 1 : 0,
    timeoutNs: BigInt(entry.timeoutMs) * million,
    graceNs: BigInt(entry.graceMs) * million,
    madeS: BigInt(Math.floor(entry.madeAt.getTime() / 1000)),
  });
  // The size with the 0 byte at the end is a whole number of words.
  writer.reserve(7 - (writer.size % 8), 1);
  const whole = writer.finish();
  if (whole.length > WB_ENTRY_MAX) return undefined;
  const view = new DataView(whole.buffer, whole.byteOffset);
  view.setUint32(entryLayout.size.offset, whole.length, true);
  view.setUint32(entryLayout.check.offset, check(whole.subarray(checkedFrom)), true);
  return whole;
}
