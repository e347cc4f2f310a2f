/** Explains what a policy decides, rule by rule. */
import {
  architectures,
  type CoreEvent,
  callNumber,
  compile,
  decodeProgram,
  groups,
} from '../core/index.js';
import { UsageError } from '../errors/index.js';
import { actionText, archIndex, type PolicyAction, readAction } from './action.js';
import { runsFilter } from './cached.js';
import { compilePolicy, type PolicyRule, ruleIndex, toCompiled } from './compile.js';
import { examplesOf } from './paths.js';
import { type Architecture, type CompileOptions, type PolicySource, requestOf } from './source.js';

/** One of the decisions that a call can get. */
export interface ExplainedCase {
  readonly action: PolicyAction;
  /** The action as a policy writes it. */
  readonly actionText: string;
  /** The rule that decides; undefined where it is `default`. */
  readonly rule: PolicyRule | undefined;
  /** Arguments of an example. */
  readonly args: readonly bigint[];
}

/** A call and the decisions that it can get, in the order of the rules. */
export interface ExplainedCall {
  readonly arch: Architecture;
  readonly name: string;
  /** The number as the kernel sees it, with x32's bit. */
  readonly number: number;
  /** True if Linux 5.11 and newer run the filter for the call, or know that it is allowed. */
  readonly runsFilter: boolean;
  readonly cases: readonly ExplainedCase[];
}

export interface ExplainOptions extends CompileOptions {
  /** Calls to explain. @default every call of the first target */
  readonly calls?: readonly string[] | undefined;
}

interface Asked {
  readonly name: string;
  readonly event: CoreEvent;
}

/** Rules come in their order, the default last. */
const rank = (rule: number) => (ruleIndex(rule) < 0 ? Number.MAX_SAFE_INTEGER : rule);

/**
 * Explains calls on the policy's first target: which rules decide them, each with an example. The
 * examples come from the compiled filter, and the rules from the policy itself.
 * @throws PolicyError where the policy has errors; UsageError for an unknown call
 */
export function explain(source: PolicySource, options: ExplainOptions = {}): ExplainedCall[] {
  const compiled = compilePolicy(source, options);
  const arch = compiled.targets[0] ?? 'x86_64';
  const index = archIndex(arch);
  const { audit = 0, numberBase = 0 } = architectures()[index] ?? {};
  const { instructions } = decodeProgram(compiled.bpf, compiled.bigEndian);
  const asked: Asked[] = [];
  for (const name of options.calls ?? groups().get('known') ?? []) {
    const number = callNumber(index, name);
    if (number === undefined && options.calls === undefined) continue;
    if (number === undefined) {
      throw new UsageError('ERR_OPTION_VALUE', `${arch} has no system call ${name}`, {
        hint: 'Use another name or another architecture.',
      });
    }
    const nr = (number + numberBase) >>> 0;
    for (const args of examplesOf(instructions, compiled.bigEndian, audit, nr))
      asked.push({ name, event: { arch: audit, nr, args } });
  }
  if (asked.length === 0) return [];
  const result = compile({
    ...requestOf(source, options),
    events: asked.map(({ event }) => event),
  });
  const { rules } = toCompiled(result);
  const calls = new Map<string, Map<number, ExplainedCase>>();
  const numbers = new Map<string, number>();
  asked.forEach(({ name, event }, i) => {
    const decision = result.decisions[i];
    if (decision === undefined) return;
    const cases = calls.get(name) ?? new Map<number, ExplainedCase>();
    calls.set(name, cases);
    numbers.set(name, event.nr);
    if (cases.has(decision.rule)) return;
    const action = readAction(decision.action);
    const rule = rules[ruleIndex(decision.rule)];
    cases.set(decision.rule, {
      action,
      actionText: actionText(action, arch),
      rule,
      args: event.args,
    });
  });
  return [...calls].map(([name, cases]) => ({
    arch,
    name,
    number: numbers.get(name) ?? 0,
    runsFilter: runsFilter(instructions, arch, audit, numbers.get(name) ?? 0),
    cases: [...cases].sort((a, b) => rank(a[0]) - rank(b[0])).map(([, value]) => value),
  }));
}
