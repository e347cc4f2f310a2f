/** Tables on a terminal or in a pipe: a header, columns as wide as their longest entry, the last one free. */
import { homeOfUser } from '../changes/index.js';
import { isWithin } from '../host/index.js';
import { displayText } from '../text/index.js';

/** @param rows as many cells as the header; texts from outside are escaped here */
export function columns(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const shown = [header, ...rows.map((row) => row.map(displayText))];
  const widths = header.map((_, i) => Math.max(...shown.map((row) => (row[i] ?? '').length)));
  const line = (row: readonly string[]): string =>
    row.map((cell, i) => (i === row.length - 1 ? cell : cell.padEnd(widths[i] ?? 0))).join('  ');
  return shown.map((row) => `${line(row)}\n`).join('');
}

/** A path with the home directory as `~`. */
export function homePath(path: string): string {
  const home = homeOfUser();
  return home !== undefined && home !== '/' && isWithin(path, home)
    ? `~${path.slice(home.length)}`
    : path;
}

/** A size in few characters, rounded: `0`, `512`, `1.2K`, `34M`. */
export function shortSize(bytes: number): string {
  let [value, unit] = [bytes, ''];
  for (const next of 'KMGT') {
    if (value < 1024) break;
    [value, unit] = [value / 1024, next];
  }
  return `${unit === '' || value >= 10 ? Math.round(value) : value.toFixed(1)}${unit}`;
}
