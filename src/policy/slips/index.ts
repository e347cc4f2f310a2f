/** Errors in a policy that come from the habits of other tools, with the line as it should be. */
import type { PolicyDiagnostic } from '../format-diagnostic.js';
import { forms } from './forms.js';

/** A longer line says less than what to do. */
const longestShown = 100;

/** The first form that is found at a place; `at` counts from 0. */
function hintFor(line: string, at: number): string | undefined {
  for (const { pattern, instead, say } of forms) {
    const all = new RegExp(pattern.source, `${pattern.flags}g`);
    for (const match of line.matchAll(all)) {
      const end = match.index + match[0].length;
      if (at < match.index || at > end) continue;
      if (instead === undefined) return say;
      const text = instead(match);
      if (text === undefined) continue;
      const corrected = (line.slice(0, match.index) + text + line.slice(end)).trim();
      if (corrected === '' || corrected.length > longestShown) return say;
      return [...(say === undefined ? [] : [say]), `Write: ${corrected}`].join(' ');
    }
  }
  return undefined;
}

/** Where the comment of a line begins. */
function codeOf(line: string): string {
  let quoted = false;
  for (let at = 0; at < line.length; at++) {
    if (line[at] === '"') quoted = !quoted;
    else if (line[at] === '#' && !quoted) return line.slice(0, at);
  }
  return line;
}

const mostLines = 64;

/** Errors whose line is a known slip say the right form, and are then the only ones on their line. */
export function explainSlips(list: readonly PolicyDiagnostic[]): PolicyDiagnostic[] {
  const lines = new Map<string, PolicyDiagnostic>();
  const kept: PolicyDiagnostic[] = [];
  for (const one of list) {
    const key = `${one.file}\0${one.line}`;
    const before = lines.get(key);
    if (before !== undefined && before.hint !== one.hint && one.severity === 'error') continue;
    const known =
      one.severity === 'error' && one.sourceLine.length < 1000 && lines.size < mostLines;
    const code = codeOf(one.sourceLine);
    const hint = known
      ? hintFor(code, [...code].slice(0, one.column - 1).join('').length)
      : undefined;
    const said = hint === undefined ? one : { ...one, hint, suggestion: undefined };
    if (hint !== undefined) lines.set(key, said);
    kept.push(said);
  }
  return kept;
}
