/** The option `tty`: a terminal of the program's own, for a caller that has pipes. */
import { misuse } from '../errors/index.js';
import type { TerminalSize } from '../options/index.js';
import { isRecord } from '../text/index.js';

/** A terminal of the program's own: `true` for 80 columns and 24 rows, or its size; `false` for none. */
export type Tty = boolean | TerminalSize;

const usualSize: TerminalSize = { rows: 24, columns: 80 };

const isCells = (value: unknown): boolean =>
  Number.isInteger(value) && (value as number) >= 1 && (value as number) <= 65_535;

const isSize = (value: unknown): value is TerminalSize =>
  isRecord(value) &&
  isCells(value.columns) &&
  isCells(value.rows) &&
  Object.keys(value).length === 2;

export const isTty = (value: unknown): value is Tty => typeof value === 'boolean' || isSize(value);

const sizeKind = '{ columns, rows }, each from 1 to 65535';

export const ttyKinds = `true, false or ${sizeKind}`;

/** The size of the terminal that the option asks for; undefined where it asks for none. */
export function terminalSizeOf(tty: unknown): TerminalSize | undefined {
  if (isSize(tty)) return { rows: tty.rows, columns: tty.columns };
  return tty === true ? usualSize : undefined;
}

/** @throws UsageError */
export function requireSize(size: unknown): TerminalSize {
  if (isSize(size)) return { rows: size.rows, columns: size.columns };
  throw misuse(`resize(size): expected ${sizeKind}`);
}
