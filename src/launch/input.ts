/** What `run` gives its payload to read. */
import { openSync } from 'node:fs';
import type { Writable } from 'node:stream';
import { UsageError } from '../errors/index.js';
import { isBytes } from '../text/index.js';
import { isIterable } from './call.js';
import type { Input, InputPiece, StdioTarget } from './options.js';

export interface OpenInput {
  readonly target: StdioTarget;
  /** A file that was opened for it, to be closed once the payload has it. */
  readonly fd?: number;
  /**
   * Writes it, as fast as it is read.
   * @param failed called with what reading the input was rejected with
   * @returns stops it
   */
  readonly feed?: (stdin: Writable, failed: (error: unknown) => void) => () => void;
}

/** @throws UsageError where the file cannot be read */
export function openInput(input: Input | undefined): OpenInput {
  // Nothing to read costs less than a stream that ends at once.
  if (input === undefined || (isText(input) && input.length === 0)) return { target: 'ignore' };
  if (isText(input)) {
    return {
      target: 'pipe',
      feed: (stdin) => {
        stdin.end(input);
        return () => {};
      },
    };
  }
  if (!isIterable(input)) return openFile(input.file);
  return { target: 'pipe', feed: (stdin, failed) => pump(input, stdin, failed) };
}

const isText = (input: unknown): input is InputPiece => typeof input === 'string' || isBytes(input);

function openFile(file: string): OpenInput {
  try {
    const fd = openSync(file, 'r');
    return { target: fd, fd };
  } catch (error) {
    throw new UsageError('ERR_OPTION_VALUE', `option input: cannot read ${file}`, { cause: error });
  }
}

function pump(
  input: AsyncIterable<unknown>,
  stdin: Writable,
  failed: (error: unknown) => void,
): () => void {
  let stopped = false;
  let wake = (): void => {};
  const stop = (): void => {
    if (stopped) return;
    stopped = true;
    wake();
    const { destroy } = input as { readonly destroy?: unknown };
    // Its iterator would answer only after the next piece, which may never come.
    if (typeof destroy === 'function') destroy.call(input);
  };
  stdin.once('close', stop);
  const write = async (): Promise<void> => {
    const pieces = input[Symbol.asyncIterator]();
    try {
      while (!stopped) {
        const next = await pieces.next();
        if (next.done === true) break;
        if (!isText(next.value)) {
          throw new TypeError('option input: a piece must be a string or a Uint8Array');
        }
        if (stopped) break;
        if (stdin.write(next.value)) continue;
        await new Promise<void>((resolve) => {
          wake = resolve;
          stdin.once('drain', resolve);
        });
      }
      if (stopped) await pieces.return?.();
    } catch (error) {
      const late = stopped; // destroyed while it was read
      if (!late) await pieces.return?.();
      if (!late) throw error;
    }
    stdin.end();
  };
  write().catch(failed);
  return stop;
}
