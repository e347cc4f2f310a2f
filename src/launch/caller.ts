/**
 * Errors that name the caller's line: where a promise of the native part is waited for, V8 does not know
 * any more who asked.
 */
import { isWasboxError, speakAsLibrary } from '../errors/index.js';

/** Where a function of the library was called. */
export interface CallSite {
  readonly stack?: string;
}

/** @param inside the function of the library; what it calls is left out */
export function callSite(inside: (...given: never[]) => unknown): CallSite {
  speakAsLibrary();
  const site: CallSite = {};
  Error.captureStackTrace(site, inside);
  return site;
}

/** The error, with the lines of the call in place of the library's own. */
export function calledFrom(site: CallSite, error: unknown): unknown {
  const isOurs = isWasboxError(error) || error instanceof TypeError;
  if (!isOurs || typeof site.stack !== 'string') return error;
  const [, ...lines] = site.stack.split('\n');
  if (lines.length === 0) return error;
  error.stack = [`${error.name}: ${error.message}`, ...lines].join('\n');
  return error;
}
