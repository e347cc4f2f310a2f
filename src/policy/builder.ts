/** Builds policies in code. They become text, so that the language has one meaning. */
import type { Architecture, PolicyText } from './source.js';

/** Says what a rule does with a call. */
export type BuilderAction =
  | 'allow'
  | 'log'
  | 'notify'
  | 'trap'
  | 'kill_thread'
  | 'kill'
  | 'deny'
  | { readonly errno: number | string }
  | { readonly trace: number };

/** A number, or the name of a constant; several names are joined by `|`. */
export type BuilderValue = number | bigint | string | readonly string[];

type Comparison = '==' | '!=' | '<' | '<=' | '>' | '>=';

/** A condition on one argument; `mask` picks bits before the comparison. */
export type BuilderCondition = {
  /** Name of the argument, or `arg0` to `arg5`. */
  readonly arg: string;
  /** Compares as another type than the kernel's. */
  readonly as?: 's32' | 'u32' | 's64' | 'u64' | undefined;
  readonly mask?: BuilderValue | undefined;
} & (
  | { readonly op: Comparison; readonly value: BuilderValue }
  | {
      readonly op: 'in' | 'not in';
      /** Single values, or `[first, last]` pairs. */
      readonly values: readonly (
        | BuilderValue
        | { readonly from: BuilderValue; readonly to: BuilderValue }
      )[];
    }
);

export interface BuilderRule {
  readonly action: BuilderAction;
  /** Calls and `@groups`. */
  readonly calls: readonly string[];
  /** All of them must hold. */
  readonly where?: readonly BuilderCondition[] | undefined;
  /** The architectures to which it is limited. */
  readonly on?: readonly Architecture[] | undefined;
}

export interface BuilderPolicy {
  readonly name?: string | undefined;
  readonly targets?: readonly Architecture[] | undefined;
  /** Oldest kernel that it is for, for instance `5.10`. */
  readonly kernel?: string | undefined;
  readonly default?: BuilderAction | undefined;
  readonly unknown?: BuilderAction | undefined;
  readonly groups?: Readonly<Record<string, readonly string[]>> | undefined;
  /** The first that matches decides. */
  readonly rules: readonly BuilderRule[];
  readonly includes?: Readonly<Record<string, string>> | undefined;
}

const isList = (value: BuilderValue): value is readonly string[] => Array.isArray(value);

/** A word that cannot end the statement that it is put into. */
function word(text: string, pattern: RegExp): string {
  if (!pattern.test(text))
    throw new TypeError(`${JSON.stringify(text)} is not a valid name in a policy`);
  return text;
}

const name = (text: string) => word(text, /^@?[A-Za-z0-9_-]+$/);

function value(given: BuilderValue): string {
  if (isList(given)) return given.map(name).join(' | ');
  return typeof given === 'string' ? name(given) : given.toString();
}

function action(given: BuilderAction): string {
  if (typeof given === 'string') return name(given);
  return 'errno' in given ? `errno(${value(given.errno)})` : `trace(${value(given.trace)})`;
}

function condition(c: BuilderCondition): string {
  const left = [name(c.arg), c.as && `as ${c.as}`, c.mask !== undefined && `& (${value(c.mask)})`];
  const right =
    'value' in c
      ? `${c.op} ${value(c.value)}`
      : `${c.op} [${c.values
          .map((item) =>
            typeof item === 'object' && 'from' in item
              ? `${value(item.from)}..${value(item.to)}`
              : value(item),
          )
          .join(', ')}]`;
  return [...left.filter(Boolean), right].join(' ');
}

function rule({ action: act, calls, where = [], on = [] }: BuilderRule): string {
  const conditions = where.length > 0 ? ` where ${where.map(condition).join(' and ')}` : '';
  const archs = on.length > 0 ? ` on ${on.map(name).join(', ')}` : '';
  return `${action(act)} ${calls.map(name).join(' ')}${conditions}${archs}`;
}

/**
 * Turns a policy given as data into one as text, for `compilePolicy` and all others.
 * @throws TypeError where a name is none
 */
export function buildPolicy(policy: BuilderPolicy): PolicyText {
  const lines: string[] = [];
  if (policy.targets !== undefined) lines.push(`target ${policy.targets.map(name).join(', ')}`);
  if (policy.kernel !== undefined) lines.push(`kernel >= ${word(policy.kernel, /^\d+(\.\d+)?$/)}`);
  if (policy.default !== undefined) lines.push(`default ${action(policy.default)}`);
  if (policy.unknown !== undefined) lines.push(`unknown ${action(policy.unknown)}`);
  for (const [group, members] of Object.entries(policy.groups ?? {})) {
    lines.push(`group @${name(group)} = ${members.map(name).join(' ')}`);
  }
  lines.push(...policy.rules.map(rule));
  const text = `${lines.join('\n')}\n`;
  return { name: policy.name ?? 'built', text, includes: policy.includes };
}
