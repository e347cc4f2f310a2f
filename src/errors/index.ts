/**
 * The errors that wasbox throws; each carries a stable `code` from
 * {@link errorCodes}, a message that says what and where, and a `hint` that says what to do.
 */
import { type ErrorCode, errorCodes } from './codes.js';

export { type ErrorCode, type ErrorCodeEntry, errorCodes } from './codes.js';

export interface WasboxErrorOptions {
  /** What the user can do about it, one or more full sentences or a command. */
  readonly hint?: string | undefined;
  readonly cause?: unknown;
}

/** Base of every error that wasbox throws on purpose. */
export class WasboxError extends Error {
  /** Stable code, see the error reference. */
  readonly code: ErrorCode;
  /** What to do about it; absent where there is nothing to do. */
  readonly hint: string | undefined;

  constructor(code: ErrorCode, message: string, options: WasboxErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.hint = options.hint;
  }

  /** Exit status with which `wasbox run` reports this error: 125, 126 or 127. */
  get exitStatus(): 125 | 126 | 127 {
    return errorCodes[this.code].exit;
  }
}

/** The command line, or an options object, asks for something that cannot be. */
export class UsageError extends WasboxError {}

/** This machine does not offer what the sandbox needs. */
export class SupportError extends WasboxError {}

/** Saved changes cannot be read, applied or discarded. */
export class ChangesError extends WasboxError {}

export interface LaunchErrorOptions extends WasboxErrorOptions {
  readonly step?: string | undefined;
  readonly errno?: string | undefined;
  readonly path?: string | undefined;
}

/** A step of the set-up failed; nothing of the payload ran. */
export class LaunchError extends WasboxError {
  /** The step that failed, as in `wire.h`, for instance `mount-overlay`. */
  readonly step: string | undefined;
  /** Symbolic errno of the step, for instance `EPERM`. */
  readonly errno: string | undefined;
  /** The path that the step was about. */
  readonly path: string | undefined;

  constructor(code: ErrorCode, message: string, options: LaunchErrorOptions = {}) {
    super(code, message, options);
    this.step = options.step;
    this.errno = options.errno;
    this.path = options.path;
  }
}

/** Thrown in the engine of the native command where only Node can go on; nothing was started. */
export class LeaveToNode extends Error {}
