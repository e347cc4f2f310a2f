/** The error of a policy that does not compile. Every program loads it, most of them without the policy core. */
import { type ErrorCode, WasboxError } from '../errors/index.js';
import { displayText } from '../text/index.js';
import { formatDiagnostic, type PolicyDiagnostic } from './format-diagnostic.js';

/** A syscall policy has errors, or another format does not hold one. */
export class PolicyError extends WasboxError {
  /** @internal */
  static override readonly kind: string = 'PolicyError';
  /** All errors and warnings, in the order of the source. */
  readonly diagnostics: readonly PolicyDiagnostic[];

  constructor(
    code: ErrorCode,
    diagnostics: readonly PolicyDiagnostic[],
    message?: string,
    hint?: string,
  ) {
    const errors = diagnostics.filter(({ severity }) => severity === 'error');
    const [first] = errors;
    const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : '';
    const at =
      first && displayText(`${first.file}:${first.line}:${first.column}: ${first.message}${more}`);
    super(code, message ?? at ?? 'the policy does not compile', { hint: hint ?? first?.hint });
    this.diagnostics = diagnostics;
  }

  /** Every diagnostic with its source line, a caret and what to do; safe for a terminal. */
  format(): string {
    return this.diagnostics.map(formatDiagnostic).join('\n');
  }
}
