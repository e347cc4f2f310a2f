/** Errors as plain data, so that one thread can throw an error of another. */
import { ChangesError, SupportError, UsageError, WasboxError } from '../../errors/index.js';

/** Names each property that a structured clone of an error would lose. */
export interface PlainError {
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  /** Properties of system errors, and of wasbox's own errors. */
  readonly facts: Readonly<Record<string, unknown>>;
  readonly cause: PlainError | undefined;
  /** Whether it is a WasboxError. */
  readonly own: boolean;
}

const factNames = ['code', 'errno', 'syscall', 'path', 'dest', 'hint'] as const;

export function toPlain(error: unknown): PlainError {
  const given = error instanceof Error ? error : new Error(String(error));
  const { name, message, stack, cause } = given;
  const facts = Object.fromEntries(
    factNames.flatMap((fact) => {
      const value = (given as unknown as Record<string, unknown>)[fact];
      return typeof value === 'string' || typeof value === 'number' ? [[fact, value]] : [];
    }),
  );
  const own = error instanceof WasboxError;
  return { name, message, stack, facts, cause: cause && toPlain(cause), own } as PlainError;
}

const classes = [ChangesError, SupportError, UsageError];

export function fromPlain(plain: PlainError): Error {
  const { name, message, stack, facts, own } = plain;
  const cause = plain.cause && fromPlain(plain.cause);
  if (own) {
    const { code, hint } = facts as { code: WasboxError['code']; hint?: string };
    const Class = classes.find(({ kind }) => kind === name) ?? WasboxError;
    return new Class(code, message, { hint, cause });
  }
  const error = new Error(message, cause && { cause });
  Object.defineProperty(error, 'name', { value: name, configurable: true, writable: true });
  Object.defineProperty(error, 'stack', { value: stack, configurable: true, writable: true });
  return Object.assign(error, facts);
}
