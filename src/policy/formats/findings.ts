/** Reports what a reader of another tool's format finds, with places in its text. */
import type { PolicyDiagnostic, PolicyPlace } from '../format-diagnostic.js';

/** A file that is being converted. */
export interface SourceText {
  readonly name: string;
  readonly text: string;
}

/** A part of a file, in UTF-16 units. */
export interface Span {
  readonly source: SourceText;
  readonly start: number;
  readonly end: number;
}

/** Bytes of a file that is read at all, as the core's own limit. */
export const mostSource = 1 << 20;

/** More would only repeat what is wrong. */
const mostFindings = 64;

interface Place extends PolicyPlace {
  readonly length: number;
  readonly sourceLine: string;
}

export function placeOf({ source, start, end }: Span): Place {
  const { text, name } = source;
  const at = Math.min(start, text.length);
  const before = text.slice(0, at);
  const lineStart = before.lastIndexOf('\n') + 1;
  const next = text.indexOf('\n', at);
  const lineEnd = next < 0 ? text.length : next;
  return {
    file: name,
    line: before.split('\n').length,
    column: [...before.slice(lineStart)].length + 1,
    length: Math.max(1, [...text.slice(at, Math.min(end, lineEnd))].length),
    sourceLine: text.slice(lineStart, lineEnd).replace(/\r$/, ''),
  };
}

export interface Finding {
  readonly code: string;
  readonly span: Span;
  readonly message: string;
  readonly hint?: string | undefined;
  readonly related?: Span | undefined;
}

export class Findings {
  readonly list: PolicyDiagnostic[] = [];
  failed = false;

  error(finding: Finding): void {
    this.failed = true;
    this.add('error', finding);
  }

  warning(finding: Finding): void {
    this.add('warning', finding);
  }

  private add(severity: 'error' | 'warning', finding: Finding): void {
    const { code, span, message, hint, related } = finding;
    if (this.list.length >= mostFindings) return;
    const other = related && placeOf(related);
    this.list.push({
      severity,
      code,
      message,
      hint,
      suggestion: undefined,
      ...placeOf(span),
      related: other && { file: other.file, line: other.line, column: other.column },
    });
  }

  /** A call that the tables lack; returns false for it. */
  unknownCall(span: Span, name: string): void {
    this.warning({
      code: 'unknown-call',
      span,
      message: `left out: unknown system call \`${name}\``,
    });
  }
}

/** The result of a reader for a file; undefined where that had errors. */
export interface FormatResult {
  readonly text: string | undefined;
  readonly diagnostics: readonly PolicyDiagnostic[];
  /** Frequencies of calls that the file brings, as `--weights` takes them. */
  readonly weights?: string | undefined;
}

/** The input of readers beside the text. */
export interface FormatInput {
  readonly source: SourceText;
  /** Files that it may name. */
  readonly files: Readonly<Record<string, string>>;
  readonly targets: readonly string[];
  /** The policy to read, for a file with several. */
  readonly part: string | undefined;
}
