/** Finds what a policy would have done with the calls of an strace log. */
import { architectures, type CoreEvent, callNumber, compile } from '../core/index.js';
import { actionText, archIndex, type PolicyAction, readAction } from './action.js';
import { compilePolicy, type PolicyRule, ruleIndex, toCompiled } from './compile.js';
import { type Architecture, type CompileOptions, type PolicySource, requestOf } from './source.js';
import { readStrace, type TracedCall } from './strace.js';
import { allowingRule, type SeenArguments } from './suggested.js';

/** A call of the log that the policy does not simply allow. */
export interface ReplayedCall {
  /** The line of the log, from 1. */
  readonly line: number;
  readonly pid: number | undefined;
  readonly name: string;
  readonly action: PolicyAction;
  readonly actionText: string;
  /** The rule that decided; undefined for `default` and `unknown`. */
  readonly rule: PolicyRule | undefined;
  /** The log does not show an argument's value, so 0 was taken for it. */
  readonly guessed: boolean;
  readonly text: string;
}

/** Calls of one name that the policy does not allow. */
export interface ReplayedGroup {
  readonly name: string;
  readonly count: number;
  /** The actions for them; several where it depends on arguments. */
  readonly actions: readonly string[];
  /** Rules that refuse them; empty where it is the default. */
  readonly rules: readonly PolicyRule[];
  /** The first of them. */
  readonly first: ReplayedCall;
  /** A rule that allows them, if it comes before the others. */
  readonly suggestion: string;
}

export interface Replay {
  readonly arch: Architecture;
  /** Calls that were checked. */
  readonly calls: number;
  /** Names that the architecture does not know, with their counts. */
  readonly unknown: Readonly<Record<string, number>>;
  /** Lines that strace does not write; calls in them were not checked. */
  readonly unread: number;
  /** The first of them, from 1. */
  readonly firstUnread: number | undefined;
  /** The stopped calls in the order of the log. */
  readonly stopped: readonly ReplayedCall[];
  /** Groups of calls with one name, the most frequent first. */
  readonly groups: readonly ReplayedGroup[];
}

interface Judged {
  readonly traced: TracedCall;
  readonly event: CoreEvent;
}

/**
 * Reads the log of `strace` (with -f, -o, -t, -r as it may be) and judges each call.
 * @throws PolicyError where the policy has errors
 */
export function replay(source: PolicySource, log: string, options: CompileOptions = {}): Replay {
  const arch = compilePolicy(source, options).targets[0] ?? 'x86_64';
  const index = archIndex(arch);
  const { audit = 0, numberBase = 0 } = architectures()[index] ?? {};
  const unknown: Record<string, number> = {};
  const judged: Judged[] = [];
  const numbers = new Map<string, number | undefined>();
  const { calls, unread, firstUnread } = readStrace(log, index);
  for (const traced of calls) {
    if (!numbers.has(traced.name)) numbers.set(traced.name, callNumber(index, traced.name));
    const number = numbers.get(traced.name);
    if (number === undefined) {
      unknown[traced.name] = (unknown[traced.name] ?? 0) + 1;
      continue;
    }
    const args = traced.args.map((value) => value ?? 0n);
    judged.push({ traced, event: { arch: audit, nr: number + numberBase, args } });
  }
  const result = compile({
    ...requestOf(source, options),
    events: judged.map(({ event }) => event),
  });
  const { rules } = toCompiled(result);
  const values = new Map<ReplayedCall, SeenArguments>();
  const stopped = judged.flatMap(({ traced }, i): ReplayedCall[] => {
    const decision = result.decisions[i];
    if (decision === undefined) return [];
    const action = readAction(decision.action);
    if (action.kind === 'allow') return [];
    const { line, pid, name, text } = traced;
    const guessed = traced.args.includes(undefined);
    const rule = rules[ruleIndex(decision.rule)];
    const said = actionText(action, arch);
    const call = { line, pid, name, action, actionText: said, rule, guessed, text };
    values.set(call, traced.args);
    return [call];
  });
  const groups = groupCalls(index, stopped, values);
  return { arch, calls: judged.length, unknown, unread, firstUnread, stopped, groups };
}

function groupCalls(
  arch: number,
  stopped: readonly ReplayedCall[],
  values: ReadonlyMap<ReplayedCall, SeenArguments>,
): ReplayedGroup[] {
  const byName = new Map<string, ReplayedCall[]>();
  for (const call of stopped) {
    const group = byName.get(call.name);
    if (group === undefined) byName.set(call.name, [call]);
    else group.push(call);
  }
  const groups = [...byName].flatMap(([name, calls]): ReplayedGroup[] => {
    const [first] = calls;
    if (first === undefined) return [];
    const actions = [...new Set(calls.map(({ actionText }) => actionText))];
    const rules = [...new Set(calls.flatMap(({ rule }) => rule ?? []))];
    const suggestion = allowingRule(
      arch,
      name,
      calls.map((call) => values.get(call) ?? []),
    );
    return [{ name, count: calls.length, actions, rules, first, suggestion }];
  });
  return groups.sort((a, b) => b.count - a.count);
}
