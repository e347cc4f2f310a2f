/**
 * Writes what resolving asked and the answers, as C reads them (`struct wb_recorded_read` in addon/recorded_reads.h).
 */
import type { FileInfo, RecordedRead, StreamKind } from '../host/index.js';
import {
  recordedReadLayout,
  recordedReadSize,
  WB_RECORDED_ACCESS,
  WB_RECORDED_CWD,
  WB_RECORDED_ENV,
  WB_RECORDED_LANDLOCK,
  WB_RECORDED_LIST,
  WB_RECORDED_LSTAT,
  WB_RECORDED_MOUNTS,
  WB_RECORDED_NAMESPACES,
  WB_RECORDED_READ,
  WB_RECORDED_READLINK,
  WB_RECORDED_READS_MAX,
  WB_RECORDED_REALPATH,
  WB_RECORDED_STAT,
  WB_RECORDED_STREAM,
} from './recorded-reads.generated.js';
import { PlanWriter } from './writer.js';

const encoder = new TextEncoder();

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
  namespaces: WB_RECORDED_NAMESPACES,
} as const;

/** access(2). */
const accessBits = { read: 4, write: 2, execute: 1, enter: 5 } as const;

/** Values of S_IFMT; resolving tells other kinds of file only from these three. */
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

/** Each word with a NUL after it, as the kernel lays out an argument vector. */
export const wordBytes = (list: readonly string[]): Uint8Array =>
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

/** `struct wb_recorded_read` in 32-bit words; there are a hundred and more, so each is written by place, not by name. */
const rowWords = recordedReadSize / 4;
const {
  kind: { offset: kindAt },
  subject: { offset: subjectAt },
  present: { offset: presentAt },
  answer: { offset: answerAt },
  answerSize: { offset: answerSizeAt },
  limit: { offset: limitAt },
  mode: { offset: modeAt },
  uid: { offset: uidAt },
  gid: { offset: gidAt },
  dev: { offset: devAt },
  ino: { offset: inoAt },
} = recordedReadLayout;

class ReadTable {
  readonly #writer: PlanWriter;
  readonly #words: Uint32Array<ArrayBuffer>;
  readonly #longs: BigUint64Array<ArrayBuffer>;
  #row = 0;

  constructor(writer: PlanWriter, count: number) {
    this.#writer = writer;
    this.#words = new Uint32Array(count * rowWords);
    this.#longs = new BigUint64Array(this.#words.buffer);
  }

  get bytes(): Uint8Array {
    return new Uint8Array(this.#words.buffer);
  }

  add(read: RecordedRead): void {
    this.#set(kindAt, kinds[read.kind]);
    this.#set(subjectAt, this.#writer.string(subjectOf(read)));
    this.#answer(read);
    this.#row += rowWords;
  }

  #set(offset: number, value: number): void {
    this.#words[this.#row + offset / 4] = value;
  }

  #answer(read: RecordedRead): void {
    switch (read.kind) {
      case 'env':
      case 'cwd':
      case 'readlink':
      case 'realpath':
        this.#text(read.answer);
        break;
      case 'lstat':
      case 'stat':
        this.#stat(read.answer);
        break;
      case 'read':
        this.#set(limitAt, read.limit);
        this.#bytes(read.answer);
        break;
      case 'list':
        this.#bytes(wordBytes(read.answer));
        break;
      case 'mounts':
      case 'proc-mounts':
        this.#text(read.answer.seen?.lines);
        break;
      case 'stream':
        this.#set(limitAt, read.index);
        this.#set(modeAt, streamBits[read.answer]);
        break;
      case 'landlock':
      case 'namespaces':
        this.#set(limitAt, read.answer);
        break;
      case 'access':
        this.#set(limitAt, accessBits[read.mode]);
        this.#set(presentAt, read.answer ? 1 : 0);
        break;
    }
  }

  #stat(info: FileInfo | undefined): void {
    if (info === undefined) return;
    this.#set(presentAt, 1);
    this.#set(modeAt, typeBits[info.kind] | info.mode);
    this.#set(uidAt, info.uid);
    this.#set(gidAt, info.gid);
    this.#longs[(this.#row * 4 + devAt) / 8] = info.dev;
    this.#longs[(this.#row * 4 + inoAt) / 8] = info.ino;
  }

  #text(text: string | undefined): void {
    this.#bytes(text === undefined ? undefined : encoder.encode(text));
  }

  #bytes(bytes: Uint8Array | undefined): void {
    if (bytes === undefined) return;
    this.#set(presentAt, 1);
    this.#set(answerAt, this.#writer.bytes(bytes));
    this.#set(answerSizeAt, bytes.length);
  }
}

/** Writes the table; returns its offset. */
export function writeReads(writer: PlanWriter, reads: readonly RecordedRead[]): number {
  const at = writer.reserve(reads.length * recordedReadSize);
  const table = new ReadTable(writer, reads.length);
  for (const read of reads) table.add(read);
  writer.put(at, table.bytes);
  return at;
}

/** About files, which the addon asks again by itself. */
const aboutFiles: ReadonlySet<RecordedRead['kind']> = new Set([
  'lstat',
  'stat',
  'readlink',
  'realpath',
  'read',
  'list',
  'access',
]);

/** Returns whether a table for the addon can have this read. */
export const isOfTable = (read: RecordedRead): boolean =>
  aboutFiles.has(read.kind) && 'path' in read && !read.path.includes('\0');

/** A table by itself, for the addon's `readsAgree`; undefined for more than it takes. */
export function readTable(reads: readonly RecordedRead[]): Uint8Array | undefined {
  if (reads.length > WB_RECORDED_READS_MAX) return undefined;
  const writer = new PlanWriter();
  writeReads(writer, reads);
  return writer.finish();
}
