/** Says what a diagnostic of a policy says, and how it looks on a terminal; without the policy core. */
import { displayText } from '../text/index.js';

/** A place in a policy file. Lines and columns count from 1, columns in characters. */
export interface PolicyPlace {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** An error or a warning in a policy. */
export interface PolicyDiagnostic extends PolicyPlace {
  readonly severity: 'error' | 'warning';
  /** Stable name, for instance `syscall`. */
  readonly code: string;
  /** The message, without the place. */
  readonly message: string;
  /** Advice on it. */
  readonly hint: string | undefined;
  /** The word that was probably meant. */
  readonly suggestion: string | undefined;
  /** Characters that it is about, at least 1. */
  readonly length: number;
  /** The line that it is on. */
  readonly sourceLine: string;
  /** Another place that belongs to it, for instance the rule that shadows this one. */
  readonly related: PolicyPlace | undefined;
}

const mostShown = 160;

/** The source line, or of a long one what is around the place; `start` is where the place begins. */
function clip({ sourceLine, column, length }: PolicyDiagnostic) {
  const all = [...sourceLine.replaceAll('\t', ' ')];
  if (all.length <= mostShown) return { characters: all, start: column - 1 };
  const room = mostShown - Math.min(length, mostShown / 2);
  const from = Math.max(0, Math.min(column - 1 - Math.floor(room / 2), all.length - mostShown));
  const shown = all.slice(from, from + mostShown);
  if (from > 0) shown[0] = '…';
  if (from + mostShown < all.length) shown[shown.length - 1] = '…';
  return { characters: shown, start: column - 1 - from };
}

/** Renders one diagnostic: place and message, source line, caret, hint. */
export function formatDiagnostic(d: PolicyDiagnostic): string {
  const lines = [displayText(`${d.file}:${d.line}:${d.column}: ${d.severity}: ${d.message}`)];
  if (d.sourceLine.trim() !== '') {
    const { characters, start } = clip(d);
    const width = (list: string[]) => [...displayText(list.join(''))].length;
    const gap = width(characters.slice(0, start));
    const caret = Math.max(1, width(characters.slice(start, start + d.length)));
    lines.push(
      `    ${displayText(characters.join(''))}`,
      `    ${' '.repeat(gap)}${'^'.repeat(caret)}`,
    );
  }
  if (d.hint !== undefined) lines.push(`    ${displayText(d.hint)}`);
  return lines.join('\n');
}
