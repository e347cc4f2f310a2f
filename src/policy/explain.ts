/** Stage: policy. A policy call by call: what it decides, by which rule, and at what cost. */
import {
  architectures,
  callName,
  compile,
  decodeProgram,
  layout,
  numberLimit,
} from '../core/index.js';
import { actionText, archIndex, type PolicyAction, readAction } from './action.js';
import { compilePolicy, type PolicyRule, ruleIndex, toCompiled } from './compile.js';
import { type Architecture, type CompileOptions, type PolicySource, requestOf } from './source.js';

/** What a policy does with one system call. */
export interface ExplainedCall {
  readonly name: string;
  /** As the kernel sees it, with x32's bit. */
  readonly number: number;
  /** With all arguments 0 where it depends on arguments. */
  readonly action: PolicyAction;
  readonly actionText: string;
  /** The filter looks at the call's arguments. */
  readonly byArguments: boolean;
  /** The rule that decides; undefined where none does and the default holds. */
  readonly rule: PolicyRule | undefined;
  /** Instructions executed, with all arguments 0. */
  readonly instructions: number;
  /** The kernel (5.11) remembers that it is allowed, and no longer runs the filter for it. */
  readonly cacheable: boolean;
}

export interface Explanation {
  readonly arch: Architecture;
  /** By number. */
  readonly calls: readonly ExplainedCall[];
}

const firstArgument = 16;

/** All calls of an architecture's table, by number. */
function tableOf(arch: Architecture): { name: string; number: number }[] {
  const index = archIndex(arch);
  const base = architectures()[index]?.numberBase ?? 0;
  const found: { name: string; number: number }[] = [];
  for (let number = 0; number < numberLimit(index); number++) {
    const name = callName(index, number);
    if (name !== undefined) found.push({ name, number: number + base });
  }
  return found;
}

/**
 * Says for every call of the table what a policy decides and why.
 * @param options the first of `arch`, or the policy's first target, is the one explained
 * @throws PolicyError where the policy has errors
 */
export function explainPolicy(source: PolicySource, options: CompileOptions = {}): Explanation {
  const arch = compilePolicy(source, options).targets[0] ?? 'x86_64';
  const table = tableOf(arch);
  const audit = architectures()[archIndex(arch)]?.audit ?? 0;
  const events = table.map(({ number }) => ({ arch: audit, nr: number, args: [] }));
  const result = compile({ ...requestOf(source, options), events });
  const { bpf, bigEndian, rules } = toCompiled(result);
  const { instructions } = decodeProgram(bpf, bigEndian);
  const load = layout.insnKindNames.indexOf('load');
  const readsArgument = instructions.map(({ kind, k }) => kind === load && k >= firstArgument);
  const calls = table.flatMap(({ name, number }, i): ExplainedCall[] => {
    const decision = result.decisions[i];
    if (decision === undefined) return [];
    const action = readAction(decision.action);
    const byArguments = decision.path.some((at) => readsArgument[at] === true);
    return [
      {
        name,
        number,
        action,
        actionText: actionText(action, arch),
        byArguments,
        rule: rules[ruleIndex(decision.rule)],
        instructions: decision.path.length,
        cacheable: action.kind === 'allow' && !byArguments,
      },
    ];
  });
  return { arch, calls };
}
