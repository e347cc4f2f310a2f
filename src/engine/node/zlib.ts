/** The part of node:zlib that the command line uses. */
import { EngineBuffer } from '../buffer.js';
import { machine } from '../machine.js';

export const deflateSync = (bytes: Uint8Array): EngineBuffer =>
  new EngineBuffer(machine.deflate(bytes));

/** @param options how many bytes come out at most; more is a RangeError */
export const inflateRawSync = (
  bytes: Uint8Array,
  { maxOutputLength }: { readonly maxOutputLength: number },
): EngineBuffer => new EngineBuffer(machine.inflate(bytes, maxOutputLength));
