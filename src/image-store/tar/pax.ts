/** Extended headers of pax(1): `LENGTH KEY=VALUE\n`, as bytes, since names and attributes need not be text. */
import { invalidImage } from '../../image/index.js';

export interface PaxRecords {
  /** The last value of each key. */
  readonly values: ReadonlyMap<string, Buffer>;
  /** Offsets and lengths of GNU's sparse format 0.0, which repeats its keys. */
  readonly sparse: readonly [offset: number, length: number][];
}

const SPACE = 0x20;
const EQUALS = 0x3d;
const NEWLINE = 0x0a;

/** @throws ImageError ERR_IMAGE where a record has no end or no key */
export function paxRecords(body: Buffer, before?: PaxRecords): PaxRecords {
  const values = new Map(before?.values);
  const sparse: [number, number][] = [];
  let offset = 0;
  for (let at = 0; at < body.length; ) {
    const space = body.indexOf(SPACE, at);
    const digits = space < 0 || space - at > 10 ? '' : body.toString('latin1', at, space);
    const length = /^\d+$/.test(digits) ? Number(digits) : 0;
    const end = at + length;
    const equals = body.indexOf(EQUALS, space);
    if (end > body.length || equals < 0 || equals >= end || body[end - 1] !== NEWLINE) {
      // GNU tar pads with NULs.
      if (body.subarray(at).every((byte) => byte === 0)) break;
      throw invalidImage('an extended tar header is malformed');
    }
    const key = body.toString('utf8', space + 1, equals);
    const value = body.subarray(equals + 1, end - 1);
    if (key === 'GNU.sparse.offset') offset = decimal(value);
    else if (key === 'GNU.sparse.numbytes') sparse.push([offset, decimal(value)]);
    else values.set(key, value);
    at = end;
  }
  return { values, sparse };
}

/** @throws ImageError ERR_IMAGE where it is no whole number of at most 2^53 */
export function decimal(value: Buffer | string | undefined): number {
  const text = value?.toString('latin1') ?? '';
  const number = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(number)) throw invalidImage(`a tar header has a bad number`);
  return number;
}
