/** The entries of a tar archive, names as bytes, sparse files as they are told. */
import { extract } from 'tar-stream';
import { invalidImage } from '../../image/index.js';
import type { SparseFile, SparseRange } from './blocks.js';
import { TarBlocks } from './blocks.js';
import { decimal, type PaxRecords } from './pax.js';

export type TarType =
  | 'file'
  | 'directory'
  | 'symlink'
  | 'link'
  | 'character-device'
  | 'block-device'
  | 'fifo'
  | 'unknown';

export interface TarEntry {
  readonly name: Buffer;
  readonly type: TarType;
  /** Permissions and set-id bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Nanoseconds since the epoch. */
  readonly mtimeNs: bigint;
  /** Target of a link. */
  readonly target: Buffer;
  /** Name without `SCHILY.xattr.`, and value. */
  readonly xattrs: ReadonlyMap<string, Buffer>;
  /** Size of the file, holes included. */
  readonly size: number;
  /** Where its data belong; undefined: the whole file. */
  readonly sparse: readonly SparseRange[] | undefined;
  /** The data, holes left out. To be read to its end before the next entry. */
  readonly data: AsyncIterable<Buffer>;
}

const types: ReadonlySet<string> = new Set<TarType>([
  'file',
  'directory',
  'symlink',
  'link',
  'character-device',
  'block-device',
  'fifo',
]);

const xattrPrefix = 'SCHILY.xattr.';

function xattrsOf(pax: PaxRecords | undefined): Map<string, Buffer> {
  const found = new Map<string, Buffer>();
  for (const [key, value] of pax?.values ?? []) {
    if (key.startsWith(xattrPrefix)) found.set(key.slice(xattrPrefix.length), value);
  }
  return found;
}

/** `1700000000.123456789`, which no double holds. Undefined where there is none. */
export function timeNs(text: string | undefined): bigint | undefined {
  const match = /^(-?)(\d{1,18})(?:\.(\d*))?$/.exec(text ?? '');
  if (match === null) return undefined;
  const [, sign, seconds = '0', fraction = ''] = match;
  const ns = BigInt(seconds) * 1_000_000_000n + BigInt(fraction.slice(0, 9).padEnd(9, '0'));
  return sign === '-' ? -ns : ns;
}

/** The map of a file in one of GNU's formats for pax headers: 0.0, 0.1 (in the header), 1.0 (before the data). */
async function paxSparse(
  pax: PaxRecords,
  body: AsyncIterator<Buffer>,
): Promise<{ file: SparseFile; first: Buffer } | undefined> {
  const { values } = pax;
  const size = values.get('GNU.sparse.realsize') ?? values.get('GNU.sparse.size');
  if (size === undefined) return undefined;
  const map = values.get('GNU.sparse.map');
  const none = Buffer.alloc(0);
  if (map !== undefined) {
    const numbers =
      map.length === 0
        ? []
        : map
            .toString('latin1')
            .split(',')
            .map((one) => decimal(one));
    return { file: { ranges: pairs(numbers), size: decimal(size) }, first: none };
  }
  if (values.get('GNU.sparse.major')?.toString('latin1') !== '1') {
    return { file: { ranges: pax.sparse, size: decimal(size) }, first: none };
  }
  const { ranges, rest } = await mapBeforeData(body);
  return { file: { ranges, size: decimal(size) }, first: rest };
}

function pairs(numbers: readonly number[]): SparseRange[] {
  if (numbers.length % 2 !== 0) throw invalidImage('a sparse file has a malformed map');
  return Array.from(
    { length: numbers.length / 2 },
    (_, i): SparseRange => [numbers[2 * i] ?? 0, numbers[2 * i + 1] ?? 0],
  );
}

/** A count and that many offsets and lengths, a line each, padded to a block. */
async function mapBeforeData(
  body: AsyncIterator<Buffer>,
): Promise<{ ranges: SparseRange[]; rest: Buffer }> {
  let bytes: Buffer = Buffer.alloc(0);
  const numbers: number[] = [];
  let at = 0;
  for (;;) {
    for (let end = bytes.indexOf(0x0a, at); end >= 0; end = bytes.indexOf(0x0a, at)) {
      numbers.push(decimal(bytes.subarray(at, end)));
      at = end + 1;
      const [count = 0] = numbers;
      if (count > 1 << 18) throw invalidImage('a sparse file has too many holes');
      if (numbers.length === 1 + 2 * count) {
        const data = Math.ceil(at / 512) * 512;
        while (bytes.length < data) bytes = Buffer.concat([bytes, await next(body)]);
        return { ranges: pairs(numbers.slice(1)), rest: bytes.subarray(data) };
      }
    }
    if (bytes.length > 1 << 24) throw invalidImage('a sparse file has a malformed map');
    bytes = Buffer.concat([bytes, await next(body)]);
  }
}

async function next(body: AsyncIterator<Buffer>): Promise<Buffer> {
  const { done, value } = await body.next();
  if (done === true) throw invalidImage('a sparse file ends in its map');
  return value;
}

async function* dataOf(
  first: Buffer,
  body: AsyncIterator<Buffer>,
  explain: (error: unknown) => unknown,
): AsyncGenerator<Buffer> {
  if (first.length > 0) yield first;
  for (;;) {
    let next: IteratorResult<Buffer>;
    try {
      next = await body.next();
    } catch (error) {
      throw explain(error);
    }
    if (next.done === true) return;
    yield next.value;
  }
}

/** The library's types know none of these: names as bytes, and archives from before ustar. */
const options = { filenameEncoding: 'latin1', allowUnknownFormat: true };

/** Reads `source` to its end, also behind the archive's end. */
export async function* tarEntries(source: AsyncIterable<Buffer>): AsyncGenerator<TarEntry> {
  const blocks = new TarBlocks();
  const archive = extract(options as object);
  let failure: unknown;
  const explain = (error: unknown): unknown => failure ?? malformed(error);
  const feed = async (): Promise<void> => {
    for await (const chunk of source) {
      for (const part of blocks.push(chunk)) {
        if (archive.destroyed) return;
        if (!archive.write(part)) await drained(archive);
      }
    }
    const padding = blocks.end();
    if (padding.length > 0) archive.write(padding);
    archive.end(undefined);
  };
  const fed = feed().catch((error: unknown) => {
    failure = error;
    archive.destroy(error as Error);
  });
  try {
    for await (const entry of archive) {
      const extras = blocks.extras.shift();
      if (extras === undefined) throw invalidImage('its tar archive is malformed');
      const { header } = entry;
      const { pax } = extras;
      const body = (entry as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
      const sparse =
        extras.sparse === undefined
          ? pax === undefined
            ? undefined
            : await paxSparse(pax, body)
          : { file: extras.sparse, first: Buffer.alloc(0) };
      const type = header.type === 'contiguous-file' ? 'file' : (header.type as string | null);
      yield {
        name: nameOf(pax, header.name),
        type: type !== null && types.has(type) ? (type as TarType) : 'unknown',
        mode: (header.mode ?? 0) & 0o7777,
        uid: idOf(pax, 'uid', header.uid),
        gid: idOf(pax, 'gid', header.gid),
        mtimeNs: timeNs(pax?.values.get('mtime')?.toString('latin1')) ?? headerTime(header.mtime),
        target: pathOf(pax, 'linkpath', header.linkname ?? ''),
        xattrs: xattrsOf(pax),
        size: sparse?.file.size ?? header.size ?? 0,
        sparse: sparse?.file.ranges,
        data: dataOf(sparse?.first ?? Buffer.alloc(0), body, explain),
      };
    }
    await fed;
    if (failure !== undefined) throw failure;
  } catch (error) {
    throw explain(error);
  } finally {
    (archive.destroy as (error: null) => void).call(archive, null);
    await fed; // it closes what it reads
  }
}

/** Returns the error for what tar-stream found wrong; others' errors as they are. */
function malformed(error: unknown): unknown {
  if (!(error instanceof Error) || 'code' in error || error.constructor !== Error) return error;
  return invalidImage('its tar archive is malformed or truncated', { cause: error });
}

function headerTime(time: Date | undefined): bigint {
  const ms = time?.getTime() ?? 0;
  return Number.isFinite(ms) ? BigInt(Math.trunc(ms / 1000)) * 1_000_000_000n : 0n;
}

function idOf(pax: PaxRecords | undefined, key: string, header: number | undefined): number {
  const value = pax?.values.get(key);
  const id = value === undefined || value.length === 0 ? (header ?? 0) : decimal(value);
  return Number.isSafeInteger(id) && id >= 0 ? id : 0;
}

function pathOf(pax: PaxRecords | undefined, key: string, header: string): Buffer {
  const value = pax?.values.get(key);
  return value === undefined || value.length === 0 ? Buffer.from(header, 'latin1') : value;
}

function nameOf(pax: PaxRecords | undefined, header: string): Buffer {
  const sparse = pax?.values.get('GNU.sparse.name');
  return sparse ?? pathOf(pax, 'path', header);
}

/** A stream of tar-stream's, whose types a program that uses wasbox does not have. */
interface Draining {
  on(event: 'drain' | 'close', heard: () => void): unknown;
  removeListener(event: 'drain' | 'close', heard: () => void): unknown;
}

/** Waits until it takes more, or takes no more ever. */
export function drained(archive: Draining): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      archive.removeListener('drain', end);
      archive.removeListener('close', end);
      resolve();
    };
    archive.on('drain', end);
    archive.on('close', end);
  });
}
