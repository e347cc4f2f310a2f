/** Errors of the process that owns a session, thrown again in the one that asked it. */
import { type ErrorCode, errorCodes, UsageError, WasboxError } from '../errors/index.js';

/** Tells what to do when a session has ended. */
export const endedHint = 'To list what it changed: wasbox runs';

export interface RemoteError {
  readonly code: string;
  readonly message: string;
  readonly hint?: string | undefined;
}

export const toRemote = ({ code, message, hint }: WasboxError): RemoteError => ({
  code,
  message,
  hint,
});

/** Makes the error of a remote one; for a code that this version does not know, the error that the session ended. */
export function fromRemote({ code, message, hint: given }: RemoteError): WasboxError {
  const known = Object.hasOwn(errorCodes, code) ? (code as ErrorCode) : 'ERR_SESSION_CLOSED';
  // The owner's own hint is for programs.
  const hint = known === 'ERR_SESSION_CLOSED' ? endedHint : given;
  if (errorCodes[known].area === 'usage') {
    return new UsageError(known as ConstructorParameters<typeof UsageError>[0], message, { hint });
  }
  return new WasboxError(known, message, { hint });
}
