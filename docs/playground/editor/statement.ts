/** Playground, editor. The part of the statement before the cursor, and what may come next. */
import type { Text } from '@codemirror/state';
import { actionWords, statements } from './language.js';

/** Where in a statement the cursor is. */
export type Place =
  | {
      readonly kind: 'start' | 'action' | 'arch' | 'file' | 'errno' | 'comparison' | 'nothing';
    }
  | { readonly kind: 'call'; readonly clauses: boolean }
  | { readonly kind: 'argument'; readonly calls: readonly string[] }
  | { readonly kind: 'value'; readonly calls: readonly string[]; readonly argument: string };

const indentOf = (line: string): number => /^\s*/.exec(line)?.[0].length ?? 0;
const isEmpty = (line: string): boolean => /^\s*(#|$)/.test(line);

/** The statement's text up to a position, comments left out. */
function textBefore(doc: Text, position: number): { text: string; comment: boolean } {
  const line = doc.lineAt(position);
  const here = line.text.slice(0, position - line.from);
  const parts = [here];
  let indent = indentOf(line.text);
  for (let n = line.number - 1; n > 0 && indent > 0; n--) {
    const above = doc.line(n).text;
    if (isEmpty(above)) continue;
    parts.unshift(above);
    if (indentOf(above) < indent) indent = indentOf(above);
  }
  const comment = /^[^"#]*("[^"]*"[^"#]*)*#/.test(here);
  return { text: parts.map((part) => part.replace(/#.*/, '')).join('\n'), comment };
}

const words = (text: string): string[] => text.match(/@?[\w-]+/g) ?? [];

/** Reads the end of a rule's conditions. */
function inCondition(test: string, calls: readonly string[]): Place {
  const [, argument, rest] = /^\s*(\w+)\s+([\s\S]*)$/.exec(test) ?? [];
  if (argument === undefined || rest === undefined) return { kind: 'argument', calls };
  const compared = /(==|!=|<=?|>=?|&|\||\[|,|\bin)\s*~?\(?\s*[\w.]*$/.test(rest);
  return compared ? { kind: 'value', calls, argument } : { kind: 'comparison' };
}

/** Says what may come at a position, ignoring the word that is being typed there. */
export function placeAt(doc: Text, position: number): Place {
  const { text, comment } = textBefore(doc, position);
  if (comment) return { kind: 'nothing' };
  const before = text.replace(/@?[\w-]*$/, '');
  const list = words(before);
  const [first] = list;
  if (first === undefined) return { kind: 'start' };
  if (/\b(errno|deny)\s*\(\s*(errno\s+)?$/.test(before)) return { kind: 'errno' };
  if (/\binclude\s*"?$/.test(before)) return { kind: 'file' };
  if (!actionWords.includes(first)) {
    const last = list.at(-1);
    if (last === 'default' || last === 'unknown' || last === 'foreign') return { kind: 'action' };
    if (first === 'group') {
      return list.length > 1 ? { kind: 'call', clauses: false } : { kind: 'nothing' };
    }
    const statement = list.findLast((word) => statements.includes(word));
    return statement === 'target' ? { kind: 'arch' } : { kind: 'start' };
  }
  if (/\bon\s+[\w\s,]*$/.test(before)) return { kind: 'arch' };
  const [head = '', ...conditions] = before.split(/\bwhere\b/);
  const calls = words(head.replace(/^\s*\w+\s*(\([^)]*\))?/, ''));
  if (conditions.length === 0) return { kind: 'call', clauses: calls.length > 0 };
  const test =
    conditions
      .join(' ')
      .split(/\band\b/)
      .at(-1) ?? '';
  return inCondition(test, calls);
}
