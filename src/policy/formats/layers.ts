/**
 * Several filters of one program as one policy. The kernel runs them all and does the strictest of what they
 * say: killing before an errno, an errno before logging. Of two errnos, that of the filter loaded last.
 */
import { ruleText } from './calls.js';

/** The filter that lists calls; the last that is loaded. */
export interface ListedCalls {
  /** The action of each of the calls. */
  readonly calls: ReadonlyMap<string, string>;
  /** True if it is a list of what is allowed; then some of it may still be refused. */
  readonly allows: boolean;
  /** The action of the others. */
  readonly otherwise: string;
}

/** A rule of one of the filters beside it, which refuse what they name and allow the rest. */
export interface Refusal {
  readonly action: string;
  readonly calls: readonly string[];
  readonly where?: string | undefined;
  /** Architectures; all where there are none. */
  readonly on?: readonly string[] | undefined;
}

export interface Layers {
  readonly targets: readonly string[];
  readonly listed: ListedCalls | undefined;
  readonly refusals: readonly Refusal[];
  /** Calls that are logged where they are allowed. */
  readonly logged?: (call: string) => boolean;
  /** Every call that may be logged. */
  readonly known?: readonly string[];
  /** The action of numbers that name no call. @default as calls that are not listed */
  readonly unknown?: string | undefined;
  /** Calls that get the same as such numbers, unless they are allowed. */
  readonly missing?: readonly string[] | undefined;
  readonly foreign?: string | undefined;
}

/** Calls by what they get, in the order of their first appearance. */
function byAction(calls: ReadonlyMap<string, string>): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const [call, action] of calls) {
    const group = groups.get(action);
    if (group === undefined) groups.set(action, [call]);
    else group.push(call);
  }
  return groups;
}

/** The rules of the layers; `only` where they are for one of several targets. */
function rulesOf(layers: Layers, only: readonly string[]): string {
  const { targets, listed, refusals, logged = () => false, known = [], unknown } = layers;
  const allows = listed?.allows ?? false;
  const lines: string[] = [];
  const isAllowed = (call: string) => listed?.calls.get(call) === 'allow';
  for (const [action, calls] of byAction(listed?.calls ?? new Map()))
    if (action !== 'allow') lines.push(ruleText(action, calls, '', only));
  for (const { action, calls, where, on } of refusals) {
    const own = allows ? calls.filter(isAllowed) : calls;
    const there = on?.filter((arch) => targets.includes(arch));
    if (own.length === 0 || there?.length === 0) continue;
    // Where it is for all targets, the rule need not name them.
    const some = there !== undefined && there.length < targets.length ? there : only;
    lines.push(ruleText(action, own, where, some));
  }
  const allowed = allows ? [...(listed?.calls.keys() ?? [])].filter(isAllowed) : known;
  const log = allowed.filter(logged);
  if (log.length > 0) lines.push(ruleText('log', log, '', only));
  const rest = allows ? allowed.filter((call) => !logged(call)) : [];
  if (rest.length > 0) lines.push(ruleText('allow', rest, '', only));
  const missing = (layers.missing ?? []).filter((call) => listed?.calls.has(call) !== true);
  if (missing.length > 0) lines.push(ruleText(unknown ?? 'errno(ENOSYS)', missing, '', only));
  return lines.join('');
}

const otherwiseOf = ({ listed }: Layers): string => listed?.otherwise ?? 'allow';

function headOf(layers: Layers, targets: readonly string[]): string {
  const otherwise = otherwiseOf(layers);
  const head = [
    `target ${targets.join(', ')}`,
    `default ${otherwise}`,
    `unknown ${layers.unknown ?? otherwise}`,
    ...(layers.foreign === undefined ? [] : [`foreign ${layers.foreign}`]),
  ];
  return `${head.join('\n')}\n\n`;
}

export const layersText = (layers: Layers): string =>
  headOf(layers, layers.targets) + rulesOf(layers, []);

/** Layers of two architectures, each with one target; what is unknown or foreign, the first says. */
export function besideText(first: Layers, second: Layers): string {
  const targets = [...first.targets, ...second.targets];
  const rules = [first, second].map(
    (layers) =>
      rulesOf(layers, layers.targets) +
      ruleText(otherwiseOf(layers), ['@known'], '', layers.targets),
  );
  return headOf(first, targets) + rules.join('');
}
