/** Structures of records.h, read by their generated layouts. Whatever lies outside of the bytes is a RangeError. */
import type { Layout } from '../../plan/index.js';

export type Fields<L extends Layout> = {
  readonly [Field in keyof L]: L[Field]['type'] extends 'uint64' ? bigint : number;
};

function readField(view: DataView, at: number, type: Layout[string]['type']): number | bigint {
  switch (type) {
    case 'uint32':
      return view.getUint32(at, true);
    case 'int32':
      return view.getInt32(at, true);
    case 'uint64':
      return view.getBigUint64(at, true);
  }
}

/** The fields of the structure at an offset of the bytes. */
export function readStruct<L extends Layout>(bytes: Uint8Array, layout: L, at = 0): Fields<L> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const fields: Record<string, number | bigint> = {};
  // Object.entries() is not used, as it makes lists: each run of a program reads this at its end.
  for (const name in layout) {
    const { offset, type } = layout[name] as Layout[string];
    fields[name] = readField(view, at + offset, type);
  }
  return fields as Fields<L>;
}

/** A part of the bytes, not copied. @throws RangeError where it does not lie inside */
export function part(bytes: Uint8Array, offset: number, size: number): Uint8Array {
  if (offset + size > bytes.length)
    throw new RangeError(`a record refers to ${size} bytes at ${offset} of ${bytes.length}`);
  return bytes.subarray(offset, offset + size);
}

export interface Row<L extends Layout> {
  readonly fields: Fields<L>;
  /** The bytes that follow the structure in its row. */
  readonly rest: Uint8Array;
}

/** The rows of a table, each a structure of `size` bytes and `extra` bytes behind it. */
export function readRows<L extends Layout>(
  table: Uint8Array,
  layout: L,
  size: number,
  extra = 0,
): Row<L>[] {
  const stride = size + extra;
  return Array.from({ length: table.length / stride }, (_, i) => ({
    fields: readStruct(table, layout, i * stride),
    rest: part(table, i * stride + size, extra),
  }));
}
