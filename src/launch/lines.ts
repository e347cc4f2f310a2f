/** A stream as lines. */
import type { Readable } from 'node:stream';
import { misuse, UsageError } from '../errors/index.js';

export interface LineOptions {
  /**
   * Characters of a line; a longer one comes in several pieces, so that no line of the payload's takes
   * all memory.
   * @default 1048576
   */
  readonly maxLength?: number | undefined;
}

export function linesOf(stream: Readable | null, options: LineOptions = {}): AsyncIterable<string> {
  if (typeof options !== 'object' || options === null) {
    throw misuse('stdoutLines(options): options must be an object');
  }
  const { maxLength = 1024 * 1024 } = options;
  if (stream === null) throw misuse("stdoutLines(): stdout is not a pipe: stdio[1] must be 'pipe'");
  if (!Number.isSafeInteger(maxLength) || maxLength < 1) {
    throw new UsageError('ERR_OPTION_VALUE', 'maxLength must be a whole number of at least 1');
  }
  return read(stream, maxLength);
}

async function* read(stream: Readable, maxLength: number): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of stream as AsyncIterable<Uint8Array>) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) yield* pieces(line, maxLength);
    while (rest.length > maxLength) {
      yield rest.slice(0, maxLength);
      rest = rest.slice(maxLength);
    }
  }
  rest += decoder.decode();
  if (rest !== '') yield* pieces(rest, maxLength);
}

function* pieces(line: string, maxLength: number): Generator<string> {
  if (line.length <= maxLength) yield line;
  else for (let at = 0; at < line.length; at += maxLength) yield line.slice(at, at + maxLength);
}
