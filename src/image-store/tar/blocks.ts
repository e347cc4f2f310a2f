/**
 * Goes through the blocks of a tar archive before tar-stream does, for what that has no place for: GNU's old
 * sparse files (type `S`), extended headers as bytes, links with a size, the end of the archive. Both read
 * sizes the same way; where they did not, an entry would be wrong, but still no file outside the layer.
 */
import { invalidImage } from '../../image/index.js';
import { beyondLimit } from '../limits.js';
import { type PaxRecords, paxRecords } from './pax.js';

const BLOCK = 512;
/** The limit of an extended header, or of a long name. */
const metadataLimit = 1 << 20;
const sparseLimit = 1 << 18;

/** A range of a sparse file that has data. */
export type SparseRange = readonly [offset: number, length: number];

export interface SparseFile {
  readonly ranges: readonly SparseRange[];
  readonly size: number;
}

/** The parts that an entry has beside its header. */
export interface EntryExtras {
  readonly pax: PaxRecords | undefined;
  /** Set for GNU's old format. */
  readonly sparse: SparseFile | undefined;
}

/** A number of a header: octal digits, or base 256 where the first bit is set. */
function numberAt(block: Buffer, at: number, length: number): number {
  const field = block.subarray(at, at + length);
  const first = field[0] ?? 0;
  let value = 0;
  if ((first & 0x80) !== 0) {
    if (first !== 0x80) throw invalidImage('a tar header has a negative size');
    for (const byte of field.subarray(1)) value = value * 256 + byte;
  } else {
    const [text = ''] = field.toString('latin1').replace(/^ +/, '').split(/[ \0]/);
    value = text === '' ? 0 : /^[0-7]+$/.test(text) ? Number.parseInt(text, 8) : Number.NaN;
  }
  if (!Number.isSafeInteger(value)) throw invalidImage('a tar header has a bad size');
  return value;
}

const padded = (size: number): number => Math.ceil(size / BLOCK) * BLOCK;

function writeChecksum(block: Buffer): void {
  block.fill(0x20, 148, 156);
  let sum = 0;
  for (const byte of block) sum += byte;
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
}

/** Types without data: hard link, symbolic link, devices, directory, FIFO. Old archives give them a size. */
const headerOnly = new Set('123456');

export class TarBlocks {
  /** The extras of each entry, in their order. */
  readonly extras: EntryExtras[] = [];
  #rest: Buffer = Buffer.alloc(0);
  /** Bytes of data that are still to come, with their padding. */
  #data = 0;
  #padding = 0;
  /** The bytes of an extended header that are still to come, and those that are there. */
  #metadata:
    | { readonly type: string; readonly size: number; parts: Buffer[]; left: number }
    | undefined;
  #global: PaxRecords | undefined;
  #pax: PaxRecords | undefined;
  /** A header that waits for the rest of its sparse map. */
  #sparse:
    | { readonly header: Buffer; readonly ranges: SparseRange[]; readonly size: number }
    | undefined;
  #zeros = 0;

  /** Returns whether the archive's end has been seen. */
  get ended(): boolean {
    return this.#zeros >= 2;
  }

  /** @returns what tar-stream is to read of it */
  push(chunk: Buffer): Buffer[] {
    const out: Buffer[] = [];
    let bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    while (!this.ended) {
      if (this.#data > 0) {
        if (bytes.length === 0) break;
        const part = bytes.subarray(0, this.#data);
        this.#takeData(part);
        out.push(part);
        bytes = bytes.subarray(part.length);
        continue;
      }
      if (bytes.length < BLOCK) break;
      const taken = this.#takeBlock(Buffer.from(bytes.subarray(0, BLOCK)));
      if (taken !== undefined) out.push(taken);
      bytes = bytes.subarray(BLOCK);
    }
    this.#rest = this.ended ? Buffer.alloc(0) : Buffer.from(bytes);
    return out;
  }

  /**
   * Some writers (`umoci insert`) leave out the padding of the last file, and what ends an archive.
   * @returns that padding
   * @throws ImageError ERR_IMAGE where the archive ends in the middle of something else
   */
  end(): Buffer {
    if (this.ended) return Buffer.alloc(0);
    if (this.#rest.length > 0 || this.#data > this.#padding || this.#sparse !== undefined) {
      throw invalidImage('its tar archive is truncated');
    }
    return Buffer.alloc(this.#data);
  }

  /** Data of so many bytes follow, and their padding. */
  #begin(size: number): void {
    this.#data = padded(size);
    this.#padding = this.#data - size;
  }

  /** Takes data, also that of extended headers, which is kept as well. */
  #takeData(part: Buffer): void {
    this.#data -= part.length;
    const metadata = this.#metadata;
    if (metadata === undefined) return;
    const own = part.subarray(0, metadata.left);
    metadata.parts.push(Buffer.from(own));
    metadata.left -= own.length;
    if (this.#data > 0) return;
    this.#metadata = undefined;
    const body = Buffer.concat(metadata.parts);
    if (metadata.type === 'g') this.#global = paxRecords(body);
    if (metadata.type === 'x') this.#pax = paxRecords(body, this.#global);
  }

  #takeBlock(block: Buffer): Buffer | undefined {
    if (this.#sparse !== undefined) return this.#takeSparseMap(block);
    if (block.every((byte) => byte === 0)) {
      this.#zeros += 1;
      return block;
    }
    this.#zeros = 0;
    return this.#takeHeader(block);
  }

  #takeHeader(block: Buffer): Buffer | undefined {
    const type = String.fromCharCode(block[156] ?? 0);
    const size = numberAt(block, 124, 12);
    if ('xgLKN'.includes(type)) {
      if (size > metadataLimit)
        throw beyondLimit('has a file with a name or header that is too long');
      if (size === 0) return undefined; // tar-stream would take the next entry's data for it
      this.#metadata = { type, size, parts: [], left: size };
      this.#begin(size);
      return block;
    }
    if (type === 'S') return this.#beginSparse(block, size);
    const pax = this.#pax;
    const claimed = pax?.values.get('size');
    if (headerOnly.has(type)) {
      // tar-stream would wait for its data.
      if (claimed !== undefined && !/^0*$/.test(claimed.toString('latin1'))) {
        throw invalidImage('a tar header of a link or directory has a size');
      }
      this.#emit(undefined);
      if (size === 0) return block;
      block.fill(0x30, 124, 135);
      block[135] = 0;
      writeChecksum(block);
      return block;
    }
    this.#begin(this.#sizeOf(size));
    this.#emit(undefined);
    return block;
  }

  #sizeOf(size: number): number {
    const claimed = this.#pax?.values.get('size');
    if (claimed === undefined || claimed.length === 0) return size;
    const value = Number(claimed.toString('latin1'));
    if (!/^\d+$/.test(claimed.toString('latin1')) || !Number.isSafeInteger(value)) {
      throw invalidImage('a tar header has a bad size');
    }
    return value;
  }

  #emit(sparse: SparseFile | undefined): void {
    this.extras.push({ pax: this.#pax, sparse });
    this.#pax = undefined;
  }

  /** GNU tar manual, "Old GNU Format": four ranges, then blocks of 21 while a byte says that more follow. */
  #beginSparse(block: Buffer, size: number): Buffer | undefined {
    const ranges: SparseRange[] = [];
    const total = numberAt(block, 483, 12);
    addRanges(block, 386, 4, ranges);
    const more = block[482] !== 0;
    block[156] = 0x30;
    block.fill(0, 345, BLOCK); // GNU's fields stand where others have a prefix
    writeChecksum(block);
    if (!more) {
      this.#begin(this.#sizeOf(size));
      this.#emit({ ranges, size: total });
      return block;
    }
    this.#sparse = { header: block, ranges, size: total };
    this.#sparseData = this.#sizeOf(size); // behind the map, which is read first
    return undefined;
  }

  #sparseData = 0;

  #takeSparseMap(block: Buffer): Buffer | undefined {
    const sparse = this.#sparse;
    if (sparse === undefined) return undefined;
    addRanges(block, 0, 21, sparse.ranges);
    if (sparse.ranges.length > sparseLimit) throw beyondLimit('has a file with too many holes');
    if (block[504] !== 0) return undefined;
    this.#sparse = undefined;
    this.#begin(this.#sparseData);
    this.#emit({ ranges: sparse.ranges, size: sparse.size });
    return sparse.header;
  }
}

function addRanges(block: Buffer, at: number, count: number, ranges: SparseRange[]): void {
  for (let i = 0; i < count; i++) {
    const start = at + i * 24;
    if (block[start] === 0) break;
    ranges.push([numberAt(block, start, 12), numberAt(block, start + 12, 12)]);
  }
}
