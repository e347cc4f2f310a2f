/** Stage: cli. `wasbox policy explain`: what a policy decides call by call, and by which rule. */
import { UsageError } from '../../errors/index.js';
import { type ExplainedCall, type Explanation, explainPolicy } from '../../policy/index.js';
import { suggest } from '../../spec/suggest.js';
import { out } from '../terminal.js';
import { flag, parseVerb } from '../verb.js';
import { policyOptions, readPolicy } from './input.js';
import { printDiagnostics, printJson, safeLines } from './output.js';

const place = ({ rule }: ExplainedCall) =>
  rule === undefined ? 'no rule names it' : `${rule.file}:${rule.line}: ${rule.text}`;

const decision = ({ actionText, byArguments }: ExplainedCall) =>
  byArguments ? 'depends on its arguments' : actionText;

function showOne(call: ExplainedCall): string {
  const cost = call.cacheable ? 'remembered by the kernel' : `${call.instructions} instructions`;
  const action = call.byArguments ? `${call.actionText} where all are 0` : place(call);
  return `${call.name} (${call.number}): ${decision(call)}\n  ${action}\n  ${cost}`;
}

/** All calls, those decided alike together. */
function showAll({ arch, calls }: Explanation): string {
  const groups = new Map<string, string[]>();
  for (const call of calls) {
    const key = decision(call);
    groups.set(key, [...(groups.get(key) ?? []), call.name]);
  }
  const blocks = [...groups].map(
    ([key, names]) => `${key} (${names.length}):\n  ${names.sort().join(' ')}`,
  );
  return [`${arch}, ${calls.length} calls`, ...blocks].join('\n');
}

function pick(explanation: Explanation, names: readonly string[]): ExplainedCall[] {
  return names.map((name) => {
    const found = explanation.calls.find(
      (call) => call.name === name || String(call.number) === name,
    );
    if (found !== undefined) return found;
    const near = suggest(
      name,
      explanation.calls.map((call) => call.name),
    );
    throw new UsageError('ERR_OPTION_VALUE', `${explanation.arch} has no system call "${name}"`, {
      hint: near === undefined ? 'Try another name or number.' : `Did you mean: ${near}`,
    });
  });
}

export function explainVerb(argv: readonly string[]): number {
  const parsed = parseVerb(
    {
      name: 'policy explain',
      what: 'Says what a policy decides for every system call, or for the ones named, and by which rule.',
      usage: 'FILE [SYSCALL…] [--arch ARCH] [--json]',
      options: [...policyOptions, flag('json', 'print the decisions as JSON')],
      maxOperands: 64,
    },
    argv,
  );
  if (parsed === undefined) return 0;
  const [file, ...names] = parsed.operands;
  const { source, options, remarks } = readPolicy(file, parsed.values);
  printDiagnostics(remarks);
  const explanation = explainPolicy(source, options);
  const calls = names.length === 0 ? explanation.calls : pick(explanation, names);
  if (parsed.values.json === true) printJson({ arch: explanation.arch, calls });
  else if (names.length === 0) out(`${safeLines(showAll(explanation))}\n`);
  else out(`${safeLines(calls.map(showOne).join('\n'))}\n`);
  return 0;
}
