/** The error of a policy that does not compile. */

import { layout } from '../core/index.js';
import { type ErrorCode, WasboxError } from '../errors/index.js';
import { displayText } from '../text/index.js';
import { formatDiagnostic, type PolicyDiagnostic } from './diagnostics.js';

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

const INSTRUCTION_SIZE = 8;

/** The error for bytes that are not a filter, with the faulty instruction. */
export function filterError(bpf: Uint8Array, badInstruction: number): PolicyError {
  const count = bpf.length / INSTRUCTION_SIZE;
  const why =
    count === 0
      ? 'it is empty'
      : !Number.isInteger(count)
        ? `its size of ${bpf.length} bytes is not a multiple of ${INSTRUCTION_SIZE}`
        : count > layout.WB_MAX_INSTRUCTIONS
          ? `it has ${count} instructions; the limit is ${layout.WB_MAX_INSTRUCTIONS}`
          : `instruction ${badInstruction} is not valid in seccomp(2), or jumps outside the filter`;
  return new PolicyError(
    'ERR_POLICY_INVALID',
    [],
    `the kernel would reject this filter: ${why}`,
    'Use the raw output of `wasbox policy compile`, and pass its architecture with --arch.',
  );
}
