/** `wasbox policy simulate`: what becomes of one system call, and why. */
import { UsageError } from '../../errors/index.js';
import { suggest } from '../../options/index.js';
import {
  builtinNames,
  type Decision,
  listGroups,
  type SimulatedCall,
  simulate,
  simulateFilter,
} from '../../policy/index.js';
import { out } from '../terminal.js';
import { flag, parseVerb } from '../verb.js';
import { firstArch, isFilter, ofFilter, policyOptions, readInput, readPolicy } from './input.js';
import { hexText, printDiagnostics, printJson, safeLines } from './output.js';

const reasons: Readonly<Record<Decision['decidedBy'], string>> = {
  rule: 'by the rule',
  default: 'by default: no rule matches',
  unknown: 'by unknown: the call is newer than the tables of wasbox',
  foreign: 'because the policy does not target this architecture',
  program: 'by the filter',
};

function show(decision: Decision): string {
  const { name, number, arch, args, actionText, decidedBy, rule, path, enforceable } = decision;
  const shown = args.map((value) => (value < 1024n ? String(value) : hexText(value)));
  const lines = [
    `${name ?? 'call'} (${number} on ${arch}) (${shown.join(', ')}): ${actionText}`,
    rule === undefined
      ? `  ${reasons[decidedBy]}`
      : `  ${reasons[decidedBy]} ${rule.file}:${rule.line}: ${rule.text}`,
    `  ${path.length} instructions: ${path.join(' ')}`,
  ];
  if (!enforceable) lines.push('  not enforceable: recent kernels run it regardless of the filter');
  return `${safeLines(lines.join('\n'))}\n`;
}

const toJson = (decision: Decision): object => ({
  ...decision,
  args: decision.args.map(hexText),
});

function readCall(operands: readonly string[]): SimulatedCall {
  const [name, ...args] = operands;
  if (name === undefined) {
    throw new UsageError('ERR_NO_OPERAND', 'missing the system call', {
      hint: 'For example: wasbox policy simulate default socket AF_INET SOCK_STREAM',
    });
  }
  if (/^(0x[\da-f]+|\d+)$/i.test(name)) return { call: Number(name), args };
  const known = listGroups().get('known') ?? [];
  if (known.includes(name)) return { call: name, args };
  const near = suggest(name, known);
  throw new UsageError('ERR_OPTION_VALUE', `unknown system call "${name}"`, {
    hint: near === undefined ? 'You can also use its number.' : `Did you mean: ${near}`,
  });
}

function decide(file: string | undefined, call: SimulatedCall, values: Record<string, unknown>) {
  const arch = firstArch(values);
  if (file !== undefined && file !== '-' && !builtinNames().includes(file)) {
    const bytes = readInput(file);
    if (isFilter(file, bytes))
      return ofFilter(file, () => simulateFilter(bytes, { ...call, arch: arch ?? 'x86_64' }));
  }
  const { source, options, remarks } = readPolicy(file, values);
  printDiagnostics(remarks);
  return simulate(source, { ...call, arch }, options);
}

export function simulateVerb(argv: readonly string[]): number {
  const parsed = parseVerb(
    {
      name: 'policy simulate',
      what: 'Show what a policy or a filter does with a system call. Missing arguments are 0.',
      usage: 'FILE SYSCALL [--arch ARCH] [--json] [--] [ARG…]',
      options: [...policyOptions, flag('json', 'print the decision as JSON')],
      maxOperands: 8,
    },
    argv,
  );
  if (parsed === undefined) return 0;
  const [file, ...rest] = parsed.operands;
  const decision = decide(file, readCall(rest), parsed.values);
  if (parsed.values.json === true) printJson(toJson(decision));
  else out(show(decision));
  return 0;
}
