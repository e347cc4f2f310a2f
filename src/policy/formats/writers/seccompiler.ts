/** Writes seccompiler's JSON, as Firecracker has it: one action for what matches, one for the rest. */
import type { Comparison } from '../boolean.js';
import { type Model, strictest, type Way } from './model.js';

const ops = { '==': 'eq', '!=': 'ne', '<': 'lt', '<=': 'le', '>': 'gt', '>=': 'ge' } as const;

function actionJson(action: string): string {
  const [, kind, value] = /^(errno|trace)\((\d+)\)$/.exec(action) ?? [];
  if (kind !== undefined) return `{ "${kind}": ${value} }`;
  return JSON.stringify(action === 'notify' ? 'kill_process' : action);
}

function condition(arg: number, width: 32 | 64, op: string, value: bigint): string {
  const type = width === 32 ? 'dword' : 'qword';
  return `{ "index": ${arg}, "type": "${type}", "op": ${op}, "val": ${value} }`;
}

/** A test as conditions, one of which must hold; undefined where there are none for it. */
function conditionsOf({ arg, width, mask, op, value }: Comparison): string[] | undefined {
  if (mask === undefined) return [condition(arg, width, `"${ops[op]}"`, value)];
  const masked = (bits: bigint, wanted: bigint) =>
    condition(arg, width, `{ "masked_eq": ${bits} }`, wanted);
  if (op === '==') return [masked(mask, value)];
  if (op !== '!=') return undefined;
  const found: string[] = [];
  for (let bit = 1n; bit <= mask; bit <<= 1n)
    if ((mask & bit) !== 0n) found.push(masked(bit, (value & bit) ^ bit));
  return found;
}

const mostTerms = 512;

function entriesFor(ways: readonly Way[]): string[][] | undefined {
  const found: string[][] = [];
  for (const { tests } of ways) {
    let terms: string[][] = [[]];
    for (const test of tests) {
      const each = conditionsOf(test);
      if (each === undefined) return undefined;
      terms = terms.flatMap((left) => each.map((right) => [...left, right]));
      if (terms.length > mostTerms) return undefined;
    }
    found.push(...terms);
  }
  return found.length > mostTerms || found.some((term) => term.length > 16) ? undefined : found;
}

/** Returns what matches gets: of the actions beside the default the most frequent. */
function matchAction({ plain, conditional, byDefault }: Model): string {
  const counts = new Map<string, number>();
  const count = (action: string) => counts.set(action, (counts.get(action) ?? 0) + 1);
  for (const action of plain.values()) if (action !== byDefault) count(action);
  for (const ways of conditional.values())
    for (const action of new Set(ways.map((way) => way.action)))
      if (action !== byDefault) count(action);
  const [most] = [...counts].sort((a, b) => b[1] - a[1]);
  return most?.[0] ?? (byDefault === 'allow' ? 'kill_process' : 'allow');
}

export function writeSeccompiler(model: Model): string {
  const { byDefault, plain, conditional } = model;
  const match = matchAction(model);
  const stricter = (action: string) => strictest([action, match, byDefault]);
  const entries: string[] = [];
  for (const [call, action] of plain) {
    // A call that has no action of its own gets the stricter of the two.
    const said = action === match || action === byDefault ? action : stricter(action);
    const nearest = said === match || said === byDefault ? said : strictest([match, byDefault]);
    if (nearest === match && match !== byDefault) entries.push(`      { "syscall": "${call}" }`);
  }
  for (const [call, ways] of conditional) {
    const refuses = strictest([match, byDefault]) === match;
    const terms = entriesFor(
      ways.filter(({ action }) => action === match || (refuses && action !== byDefault)),
    );
    if (terms === undefined) {
      if (refuses) entries.push(`      { "syscall": "${call}" }`);
      continue;
    }
    for (const term of terms)
      entries.push(`      { "syscall": "${call}", "args": [${term.join(', ')}] }`);
  }
  return `{
  "exported": {
    "mismatch_action": ${actionJson(byDefault)},
    "match_action": ${actionJson(match)},
    "filter": [
${entries.join(',\n')}
    ]
  }
}
`;
}
