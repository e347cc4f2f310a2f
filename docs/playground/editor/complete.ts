/** Playground, editor. Completion from the core's tables. */
import type {
  Completion,
  CompletionContext,
  CompletionResult,
  CompletionSource,
} from '@codemirror/autocomplete';
import type { ListedCall } from '../../../src/policy.js';
import type { Ready, Tables } from '../core/protocol.js';
import { actionWords, statements } from './language.js';
import { type Place, placeAt } from './statement.js';

/** The words that completions are made from; the tables come a moment after the page. */
export interface Known {
  readonly ready: Ready | undefined;
  readonly tables: Tables | undefined;
}

const keyword = (label: string): Completion => ({ label, type: 'keyword' });

/** `(int domain, int type)`. */
export const signature = ({ arguments: args }: ListedCall): string =>
  `(${args.map(({ type, name }) => `${type} ${name}`).join(', ')})`;

function callsAndGroups({ ready, tables }: Known, own: readonly string[]): Completion[] {
  return [
    ...(tables?.calls ?? []).map(
      (call): Completion => ({ label: call.name, detail: signature(call), type: 'function' }),
    ),
    ...own.map((label): Completion => ({ label, detail: 'of this policy', type: 'class' })),
    ...Object.entries(ready?.groups ?? {}).map(
      ([name, members]): Completion => ({
        label: `@${name}`,
        detail: `${members.length} calls`,
        type: 'class',
      }),
    ),
  ];
}

/** The calls that a rule names, groups opened. */
function callsOf(names: readonly string[], { ready, tables }: Known): ListedCall[] {
  const wanted = new Set(
    names.flatMap((name) => (name.startsWith('@') ? (ready?.groups[name.slice(1)] ?? []) : [name])),
  );
  return (tables?.calls ?? []).filter(({ name }) => wanted.has(name));
}

function argumentsOf(names: readonly string[], known: Known): Completion[] {
  const found = new Map<string, Completion>();
  for (const call of callsOf(names, known))
    for (const { name, type, bits } of call.arguments)
      found.set(name, { label: name, detail: `${type}, ${bits} bits`, type: 'variable' });
  return [...found.values()];
}

function constants(set: string, { tables }: Known): Completion[] {
  return (tables?.constants.get(set) ?? []).map(({ name, value }) => ({
    label: name,
    detail: value < 10n ? String(value) : `0x${value.toString(16)}`,
    type: 'constant',
  }));
}

function valuesOf(place: Extract<Place, { kind: 'value' }>, known: Known): Completion[] {
  const args = callsOf(place.calls, known).flatMap((call) => call.arguments);
  const sets = new Set(
    args
      .filter(({ name, alias }) => name === place.argument || alias === place.argument)
      .flatMap((argument) => (argument.constants === undefined ? [] : [argument.constants])),
  );
  return [...sets].flatMap((set) => constants(set, known));
}

function optionsFor(place: Place, known: Known, text: string): Completion[] {
  switch (place.kind) {
    case 'start':
      return [...actionWords, ...statements].map(keyword);
    case 'action':
      return actionWords.map(keyword);
    case 'arch':
      return (known.ready?.architectures ?? []).map((label) => ({ label, type: 'type' }));
    case 'errno':
      return constants('errno', known);
    case 'file':
      return Object.keys(known.ready?.builtins ?? {}).map((label) => ({ label, type: 'text' }));
    case 'call': {
      const own = [...text.matchAll(/^\s*group\s+(@[\w-]+)/gm)].map(([, name = '']) => name);
      const more = place.clauses ? ['where', 'on'].map(keyword) : [];
      return [...callsAndGroups(known, own), ...more];
    }
    case 'argument':
      return argumentsOf(place.calls, known);
    case 'comparison':
      return ['==', '!=', '<', '<=', '>', '>=', '&', 'in', 'not in', 'and'].map(keyword);
    case 'value':
      return valuesOf(place, known);
    case 'nothing':
      return [];
  }
}

export function completionSource(known: () => Known): CompletionSource {
  return (context: CompletionContext): CompletionResult | null => {
    const word = context.matchBefore(/@?[\w-]*/);
    const place = placeAt(context.state.doc, context.pos);
    const open = place.kind === 'argument' || place.kind === 'value' || place.kind === 'errno';
    if (!context.explicit && !open && (word === null || word.from === word.to)) return null;
    const options = optionsFor(place, known(), context.state.doc.toString());
    if (options.length === 0) return null;
    return { from: word?.from ?? context.pos, options, validFor: /^@?[\w-]*$/ };
  };
}
