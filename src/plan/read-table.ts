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
  WB_RECORDED_TREE,
} from './recorded-reads.generated.js';
import { PlanWriter } from './writer.js';

const encoder = new TextEncoder();

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
    const { kind, subject, write }: Row<never> = rows[read.kind];
    this.set(kindAt, kind);
    this.set(subjectAt, this.#writer.string(subject(read as never)));
    write(this, read as never);
    this.#row += rowWords;
  }

  set(offset: number, value: number): void {
    this.#words[this.#row + offset / 4] = value;
  }

  stat(info: FileInfo | undefined): void {
    if (info === undefined) return;
    this.set(presentAt, 1);
    this.set(modeAt, typeBits[info.kind] | info.mode);
    this.set(uidAt, info.uid);
    this.set(gidAt, info.gid);
    this.#longs[(this.#row * 4 + devAt) / 8] = info.dev;
    this.#longs[(this.#row * 4 + inoAt) / 8] = info.ino;
  }

  text(text: string | undefined): void {
    this.bytesOf(text === undefined ? undefined : encoder.encode(text));
  }

  bytesOf(bytes: Uint8Array | undefined): void {
    if (bytes === undefined) return;
    this.set(presentAt, 1);
    this.set(answerAt, this.#writer.bytes(bytes));
    this.set(answerSizeAt, bytes.length);
  }
}

interface Row<R> {
  /** WB_RECORDED_* of C. */
  readonly kind: number;
  subject(read: R): string;
  /** Writes what was asked beside the subject, and the answer. */
  write(table: ReadTable, read: R): void;
  /** True if the addon asks it again by itself. */
  readonly ofFiles: boolean;
}

const ofPath = <R extends { readonly path: string }>(
  kind: number,
  write: Row<R>['write'],
): Row<R> => ({ kind, subject: ({ path }) => path, write, ofFiles: true });

const ofHost = <R>(
  kind: number,
  write: Row<R>['write'],
  subject: Row<R>['subject'] = () => '',
): Row<R> => ({ kind, subject, write, ofFiles: false });

/** The kinds of src/host/questions.ts, as addon/recorded_reads.h has them. */
const rows: { readonly [R in RecordedRead as R['kind']]: Row<R> } = {
  env: ofHost(
    WB_RECORDED_ENV,
    (table, { answer }) => table.text(answer),
    ({ name }) => name,
  ),
  cwd: ofHost(WB_RECORDED_CWD, (table, { answer }) => table.text(answer)),
  lstat: ofPath(WB_RECORDED_LSTAT, (table, { answer }) => table.stat(answer)),
  stat: ofPath(WB_RECORDED_STAT, (table, { answer }) => table.stat(answer)),
  readlink: ofPath(WB_RECORDED_READLINK, (table, { answer }) => table.text(answer)),
  realpath: ofPath(WB_RECORDED_REALPATH, (table, { answer }) => table.text(answer)),
  read: ofPath(WB_RECORDED_READ, (table, { limit, answer }) => {
    table.set(limitAt, limit);
    table.bytesOf(answer);
  }),
  list: ofPath(WB_RECORDED_LIST, (table, { answer }) => table.bytesOf(wordBytes(answer))),
  tree: ofPath(WB_RECORDED_TREE, (table, { answer }) => table.text(answer)),
  access: ofPath(WB_RECORDED_ACCESS, (table, { mode, answer }) => {
    table.set(limitAt, accessBits[mode]);
    table.set(presentAt, answer ? 1 : 0);
  }),
  mounts: ofHost(
    WB_RECORDED_MOUNTS,
    (table, { answer }) => table.text(answer.seen?.lines),
    ({ answer }) => answer.seen?.device ?? '',
  ),
  'proc-mounts': ofHost(
    WB_RECORDED_MOUNTS,
    (table, { answer }) => table.text(answer.seen.lines),
    ({ answer }) => answer.seen.device,
  ),
  stream: ofHost(WB_RECORDED_STREAM, (table, { index, answer }) => {
    table.set(limitAt, index);
    table.set(modeAt, streamBits[answer]);
  }),
  landlock: ofHost(WB_RECORDED_LANDLOCK, (table, { answer }) => table.set(limitAt, answer)),
  namespaces: ofHost(WB_RECORDED_NAMESPACES, (table, { answer }) => table.set(limitAt, answer)),
};

/** Writes the table; returns its offset. */
export function writeReads(writer: PlanWriter, reads: readonly RecordedRead[]): number {
  const at = writer.reserve(reads.length * recordedReadSize);
  const table = new ReadTable(writer, reads.length);
  for (const read of reads) table.add(read);
  writer.put(at, table.bytes);
  return at;
}

/** Returns whether a table for the addon can have this read. */
export const isOfTable = (read: RecordedRead): boolean =>
  rows[read.kind].ofFiles && 'path' in read && !read.path.includes('\0');

/** A table by itself, for the addon's `readsAgree`; undefined for more than it takes. */
export function readTable(reads: readonly RecordedRead[]): Uint8Array | undefined {
  if (reads.length > WB_RECORDED_READS_MAX) return undefined;
  const writer = new PlanWriter();
  writeReads(writer, reads);
  return writer.finish();
}
