/** Errors as a user sees them: what and where, then what to do. */

import { systemProblem } from '../changes/index.js';
import { WasboxError } from '../errors/index.js';
import { displayText } from '../text/index.js';
import { err, style } from './terminal.js';

/** An error whose text is laid out by itself, as the diagnostics of a policy are. */
interface Formatted {
  format(): string;
}

const isFormatted = (error: unknown): error is Formatted =>
  typeof (error as Partial<Formatted> | null)?.format === 'function';

/** Escapes each line; the line breaks themselves are ours. */
const lines = (text: string): string => text.split('\n').map(displayText).join('\n');

const ofDescriptors: ReadonlySet<unknown> = new Set(['EMFILE', 'ENFILE']);

/** Returns whether an error, or what it comes from, is a lack of descriptors: that says itself what to do. */
function lacksDescriptors(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code, errno } = error as { readonly code?: unknown; readonly errno?: unknown };
  return ofDescriptors.has(code) || ofDescriptors.has(errno) || lacksDescriptors(error.cause);
}

/** Prints an error on stderr. Returns the exit status of `wasbox run` for it. */
export function printError(error: unknown, verbose: boolean): number {
  const prefix = style(2, 'red', 'wasbox:');
  if (lacksDescriptors(error)) {
    err(`${prefix} too many open files: wasbox needs about forty descriptors itself\n`);
    err('  Raise the limit: ulimit -n 1024\n');
    return 125;
  }
  if (error instanceof WasboxError) {
    const formatted = isFormatted(error) ? error.format() : '';
    if (formatted !== '') {
      err(`${prefix} the system call policy has errors\n${lines(formatted)}\n`);
      return error.exitStatus;
    }
    err(`${prefix} ${lines(error.message)}\n`);
    if (error.hint !== undefined) {
      err(`${lines(error.hint).replace(/^/gm, '  ')}\n`);
    }
    return error.exitStatus;
  }
  const text = error instanceof Error ? error.message : String(error);
  const problem = systemProblem(error);
  if (problem !== undefined) {
    const { path, syscall = 'a system call' } = error as NodeJS.ErrnoException;
    err(`${prefix} ${lines(path ?? `${syscall} failed`)}: ${problem}\n`);
    if (verbose) err(`${lines((error as Error).stack ?? text)}\n`);
    return 125;
  }
  err(`${prefix} internal error: ${lines(text)}\n`);
  if (verbose && error instanceof Error) err(`${lines(error.stack ?? '')}\n`);
  else err('  This is a bug in wasbox. Run it again with -v for details, and please report it.\n');
  return 125;
}
