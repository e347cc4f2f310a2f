/** Lines of a text that may go on in the next one. */
import type { SourceText, Span } from './findings.js';

/** Says what a line gives to the whole, and whether the next one belongs to it. */
export interface LinePart {
  readonly kept: string;
  readonly more: boolean;
}

export interface JoinedLine extends Span {
  readonly line: string;
}

/** @param read of one line, without its end; `before` is what the whole has so far */
export function* joinedLines(
  source: SourceText,
  read: (raw: string, before: string, isLast: boolean) => LinePart,
): Generator<JoinedLine> {
  const { text } = source;
  for (let at = 0; at < text.length; ) {
    const start = at;
    let line = '';
    for (let more = true; more && at < text.length; ) {
      const next = text.indexOf('\n', at);
      const raw = text.slice(at, next < 0 ? text.length : next);
      at = (next < 0 ? text.length : next) + 1;
      const part = read(raw, line, next < 0);
      line += part.kept;
      more = part.more;
    }
    yield { source, start, end: at, line };
  }
}
