/** Simulates one system call under a policy or a finished filter. */
import {
  architectures,
  type CoreEvent,
  callName,
  callNumber,
  compile,
  constantValue,
  simulateProgram,
} from '../core/index.js';
import { UsageError } from '../errors/index.js';
import { actionText, archIndex, type PolicyAction, readAction } from './action.js';
import { compilePolicy, type PolicyRule, ruleIndex, toCompiled } from './compile.js';
import { PolicyError } from './error.js';
import { filterError } from './filter-error.js';
import { type Architecture, type CompileOptions, type PolicySource, requestOf } from './source.js';

/** A system call, as a program would make it. */
export interface SimulatedCall {
  /** Name, or number as the kernel sees it (with x32's bit). */
  readonly call: string | number;
  /**
   * Up to six arguments: numbers, or text such as `0x10`, `-1`, `AF_UNIX`, `O_RDWR|O_CREAT`.
   * Missing ones are 0.
   */
  readonly args?: readonly (bigint | number | string)[] | undefined;
  /** @default the policy's first target */
  readonly arch?: Architecture | undefined;
}

/** The decision for a call. */
export interface Decision {
  readonly arch: Architecture;
  /** The number as the kernel sees it, with x32's bit. */
  readonly number: number;
  /** Undefined where the architecture has no such call. */
  readonly name: string | undefined;
  readonly args: readonly bigint[];
  readonly action: PolicyAction;
  /** The action as a policy writes it. */
  readonly actionText: string;
  readonly decidedBy: 'rule' | 'default' | 'unknown' | 'foreign' | 'program';
  /** The rule that decided, with `decidedBy: 'rule'`. */
  readonly rule: PolicyRule | undefined;
  /** Positions of the instructions that ran. */
  readonly path: readonly number[];
  /** False if recent kernels run the call regardless of filters. */
  readonly enforceable: boolean;
}

/** The numbers of uretprobe and uprobe on x86_64, which the kernel itself places in programs and exempts from filters. */
const unenforceable: ReadonlySet<number> = new Set([335, 336]);

function readArgument(arch: Architecture, value: bigint | number | string): bigint {
  if (typeof value !== 'string') return BigInt.asUintN(64, BigInt(value));
  const index = archIndex(arch);
  return value.split('|').reduce((bits, part) => {
    const word = part.trim();
    const [, minus, digits] =
      /^(-?)(\d+|0[xX][\da-fA-F]+|0[oO][0-7]+|0[bB][01]+)$/.exec(word) ?? [];
    const constant = digits === undefined ? constantValue(index, word) : BigInt(digits);
    if (constant === undefined) {
      throw new UsageError('ERR_OPTION_VALUE', `${word} is not a number or a constant on ${arch}`, {
        hint: 'For example: 16, 0x10, -1, AF_UNIX or O_RDWR|O_CREAT',
      });
    }
    if (constant >= 1n << 64n || (minus === '-' && constant > 1n << 63n)) {
      throw new UsageError('ERR_OPTION_VALUE', `${word} does not fit in an argument`, {
        hint: 'Arguments have 64 bits.',
      });
    }
    return bits | BigInt.asUintN(64, minus === '-' ? -constant : constant);
  }, 0n);
}

interface Prepared {
  readonly event: CoreEvent;
  readonly arch: Architecture;
  readonly name: string | undefined;
}

function prepare(call: SimulatedCall, arch: Architecture): Prepared {
  const info = architectures()[archIndex(arch)];
  const { index = 0, audit = 0, numberBase = 0 } = info ?? {};
  const number =
    typeof call.call === 'number' ? call.call - numberBase : callNumber(index, call.call);
  if (number === undefined) {
    throw new UsageError('ERR_OPTION_VALUE', `${arch} has no system call ${String(call.call)}`, {
      hint: 'Use another name, a number, or another architecture.',
    });
  }
  if ((call.args?.length ?? 0) > 6) {
    throw new UsageError('ERR_OPTION_VALUE', 'a system call takes at most six arguments', {});
  }
  const nr = (number + numberBase) >>> 0;
  if (nr !== number + numberBase && (nr | 0) !== number + numberBase) {
    throw new UsageError('ERR_OPTION_VALUE', `invalid system call number ${call.call}`, {
      hint: 'System call numbers have 32 bits.',
    });
  }
  const args = Array.from({ length: 6 }, (_, i) => readArgument(arch, call.args?.[i] ?? 0n));
  return { event: { arch: audit, nr, args }, arch, name: callName(index, number) };
}

function decisionOf(
  { event, arch, name }: Prepared,
  returned: number,
  path: Uint32Array,
  by: Pick<Decision, 'decidedBy' | 'rule'>,
): Decision {
  const action = readAction(returned);
  return {
    arch,
    number: event.nr,
    name,
    args: event.args,
    action,
    actionText: actionText(action, arch),
    ...by,
    path: [...path],
    enforceable: !(arch === 'x86_64' && unenforceable.has(event.nr)),
  };
}

const special: Readonly<Record<number, Decision['decidedBy']>> = {
  4294967295: 'default',
  4294967294: 'unknown',
  4294967293: 'foreign',
};

/**
 * Says what a policy does with a call, by running the filter that it compiles to.
 * @throws PolicyError where the policy has errors; UsageError for an unknown call or an invalid argument
 */
export function simulate(
  source: PolicySource,
  call: SimulatedCall,
  options: CompileOptions = {},
): Decision {
  const arch = call.arch ?? compilePolicy(source, options).targets[0] ?? 'x86_64';
  const prepared = prepare(call, arch);
  const result = compile({ ...requestOf(source, options), events: [prepared.event] });
  const { rules } = toCompiled(result);
  const [decision] = result.decisions;
  if (decision === undefined) throw new PolicyError('ERR_POLICY_INTERNAL', []);
  const rule = rules[ruleIndex(decision.rule)];
  return decisionOf(prepared, decision.action, decision.path, {
    decidedBy: special[decision.rule] ?? 'rule',
    rule,
  });
}

/**
 * Says what a finished filter does with a call, from any tool.
 * @throws PolicyError where the bytes are not a filter that the kernel would load
 */
export function simulateFilter(
  bpf: Uint8Array,
  call: SimulatedCall & { readonly arch: Architecture },
): Decision {
  const prepared = prepare(call, call.arch);
  const big = architectures()[archIndex(call.arch)]?.bigEndian === true;
  const { action, path, badInstruction } = simulateProgram(bpf, big, prepared.event);
  if (action === undefined) throw filterError(bpf, badInstruction ?? 0);
  return decisionOf(prepared, action, path, { decidedBy: 'program', rule: undefined });
}
