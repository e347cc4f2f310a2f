/**
 * Offsets (in 32-bit words), codes and constants of the ABI.
 * Written by wasm-core/build.mjs from wasm-core/include/wasbox_core.h; do not edit.
 */
export const WB_ABI_VERSION = 5;
export const WB_MAX_SOURCE = 1048576;
export const WB_MAX_DIAGNOSTICS = 64;
export const WB_MAX_INSTRUCTIONS = 4096;
export const WB_DECIDED_BY_DEFAULT = 0xffffffff;
export const WB_DECIDED_BY_UNKNOWN = 0xfffffffe;
export const WB_DECIDED_BY_FOREIGN = 0xfffffffd;

export const requestWords = {
  name: 0,
  nameSize: 1,
  text: 2,
  textSize: 3,
  weights: 4,
  weightsSize: 5,
  targets: 6,
  kernel: 7,
  events: 8,
  eventCount: 9,
  size: 10,
} as const;

export const placeWords = {
  file: 0,
  start: 1,
  end: 2,
  size: 3,
} as const;

export const diagnosticWords = {
  code: 0,
  file: 1,
  start: 2,
  end: 3,
  hasRelated: 4,
  relatedFile: 5,
  relatedStart: 6,
  relatedEnd: 7,
  number: 8,
  detail: 9,
  detailSize: 10,
  suggestion: 11,
  suggestionSize: 12,
  size: 13,
} as const;

export const fileWords = {
  name: 0,
  nameSize: 1,
  text: 2,
  textSize: 3,
  size: 4,
} as const;

export const ruleInfoWords = {
  file: 0,
  start: 1,
  end: 2,
  action: 3,
  size: 4,
} as const;

export const resultWords = {
  ok: 0,
  diagnostics: 1,
  diagnosticCount: 2,
  files: 3,
  fileCount: 4,
  program: 5,
  programCount: 6,
  bigEndian: 7,
  origins: 8,
  rules: 9,
  ruleCount: 10,
  targets: 11,
  kernel: 12,
  defaultAction: 13,
  unknownAction: 14,
  meanMilli: 15,
  weightedMilli: 16,
  worst: 17,
  cacheable: 18,
  known: 19,
  witness: 20,
  decisions: 36,
  decisionCount: 37,
  widths: 38,
  widthCount: 39,
  foreignAction: 40,
  filteredMilli: 41,
  size: 42,
} as const;

export const widthInForceWords = {
  arch: 0,
  number: 1,
  argument: 2,
  narrow: 3,
  wide: 4,
  size: 5,
} as const;

export const eventWords = {
  arch: 0,
  nr: 1,
  args: 2,
  size: 14,
} as const;

export const decisionWords = {
  action: 0,
  rule: 1,
  executed: 2,
  path: 3,
  size: 4,
} as const;

export const differenceWords = {
  arch: 0,
  nrLow: 1,
  nrHigh: 2,
  args: 3,
  first: 15,
  second: 16,
  byArguments: 17,
  size: 18,
} as const;

export const comparisonWords = {
  first: 0,
  second: 1,
  differences: 2,
  differenceCount: 3,
  size: 4,
} as const;

export const runWords = {
  status: 0,
  action: 1,
  executed: 2,
  path: 3,
  badInstruction: 4,
  size: 5,
} as const;

export const insnWords = {
  kind: 0,
  usesX: 1,
  k: 2,
  yes: 3,
  no: 4,
  labelled: 5,
  size: 6,
} as const;

export const listingWords = {
  valid: 0,
  badInstruction: 1,
  insns: 2,
  insnCount: 3,
  size: 4,
} as const;

export const archEntryWords = {
  name: 0,
  nameSize: 1,
  audit: 2,
  nrBase: 3,
  bits: 4,
  bigEndian: 5,
  size: 6,
} as const;

export const nameWords = {
  name: 0,
  nameSize: 1,
  size: 2,
} as const;

export const argumentWords = {
  name: 0,
  nameSize: 1,
  alias: 2,
  aliasSize: 3,
  type: 4,
  bits: 5,
  constants: 6,
  selector: 7,
  commandBits: 8,
  commands: 9,
  commandCount: 10,
  size: 11,
} as const;

export const importRequestWords = {
  format: 0,
  text: 1,
  textSize: 2,
  targets: 3,
  caps: 4,
  size: 6,
} as const;

export const conversionNoteWords = {
  kind: 0,
  start: 1,
  end: 2,
  detail: 3,
  detailSize: 4,
  hasOther: 5,
  otherStart: 6,
  otherEnd: 7,
  size: 8,
} as const;

export const convertedWords = {
  ok: 0,
  text: 1,
  textSize: 2,
  notes: 3,
  noteCount: 4,
  size: 5,
} as const;

export const codeNames = [
  'ok',
  'e_character',
  'e_utf8',
  'e_string',
  'e_number',
  'e_expected',
  'e_statement',
  'e_or',
  'e_deep',
  'e_too_large',
  'e_include',
  'e_include_cycle',
  'e_include_depth',
  'e_duplicate',
  'e_action',
  'e_action_value',
  'e_foreign',
  'e_errno_range',
  'e_trace_range',
  'e_arch',
  'e_endian',
  'e_kernel',
  'e_syscall',
  'e_group',
  'e_group_duplicate',
  'e_no_calls',
  'e_argument',
  'e_argument_index',
  'e_pointer',
  'e_constant',
  'e_width',
  'e_range',
  'e_program_size',
  'e_rule_cost',
  'e_complex',
  'e_internal',
  'w_shadowed',
  'w_empty',
  'w_no_target',
  'w_never',
  'w_always',
  'w_pointer',
  'w_notify',
  'w_sibling',
  'w_io_uring',
  'w_clone3',
  'w_ptrace',
  'w_action_kernel',
  'w_multiplexer',
  'w_x32',
  'w_wide',
  'w_unenforceable',
] as const;

export const expectedNames = [
  'statement_end',
  'arch',
  'version',
  'action',
  'file',
  'group',
  'name',
  'argument',
  'comparison',
  'value',
  'close_paren',
  'close_bracket',
  'type',
  'equals',
  'kernel',
] as const;

export const limitNames = [
  'source',
  'rules',
  'expansion',
  'includes',
] as const;

export const actionNames = [
  'kill_process',
  'kill_thread',
  'trap',
  'errno',
  'notify',
  'trace',
  'log',
  'allow',
] as const;

export const runStatusNames = [
  'returned',
  'invalid',
] as const;

export const insnKindNames = [
  'invalid',
  'load',
  'load_imm',
  'loadx_imm',
  'load_len',
  'loadx_len',
  'load_mem',
  'loadx_mem',
  'store',
  'storex',
  'tax',
  'txa',
  'add',
  'sub',
  'mul',
  'div',
  'and',
  'or',
  'xor',
  'lsh',
  'rsh',
  'neg',
  'jump',
  'jeq',
  'jgt',
  'jge',
  'jset',
  'return',
  'return_a',
] as const;

export const argumentTypeNames = [
  'int',
  'uint',
  'long',
  'ulong',
  's64',
  'u64',
  'pointer',
] as const;

export const noteKindNames = [
  'json',
  'shape',
  'action',
  'errno',
  'operator',
  'index',
  'value',
  'architecture',
  'inexpressible',
  'overlap',
  'unknown_call',
  'unknown_arch',
  'like_default',
  'never',
  'split',
  'unknown_default',
] as const;

export const formatNames = [
  'oci',
] as const;

export const archNames = [
  'x86_64',
  'i386',
  'x32',
  'aarch64',
  'arm',
  'riscv64',
  'ppc64le',
  's390x',
  'mips64el',
  'loongarch64',
] as const;
