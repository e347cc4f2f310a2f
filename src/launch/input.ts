/** Feeds the payload what `run` gives it to read. */
import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import type { Writable } from 'node:stream';
import { misuse, UsageError } from '../errors/index.js';
import { isBytes } from '../text/index.js';
import { close, isIterable, quietly } from './hold-input.js';
import type { Input, InputPiece, StdioTarget } from './options.js';

/**
 * Writes the input, as fast as it is read.
 * @param failed called with what reading the input was rejected with
 * @returns ends it: nothing reads from `stdin` any more
 */
type Feed = (stdin: Writable, failed: (error: unknown) => void) => () => void;

export interface OpenInput {
  readonly target: StdioTarget;
  /** A file that was opened for it, to be closed once the payload has it. */
  readonly fd?: number;
  readonly feed?: Feed;
}

/** @throws UsageError where the file cannot be read */
export function openInput(input: Input | undefined): OpenInput {
  // Nothing to read costs less than a stream that ends at once.
  if (input === undefined || (isText(input) && input.length === 0)) return { target: 'ignore' };
  if (isText(input) || isIterable(input)) return { target: 'pipe', feed: feedOf(input) };
  const fd = openFile(input.file);
  return { target: fd, fd };
}

/** Gives it to a payload that has a pipe in any case; a file is read here. */
export function feedInput(
  input: Input | undefined,
  stdin: Writable,
  failed: (error: unknown) => void,
): () => void {
  if (input === undefined) return feedOf('')(stdin, failed);
  const feed = isText(input) || isIterable(input) ? feedOf(input) : feedOf(piecesOf(input.file));
  return feed(stdin, failed);
}

const isText = (input: unknown): input is InputPiece => typeof input === 'string' || isBytes(input);

const unreadable = (file: string, cause: unknown): UsageError =>
  new UsageError('ERR_OPTION_VALUE', `option input: cannot read ${file}`, { cause });

/** Opens it without waiting: a named pipe without a writer would block the whole program. */
function opened(file: string): number {
  const first = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  try {
    if (!fstatSync(first).isFIFO()) return openSync(`/proc/self/fd/${first}`, 'r');
  } finally {
    closeSync(first);
  }
  throw new UsageError('ERR_OPTION_VALUE', `option input: ${file} is a pipe`, {
    hint: 'Pass a stream that reads it: createReadStream(path), or process.stdin.',
  });
}

function openFile(file: string): number {
  try {
    return opened(file);
  } catch (error) {
    throw error instanceof UsageError ? error : unreadable(file, error);
  }
}

async function* piecesOf(file: string): AsyncGenerator<Uint8Array> {
  const { createReadStream } = process.getBuiltinModule('node:fs');
  const fd = openFile(file);
  try {
    yield* createReadStream(file, { fd });
  } catch (error) {
    throw unreadable(file, error);
  }
}

function feedOf(input: InputPiece | AsyncIterable<unknown>): Feed {
  if (!isText(input)) return (stdin, failed) => pump(input, stdin, failed);
  return (stdin) => {
    stdin.end(input);
    return () => stdin.destroy();
  };
}

/** Where pieces come from. */
interface Source {
  next(): Promise<IteratorResult<unknown>>;
  /** Called also while a piece is waited for. */
  close(): unknown;
}

function sourceOf(input: AsyncIterable<unknown>): Source {
  const { getReader } = input as { readonly getReader?: unknown };
  if (typeof getReader !== 'function') {
    const pieces = input[Symbol.asyncIterator]();
    return { next: () => pieces.next(), close: () => pieces.return?.() };
  }
  // The iterator of a web stream would be closed only after the next piece, which may never come.
  const reader = getReader.call(input);
  return { next: () => reader.read(), close: () => reader.cancel() };
}

function pump(
  input: AsyncIterable<unknown>,
  stdin: Writable,
  failed: (error: unknown) => void,
): () => void {
  let over = false;
  let source: Source | undefined;
  let wake = (): void => {};
  const stop = (): void => {
    stdin.destroy();
    if (over) return;
    over = true;
    wake();
    if (source !== undefined) quietly(source.close);
    close(input);
  };
  stdin.once('close', stop);
  const write = async (): Promise<void> => {
    source = sourceOf(input);
    while (!over) {
      const next = await source.next();
      if (over) return;
      if (next.done === true) break;
      if (!isText(next.value)) {
        throw misuse('option input: a piece must be a string or a Uint8Array');
      }
      if (stdin.write(next.value)) continue;
      await new Promise<void>((resolve) => {
        wake = resolve;
        stdin.once('drain', resolve);
      });
    }
    if (over) return;
    over = true;
    stdin.end();
  };
  write().catch((error: unknown) => {
    if (over) return; // closed while it was read
    stop();
    failed(error);
  });
  return stop;
}
