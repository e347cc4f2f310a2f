/** What the command line uses of node:zlib. */
import { EngineBuffer } from '../buffer.js';
import { machine } from '../machine.js';

export const deflateSync = (bytes: Uint8Array): EngineBuffer =>
  new EngineBuffer(machine.deflate(bytes));
