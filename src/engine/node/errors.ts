/** Errors of calls as Node throws them: `code`, `errno`, `syscall`, `path`. */
import { machine } from '../machine.js';

const { errnos } = machine.system;
/** Returns whether a negative errno says that there is no such file. */
export const isAbsent = (got: number): boolean => -got === errnos.ENOENT;

interface CallError extends Error {
  code?: string;
  errno?: number;
  syscall?: string;
  path?: string;
}

/** @param got a negative errno */
export function errnoError(got: number, syscall: string, path?: { toString(): string }): Error {
  const { errorName, errorText } = machine.system;
  const text = path?.toString();
  // Node finds a NUL before it makes a call.
  const code =
    -got === errnos.EINVAL && text?.includes('\0') === true
      ? 'ERR_INVALID_ARG_VALUE'
      : errorName(-got);
  const message = `${code}: ${errorText(-got).toLowerCase()}, ${syscall}`;
  const error: CallError = new Error(text === undefined ? message : `${message} '${text}'`);
  error.code = code;
  error.errno = got;
  error.syscall = syscall;
  if (text !== undefined) error.path = text;
  return error;
}

/** Returns what a call returned. @throws where that is a negative errno */
export function checked(got: number, syscall: string, path?: { toString(): string }): number {
  if (got < 0) throw errnoError(got, syscall, path);
  return got;
}
