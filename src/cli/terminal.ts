/**
 * Output by write(2). Node's streams on 0, 1 and 2 are never opened: libuv would make a
 * pipe that the payload shares non-blocking.
 */
import { writeSync } from 'node:fs';
import { SupportError } from '../errors/index.js';

const pauseCell = new Int32Array(new SharedArrayBuffer(4));

/** Returns whether a write that failed is to be tried again. @throws SupportError where there is no room for it */
export function isToBeRepeated(fd: number, error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'EAGAIN') return true; // another process made it non-blocking, and it is full
  if (fd === 2 || code === 'EPIPE' || code === 'EBADF' || code === 'EIO') return false;
  const where = fd === 1 ? 'stdout' : 'the report file or descriptor';
  throw new SupportError('ERR_OUTPUT', `output is incomplete: can't write to ${where} (${code})`, {
    hint: 'Free some space, or write elsewhere.',
    cause: error,
  });
}

/** Milliseconds until a write is repeated. */
export const repeatMs = 5;

/**
 * Writes all of a text, or of bytes. A reader that is gone is not an error; nor is anything else on stderr,
 * where it would be told.
 * @throws SupportError where there is no room for it
 */
export function write(fd: number, text: string | Uint8Array): void {
  let bytes = typeof text === 'string' ? Buffer.from(text) : text;
  while (bytes.length > 0) {
    try {
      bytes = bytes.subarray(writeSync(fd, bytes));
    } catch (error) {
      if (!isToBeRepeated(fd, error)) return;
      Atomics.wait(pauseCell, 0, 0, repeatMs);
    }
  }
}

export const out = (text: string): void => write(1, text);
export const err = (text: string): void => write(2, text);

/** Loads node:tty where it is called: that brings node:net along, and most runs have nothing to say. */
export const isTerminal = (fd: number): boolean => process.getBuiltinModule('node:tty').isatty(fd);

/** Returns whether a user can be asked: questions go to stderr, and answers come from stdin. */
export const canAsk = (): boolean => isTerminal(0) && isTerminal(2);

/** Returns whether a descriptor gets colours: a terminal, unless NO_COLOR or FORCE_COLOR decide. */
export function hasColor(fd: number, env: NodeJS.ProcessEnv = process.env): boolean {
  const { NO_COLOR, FORCE_COLOR, TERM } = env;
  if (FORCE_COLOR !== undefined && FORCE_COLOR !== '') return FORCE_COLOR !== '0';
  if (NO_COLOR !== undefined && NO_COLOR !== '') return false;
  return TERM !== 'dumb' && isTerminal(fd);
}

export type Style = 'bold' | 'red' | 'yellow' | 'green' | 'dim';

const codes: Readonly<Record<Style, readonly [number, number]>> = {
  bold: [1, 22],
  red: [31, 39],
  yellow: [33, 39],
  green: [32, 39],
  dim: [2, 22],
};

/** Styles a text for a descriptor; the text itself must be safe already. */
export function style(fd: number, name: Style, text: string): string {
  if (!hasColor(fd)) return text;
  const [on, off] = codes[name];
  return `\u001b[${on}m${text}\u001b[${off}m`;
}
