/**
 * A start as bytes that the native command reads (addon/fastpath/entry.h): what resolving
 * asked and the answers, the plan, the journal entry, and where a run's own values stand in them.
 */
import type { RunRecord, TreeIdentity } from '../changes/index.js';
import type { FileInfo, RecordedRead, StreamKind } from '../host/index.js';
import { onlyPlace, PlanWriter, withoutArguments } from '../plan/index.js';
import { type CommandLine, entryWords, openCount } from './command-line.js';
import {
  cacheKeyLayout,
  cacheKeySize,
  entryLayout,
  entrySize,
  recordedReadLayout,
  recordedReadSize,
  WB_ENTRY_MAGIC,
  WB_ENTRY_MAX,
  WB_ENTRY_VERSION,
  WB_RECORDED_ACCESS,
  WB_RECORDED_CWD,
  WB_RECORDED_ENV,
  WB_RECORDED_LANDLOCK,
  WB_RECORDED_LIST,
  WB_RECORDED_LSTAT,
  WB_RECORDED_MOUNTS,
  WB_RECORDED_READ,
  WB_RECORDED_READLINK,
  WB_RECORDED_READS_MAX,
  WB_RECORDED_REALPATH,
  WB_RECORDED_STAT,
  WB_RECORDED_STREAM,
} from './entry.generated.js';
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

const kinds = {
  env: WB_RECORDED_ENV,
  cwd: WB_RECORDED_CWD,
  lstat: WB_RECORDED_LSTAT,
  stat: WB_RECORDED_STAT,
  readlink: WB_RECORDED_READLINK,
  realpath: WB_RECORDED_REALPATH,
  read: WB_RECORDED_READ,
  list: WB_RECORDED_LIST,
  access: WB_RECORDED_ACCESS,
  mounts: WB_RECORDED_MOUNTS,
  'proc-mounts': WB_RECORDED_MOUNTS,
  stream: WB_RECORDED_STREAM,
  landlock: WB_RECORDED_LANDLOCK,
} as const;

/** access(2). */
const accessBits = { read: 4, write: 2, execute: 1, enter: 5 } as const;

/** S_IFMT; whatever else a file is, resolving only knows that it is none of these. */
const typeBits = { file: 0o100000, directory: 0o040000, symlink: 0o120000, other: 0 } as const;

/** The type, and a bit for a file that can be changed through the descriptor, and for a possible terminal. */
const streamBits: Readonly<Record<StreamKind, number>> = {
  file: 0o100001,
  'read-only-file': 0o100000,
  pipe: 0o010000,
  socket: 0o140000,
  terminal: 0o020001,
  'memory-device': 0o020000,
  other: 0,
};

const encoder = new TextEncoder();
const million = 1_000_000n;
const fnvPrime = 0x100000001b3n;

type Answer = { readonly [K in keyof typeof recordedReadLayout]?: number | bigint };

function statAnswer(info: FileInfo | undefined): Answer {
  if (info === undefined) return { present: 0 };
  const { dev, ino, uid, gid } = info;
  return { present: 1, dev, ino, uid, gid, mode: typeBits[info.kind] | info.mode };
}

function bytesAnswer(writer: PlanWriter, bytes: Uint8Array | undefined): Answer {
  if (bytes === undefined) return { present: 0 };
  return { present: 1, answer: writer.bytes(bytes), answerSize: bytes.length };
}

const textAnswer = (writer: PlanWriter, text: string | undefined): Answer =>
  bytesAnswer(writer, text === undefined ? undefined : encoder.encode(text));

/** Each word with a NUL after it, as the kernel lays out an argument vector. */
const wordBytes = (list: readonly string[]): Uint8Array =>
  encoder.encode(list.map((word) => `${word}\0`).join(''));

function subjectOf(read: RecordedRead): string {
  switch (read.kind) {
    case 'env':
      return read.name;
    case 'mounts':
    case 'proc-mounts':
      return read.answer.seen?.device ?? '';
    default:
      return 'path' in read ? read.path : '';
  }
}

function answerOf(writer: PlanWriter, read: RecordedRead): Answer {
  switch (read.kind) {
    case 'env':
    case 'cwd':
    case 'readlink':
    case 'realpath':
      return textAnswer(writer, read.answer);
    case 'lstat':
    case 'stat':
      return statAnswer(read.answer);
    case 'read':
      return { limit: read.limit, ...bytesAnswer(writer, read.answer) };
    case 'list':
      return bytesAnswer(writer, wordBytes(read.answer));
    case 'mounts':
    case 'proc-mounts':
      return textAnswer(writer, read.answer.seen?.lines);
    case 'stream':
      return { limit: read.index, mode: streamBits[read.answer] };
    case 'landlock':
      return { limit: read.answer };
    case 'access':
      return { limit: accessBits[read.mode], present: read.answer ? 1 : 0 };
  }
}

function writeRead(writer: PlanWriter, at: number, read: RecordedRead): void {
  const subject = writer.string(subjectOf(read));
  writer.fields(at, recordedReadLayout, { kind: kinds[read.kind], subject });
  writer.fields(at, recordedReadLayout, answerOf(writer, read));
}

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
  for (const [i, read] of reads.entries()) {
    writeRead(writer, at + i * recordedReadSize, read);
  }
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
