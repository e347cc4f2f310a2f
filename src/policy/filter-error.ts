/** The error of bytes that are no filter. */
import { layout } from '../core/index.js';
import { PolicyError } from './error.js';

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
