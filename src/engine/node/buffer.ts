/** The part of node:buffer that the command line uses. */
import { EngineBuffer } from '../buffer.js';

export { EngineBuffer as Buffer };

export function isUtf8(bytes: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}
