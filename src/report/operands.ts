/** Writes paths of changes as words of a command to copy. */
import { shellQuote } from '../options/index.js';

/** More paths than these are no line to copy. */
const most = 5;

/** A path of the home: a shell expands a ~ only without quotes, and `apply` understands both. */
export const homeOperand = (path: string): string =>
  /^~\/[\w./+@%:-]+$/.test(path) ? path : shellQuote(path);

/** @param path as it is displayed; the run may have chosen it */
export function pathOperand(path: string): string {
  if (path.startsWith('~/')) return homeOperand(path);
  return shellQuote(path.startsWith('-') ? `./${path}` : path);
}

/** Returns the words, with blanks between them; undefined where there are too many for a line. */
export function pathOperands(paths: Iterable<string>): string | undefined {
  const all = [...new Set(paths)];
  return all.length === 0 || all.length > most ? undefined : all.map(pathOperand).join(' ');
}
