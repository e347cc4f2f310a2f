/** Diagnostics with their place in the source, and how they look on a terminal. */
import type { CoreDiagnostic, CorePlace, CoreResult } from '../core/index.js';
import { layout } from '../core/index.js';
import { displayText } from '../text/index.js';
import { isWarning, publicCode, words } from './messages.js';

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
  /** What to do about it. */
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

const decoder = new TextDecoder();
const lineFeed = 10;

type SourceFile = CoreResult['files'][number];

export interface Located extends PolicyPlace {
  readonly sourceLine: string;
  readonly length: number;
  readonly text: string;
}

/** Finds line and column of a place given in bytes. */
export function locate(files: readonly SourceFile[], place: CorePlace): Located {
  const file = files[place.file];
  const bytes = file?.text ?? new Uint8Array();
  const start = Math.min(place.start, bytes.length);
  let line = 1;
  let lineStart = 0;
  for (
    let at = bytes.indexOf(lineFeed);
    at >= 0 && at < start;
    at = bytes.indexOf(lineFeed, at + 1)
  ) {
    line++;
    lineStart = at + 1;
  }
  const next = bytes.indexOf(lineFeed, start);
  const lineEnd = next < 0 ? bytes.length : next;
  const end = Math.max(start, Math.min(place.end, bytes.length));
  const decode = (from: number, to: number) => decoder.decode(bytes.subarray(from, to));
  const before = decode(lineStart, start);
  return {
    file: file?.name ?? '',
    line,
    column: [...before].length + 1,
    length: Math.max(1, [...decode(start, Math.min(end, lineEnd))].length),
    sourceLine: decode(lineStart, lineEnd).replace(/\r$/, ''),
    text: decode(start, end),
  };
}

export function describe(
  files: readonly SourceFile[],
  diagnostic: CoreDiagnostic,
): PolicyDiagnostic {
  const place = locate(files, diagnostic);
  const other = diagnostic.related && locate(files, diagnostic.related);
  const related = other && { file: other.file, line: other.line, column: other.column };
  const facts = {
    text: place.text,
    number: diagnostic.number,
    detail: diagnostic.detail,
    related:
      other === undefined
        ? ''
        : other.file === place.file
          ? `line ${other.line}`
          : `${other.file}:${other.line}`,
  };
  const code = layout.codeNames[diagnostic.code] ?? 'e_internal';
  const suggestion = diagnostic.suggestion === '' ? undefined : diagnostic.suggestion;
  const sigil = place.text.startsWith('@') ? '@' : '';
  return {
    severity: isWarning(diagnostic) ? 'warning' : 'error',
    code: publicCode(code),
    message: words[code].message(facts),
    hint:
      suggestion === undefined
        ? words[code].hint?.(facts)
        : `Did you mean \`${sigil}${suggestion}\`?`,
    suggestion,
    file: place.file,
    line: place.line,
    column: place.column,
    length: place.length,
    sourceLine: place.sourceLine,
    related,
  };
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
