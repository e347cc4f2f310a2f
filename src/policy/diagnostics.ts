/** Diagnostics with their place in the source. */
import type { CoreDiagnostic, CorePlace, CoreResult } from '../core/index.js';
import { layout } from '../core/index.js';
import type { PolicyDiagnostic, PolicyPlace } from './format-diagnostic.js';
import { isWarning, publicCode, words } from './messages.js';

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
