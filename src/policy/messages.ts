/** Messages for the core's codes: `message` says what is wrong, `hint` what to do. */
import type { CoreDiagnostic } from '../core/index.js';
import { architectures, argumentsOf, callNumber, layout } from '../core/index.js';

/** Facts that a message can mention. */
export interface Facts {
  /** The source text that the diagnostic points at. */
  readonly text: string;
  readonly number: number;
  readonly detail: string;
  /** Where the related place is, as `line 3` or `base.policy:3`. */
  readonly related: string;
}

interface Words {
  readonly message: (facts: Facts) => string;
  readonly hint?: (facts: Facts) => string | undefined;
}

type Code = (typeof layout.codeNames)[number];
type Expected = (typeof layout.expectedNames)[number];

const quoted = (text: string) => (text.length > 40 ? `\`${text.slice(0, 40)}…\`` : `\`${text}\``);

const expectations: Record<Expected, string> = {
  statement_end: 'the end of the rule',
  arch: 'an architecture',
  version: 'a kernel version such as 5.10, not below 3.5',
  action: 'an action such as allow, deny or errno(ENOSYS)',
  file: 'a file name in double quotes',
  group: 'a group name such as @mine',
  name: 'a system call or a @group',
  argument: 'the name of an argument',
  comparison: 'a comparison such as ==, in or & MASK',
  value: 'a number or a constant',
  close_paren: 'a closing `)`',
  close_bracket: 'a closing `]`',
  type: 'a type: s32, u32, s64 or u64',
  equals: '`=`',
  kernel: '`kernel`',
};

const expectationHints: Partial<Record<Expected, string>> = {
  statement_end: 'A rule has the form: ACTION CALL… where ARGUMENT COMPARISON and …',
  name: 'A line that continues a rule is indented deeper than its first line.',
  comparison: 'For example: where domain in [AF_UNIX, AF_INET], or where flags & CLONE_NEWUSER.',
};

/** Names of a call's arguments, from the first architecture that has it. */
function argumentHint(call: string): string {
  for (const { index } of architectures()) {
    const number = callNumber(index, call);
    if (number === undefined) continue;
    const names = argumentsOf(index, number).map(({ name }) => name);
    return names.length === 0
      ? 'It takes no arguments.'
      : `It has ${names.join(', ')}; they are also called arg0 to arg${names.length - 1}.`;
  }
  return 'Arguments are also called arg0 to arg5.';
}

const limits = [
  'a file is longer than 1 MiB',
  'too many rules, names or conditions',
  'the rules expand to too many calls',
  'too many includes',
];

export const version = (number: number) => `${number >> 8}.${number & 255}`;

export const words: Record<Code, Words> = {
  ok: { message: () => 'no error' },
  e_character: { message: ({ text }) => `unexpected character ${quoted(text)}` },
  e_utf8: { message: () => 'invalid UTF-8' },
  e_string: { message: () => 'the string does not end on its line' },
  e_number: { message: ({ text }) => `${quoted(text)} is not a number of at most 64 bits` },
  e_expected: {
    message: ({ number }) =>
      `expected ${expectations[layout.expectedNames[number] ?? 'statement_end']}`,
    hint: ({ number }) => expectationHints[layout.expectedNames[number] ?? 'statement_end'],
  },
  e_statement: {
    message: ({ text }) => `a statement cannot start with ${quoted(text)}`,
    hint: () =>
      'A line starts with target, kernel, default, unknown, foreign, include, group or an action such as allow.',
  },
  e_or: {
    message: () => 'conditions cannot be joined by `or`',
    hint: () => 'Write a second rule, or list values: where x in [A, B].',
  },
  e_deep: { message: () => 'the expression is nested too deeply' },
  e_too_large: { message: ({ number }) => `the policy is too large: ${limits[number] ?? ''}` },
  e_include: {
    message: ({ text }) => `included file ${text} not found`,
    hint: () => 'Names are relative to the policy; "default" is the built-in policy.',
  },
  e_include_cycle: { message: ({ text }) => `${text} includes itself` },
  e_include_depth: { message: () => 'includes are nested too deeply, or there are too many' },
  e_duplicate: { message: ({ related }) => `already set at ${related}` },
  e_action: {
    message: ({ text }) => `unknown action ${quoted(text)}`,
    hint: () =>
      'Actions are allow, log, notify, trace(N), errno(N), deny, trap, kill_thread and kill.',
  },
  e_action_value: {
    message: ({ text, number }) =>
      number === 1 ? `${quoted(text)} needs a value` : `${quoted(text)} takes no value`,
    hint: ({ number }) => (number === 1 ? 'For example errno(EPERM) or trace(1).' : undefined),
  },
  e_foreign: {
    message: () => 'a foreign architecture can only be refused',
    hint: () => 'Use kill, kill_thread, trap or errno(N).',
  },
  e_errno_range: { message: () => 'an errno is at most 4095' },
  e_trace_range: { message: () => 'the value of trace has 16 bits, so it is at most 65535' },
  e_arch: { message: ({ text }) => `unknown architecture ${quoted(text)}` },
  e_endian: {
    message: () => 'the targets have different byte orders, so no filter fits all of them',
    hint: () => 'Compile for s390x by itself.',
  },
  e_kernel: {
    message: ({ number }) => `the policy needs a newer kernel than ${version(number)}`,
  },
  e_syscall: { message: ({ text }) => `unknown system call ${quoted(text)}` },
  e_group: { message: ({ text }) => `unknown group ${quoted(text)}` },
  e_group_duplicate: { message: ({ text, related }) => `${text} is already defined at ${related}` },
  e_no_calls: { message: () => 'the rule has no system call' },
  e_argument: {
    message: ({ text, detail }) => `${detail} has no argument ${quoted(text)}`,
    hint: ({ detail }) => argumentHint(detail),
  },
  e_argument_index: {
    message: ({ number, detail }) => `${detail} has ${number} argument${number === 1 ? '' : 's'}`,
  },
  e_pointer: {
    message: ({ detail }) => `this argument of ${detail} is in memory, which a filter cannot read`,
    hint: ({ detail }) =>
      detail === 'clone3'
        ? 'Use `deny(ENOSYS) clone3`: libc then uses clone, whose flags a filter can check.'
        : undefined,
  },
  e_constant: { message: ({ text, detail }) => `unknown constant ${quoted(text)} on ${detail}` },
  e_width: {
    message: ({ text, number }) =>
      `${quoted(text)} does not fit: the kernel reads ${number} bits of this argument`,
  },
  e_range: { message: () => 'the range ends before it starts' },
  e_program_size: {
    message: ({ number }) => `the filter has ${number} instructions; the kernel allows 4096`,
    hint: () => 'Ranges, masks and lists in one rule cost less than many rules.',
  },
  e_rule_cost: { message: ({ number }) => `this rule alone takes ${number} instructions` },
  e_complex: {
    message: () => 'the conditions are too complex to compile and verify',
    hint: () => 'Use fewer different masks and arguments for the same call.',
  },
  e_internal: {
    message: () => 'the compiled filter does not match the policy, so it is not used',
    hint: () => 'This is a bug in wasbox; please report it with the policy.',
  },
  w_shadowed: { message: ({ related }) => `never matches: decided by the rule at ${related}` },
  w_empty: {
    message: () => 'the policy has no rules, so every call gets the default',
    hint: () => 'Without a `default`, that is errno(EPERM), so no program can run.',
  },
  w_no_target: { message: ({ text }) => `no target has the call ${text}` },
  w_never: { message: () => 'this condition never holds' },
  w_always: { message: () => 'this condition always holds' },
  w_pointer: {
    message: () => 'this compares an address, not what it points to',
    hint: () => 'The memory can change after the check, so compare only with NULL.',
  },
  w_notify: {
    message: () => 'a notification alone is not a security boundary',
    hint: () =>
      'The memory that a call points to can change after the answer (seccomp_unotify(2)).',
  },
  w_sibling: {
    message: ({ detail }) => `refused here, but ${detail} does the same and is allowed`,
  },
  w_io_uring: {
    message: () => 'io_uring makes calls that the filter never sees',
    hint: () => 'Refuse io_uring_setup, io_uring_enter and io_uring_register.',
  },
  w_clone3: {
    message: () => 'clone3 can create the namespaces that the rule on clone refuses',
    hint: () => 'Use `deny(ENOSYS) clone3`: libc then uses clone.',
  },
  w_ptrace: {
    message: () => 'before Linux 4.8, ptrace can change a call after the filter has checked it',
    hint: () => 'Refuse ptrace, or state `kernel >= 4.8`.',
  },
  w_action_kernel: { message: ({ number }) => `this action needs Linux ${version(number)}` },
  w_multiplexer: {
    message: ({ detail }) =>
      `${detail.startsWith('shm') ? 'ipc' : 'socketcall'} hides ${detail} from the filter: its arguments are in memory`,
    hint: () =>
      'Refuse socketcall and ipc: since Linux 4.3 (5.1 for ipc), libc makes the calls directly.',
  },
  w_x32: {
    message: () => 'x32 is a second way to make every call, and hardly any program needs it',
    hint: () => 'Without x32 among the targets, its calls are killed.',
  },
  w_wide: {
    message: ({ detail }) =>
      `this compares all 64 bits of ${detail}: setting its upper bits evades the rule`,
    hint: () =>
      'Where the kernel reads fewer bits, a caller can set the others. Name the command, or compare `as u32`.',
  },
  w_unenforceable: {
    message: ({ detail }) => `recent kernels run ${detail} regardless of the filter`,
  },
};

/** The public form of a code: the core's name without its prefix, with dashes. */
export const publicCode = (code: Code) => code.replace(/^[ew]_/, '').replaceAll('_', '-');

export const isWarning = (diagnostic: CoreDiagnostic) =>
  layout.codeNames[diagnostic.code]?.startsWith('w_') ?? false;
