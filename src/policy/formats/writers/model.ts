/** A compiled policy for the writers of other tools' formats: what each call gets. */
import { readAction } from '../../action.js';
import type { CompiledPolicy } from '../../compile.js';
import type { Architecture } from '../../source.js';
import type { Comparison } from '../boolean.js';
import { pathsOfCalls } from '../bpf.js';
import type { HalfTest } from '../symbolic.js';

/** One of the ways that a call can go; they exclude one another. */
export interface Way {
  /** The action as a policy writes it, with numbers: `errno(1)`. */
  readonly action: string;
  readonly tests: readonly Comparison[];
}

export interface Model {
  readonly arch: Architecture;
  /** The action of most calls that are refused, or all that are not listed. */
  readonly byDefault: string;
  /** Calls that get the same whatever their arguments. */
  readonly plain: ReadonlyMap<string, string>;
  readonly conditional: ReadonlyMap<string, readonly Way[]>;
}

export function actionWord(returned: number): string {
  const { kind, value } = readAction(returned);
  return kind === 'errno' || kind === 'trace' ? `${kind}(${value})` : kind;
}

const full = 0xffff_ffff;

/** A test of half an argument as one of the whole, or of the low 32 bits. */
function comparisonOf({ arg, high, mask, op, k }: HalfTest): Comparison {
  const bits = op === 'any' || op === 'none';
  const used = (bits ? mask & k : mask) >>> 0;
  const value = bits ? 0n : BigInt(k);
  const sign = op === 'any' ? '!=' : op === 'none' ? '==' : op;
  if (!high) {
    return { arg, width: 32, mask: used === full ? undefined : BigInt(used), op: sign, value };
  }
  const equality = sign === '==' || sign === '!=';
  if (equality || used !== full)
    return { arg, width: 64, mask: BigInt(used) << 32n, op: sign, value: value << 32n };
  // An order of the high half alone is one of the whole.
  if (sign === '<' || sign === '>=') return { arg, width: 64, op: sign, value: value << 32n };
  const above = (value + 1n) << 32n;
  return { arg, width: 64, op: sign === '>' ? '>=' : '<', value: above };
}

export function modelOf({ bpf, targets }: CompiledPolicy, byDefault: string): Model {
  const arch = targets[0] ?? 'x86_64';
  const plain = new Map<string, string>();
  const conditional = new Map<string, readonly Way[]>();
  for (const [call, paths] of pathsOfCalls(bpf, arch)) {
    const ways = paths.map(({ action, tests }) => ({
      action: actionWord(action),
      tests: tests.map(comparisonOf),
    }));
    const [first] = ways;
    if (first === undefined) continue;
    if (ways.every(({ action }) => action === first.action)) plain.set(call, first.action);
    else conditional.set(call, ways);
  }
  return { arch, byDefault, plain, conditional };
}

/** Calls by what they get. */
export function byAction(plain: ReadonlyMap<string, string>): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const [call, action] of plain) {
    const group = groups.get(action);
    if (group === undefined) groups.set(action, [call]);
    else group.push(call);
  }
  return groups;
}

/** The strictest of several actions. */
export function strictest(actions: readonly string[]): string {
  const order = ['kill_process', 'kill_thread', 'trap', 'errno', 'trace', 'notify', 'log', 'allow'];
  const rank = (action: string) => order.indexOf(action.replace(/\(.*/, ''));
  return [...actions].sort((a, b) => rank(a) - rank(b))[0] ?? 'kill_process';
}
