/**
 * The errors that wasbox throws; each carries a stable `code` from
 * {@link errorCodes}, a message that says what and where, and a `hint` that says what to do.
 */

import { type ErrorCode, errorCodes } from './codes.js';
import { type Kinded, kindsOf, matchesKind } from './kind.js';

export { type ErrorCode, errorCodes } from './codes.js';
export {
  byInterface,
  type Interface,
  speakAs,
  speakAsLibrary,
  spokenInterface,
} from './interface.js';
export { errorMeanings } from './meanings.js';
export { meansNoLimit, noLimitInLibrary, orNoLimit } from './no-limit.js';

export interface WasboxErrorOptions {
  /** Advice on what the user can do about it, one or more full sentences or a command. */
  readonly hint?: string | undefined;
  readonly cause?: unknown;
}

/**
 * Base of every error that wasbox throws on purpose.
 *
 * `instanceof` also holds for errors of another copy of wasbox in the same process, for example of
 * `wasbox/policy` or of a bundle.
 */
export class WasboxError extends Error {
  /** @internal */
  static readonly kind: string = 'WasboxError';
  /** Stable code, see the error reference. */
  readonly code: ErrorCode;
  /** Advice on what to do about it; absent where there is nothing to do. */
  readonly hint: string | undefined;

  constructor(code: ErrorCode, message: string, options: WasboxErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    // The class's own name is not used, as bundlers shorten it.
    this.name = Object.hasOwn(new.target, 'kind') ? new.target.kind : new.target.name;
    this.code = code;
    this.hint = options.hint;
  }

  /** Exit status with which `wasbox run` reports this error: 125, 126 or 127. */
  get exitStatus(): 125 | 126 | 127 {
    return errorCodes[this.code].exit;
  }

  /** @internal */
  get [kindsOf](): readonly string[] {
    return kinds(this.constructor as unknown as Kinded);
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    // biome-ignore lint/complexity/noThisInStatic: the class that instanceof was asked about
    return matchesKind(this, value);
  }
}

/** The kinds of a class and of those that it extends. */
function kinds(one: Kinded): readonly string[] {
  const found: string[] = [];
  for (let at = one; typeof at.kind === 'string'; at = Object.getPrototypeOf(at) as Kinded) {
    if (Object.hasOwn(at, 'kind')) found.push(at.kind);
  }
  return found;
}

/** Returns whether a value is an error that wasbox threw on purpose, also another copy of it. */
export const isWasboxError = (value: unknown): value is WasboxError => value instanceof WasboxError;

/** The command line, or an options object, asks for something that cannot be. */
export class UsageError extends WasboxError {
  /** @internal */
  static override readonly kind: string = 'UsageError';
}

/** A call of the library that cannot be: an argument of another kind, or too many. */
export const misuse = (message: string): UsageError => new UsageError('ERR_USAGE', message);

/** This machine does not offer what the sandbox needs. */
export class SupportError extends WasboxError {
  /** @internal */
  static override readonly kind: string = 'SupportError';
}

/** Saved changes cannot be read, applied or discarded. */
export class ChangesError extends WasboxError {
  /** @internal */
  static override readonly kind: string = 'ChangesError';
}

/** An image cannot be pulled, read or stored. */
export class ImageError extends WasboxError {
  /** @internal */
  static override readonly kind: string = 'ImageError';
}

/** A step that failed. */
export interface FailedStep {
  /** The step, as in `wire.h`, for instance `mount-overlay`. */
  readonly step?: string | undefined;
  /** Symbolic errno of the step, for instance `EPERM`. */
  readonly errno?: string | undefined;
  /** The path that the step was about. */
  readonly path?: string | undefined;
}

export interface LaunchErrorOptions extends WasboxErrorOptions, FailedStep {}

/** A step of the set-up failed; nothing of the payload ran. */
export class LaunchError extends WasboxError {
  /** @internal */
  static override readonly kind: string = 'LaunchError';
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

export interface RunErrorOptions extends WasboxErrorOptions {
  readonly errno?: string | undefined;
  readonly runId?: string | undefined;
}

/** The payload ran, but wasbox cannot say how it ended. */
export class RunError extends WasboxError {
  /** @internal */
  static override readonly kind: string = 'RunError';
  /** Symbolic errno of the call that failed, for instance `EPERM`. */
  readonly errno: string | undefined;
  /** Id under which its changes are saved; absent if there are none. */
  readonly runId: string | undefined;

  constructor(code: ErrorCode, message: string, options: RunErrorOptions = {}) {
    super(code, message, options);
    this.errno = options.errno;
    this.runId = options.runId;
  }
}

export interface AbortErrorOptions<Result> extends WasboxErrorOptions {
  readonly result?: Result | undefined;
}

/**
 * An `AbortSignal` ended the run; its `name` is `AbortError`, as that of other libraries, and its
 * `cause` the signal's reason.
 */
export class AbortError<Result = unknown> extends WasboxError {
  /** @internal */
  static override readonly kind: string = 'AbortError';
  /**
   * How the run ended: output, report, changes and run ID up to the abort. Undefined if it was aborted
   * before it started.
   */
  readonly result: Result | undefined;

  constructor(message: string, options: AbortErrorOptions<Result> = {}) {
    super('ERR_ABORTED', message, options);
    this.result = options.result;
  }
}

/** Thrown in the engine of the native command where only Node can go on; nothing was started. */
export class LeaveToNode extends Error {}
