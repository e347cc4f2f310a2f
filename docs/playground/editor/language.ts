/**
 * Playground, editor. Colours of the policy language. It follows wasm-core/src/lexer.c, and of the
 * parser only the rule that distinguishes an action from a call of the same name.
 */
import { HighlightStyle, StreamLanguage, type StringStream } from '@codemirror/language';
import { Tag } from '@lezer/highlight';
import { type Tone, toneOfWord } from '../actions.js';

export const statements = ['target', 'kernel', 'default', 'unknown', 'foreign', 'include', 'group'];
export const actionWords = [
  ...['allow', 'deny', 'errno', 'kill', 'kill_thread', 'kill_process'],
  ...['trap', 'log', 'notify', 'trace'],
];
const clauses = new Set(['where', 'and', 'on', 'when', 'in', 'not', 'as', 'kernel']);

const kinds = [
  ...['comment', 'string', 'number', 'constant', 'group', 'keyword', 'arch', 'name'],
  ...(['pass', 'refuse', 'kill', 'ask'] satisfies Tone[]),
];
const tags = Object.fromEntries(kinds.map((kind) => [kind, Tag.define()]));

interface State {
  /** Columns before the statement that is being read. */
  indent: number;
  /** Says what the next word may be. */
  mode: 'start' | 'action' | 'archs' | 'rule' | 'other';
}

function word(text: string, state: State): string {
  const tone = toneOfWord(text);
  if ((state.mode === 'start' || state.mode === 'action') && tone !== undefined) {
    state.mode = state.mode === 'start' ? 'rule' : 'other';
    return tone;
  }
  if (state.mode !== 'rule' && statements.includes(text)) {
    const next = {
      default: 'action',
      unknown: 'action',
      foreign: 'action',
      target: 'archs',
    } as const;
    state.mode = next[text as keyof typeof next] ?? 'other';
    return 'keyword';
  }
  if (clauses.has(text)) return 'keyword';
  if (/^[A-Z][A-Z0-9_]*$/.test(text)) return 'constant';
  return state.mode === 'archs' ? 'arch' : 'name';
}

function token(stream: StringStream, state: State): string | null {
  if (stream.sol() && !/^\s*(#|$)/.test(stream.string)) {
    const indent = stream.indentation();
    if (indent <= state.indent) {
      state.mode = 'start';
      state.indent = indent;
    }
  }
  if (stream.eatSpace()) return null;
  if (stream.match(/^#.*/)) return 'comment';
  if (stream.match(/^"[^"]*"?/)) return 'string';
  if (stream.match(/^@[\w-]+/)) return 'group';
  if (stream.match(/^\d[\w.]*/)) return 'number';
  const found = stream.match(/^[A-Za-z_]\w*/);
  if (found !== null && typeof found === 'object') return word(found[0], state);
  stream.next();
  return null;
}

export const policyLanguage = StreamLanguage.define<State>({
  name: 'policy',
  startState: () => ({ indent: Number.MAX_SAFE_INTEGER, mode: 'start' }),
  copyState: (state) => ({ ...state }),
  token,
  tokenTable: tags,
  languageData: { commentTokens: { line: '#' } },
});

/** style.css has the colours, for light and dark. */
export const policyColours = HighlightStyle.define(
  kinds.map((kind) => ({ tag: tags[kind] ?? [], class: `tok-${kind}` })),
);
