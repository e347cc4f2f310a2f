/** Words and marks of kafel's policies, with included files in place. */
import { type Findings, mostSource, type SourceText, type Span } from './findings.js';

export interface Token extends Span {
  readonly kind: 'word' | 'number' | 'string' | 'mark' | 'directive' | 'end';
  readonly text: string;
}

const pattern =
  /(?<space>\s+|\/\/[^\n]*|\/\*[\s\S]*?\*\/)|(?<directive>#[a-z]+)|(?<number>0[xX][\da-fA-F]+|0[bB][01]+|\d+)(?![A-Za-z_])|(?<word>[A-Za-z_]\w*)|(?<string>"[^"\n]*")|(?<mark>\|\||&&|[=!<>]=|[(){}[\],;!<>&|~])/y;

/** Includes go as deep as kafel's own, and no policy has more tokens than this. */
const deepestInclude = 16;
const mostTokens = 1 << 18;

export function tokensOf(
  source: SourceText,
  files: Readonly<Record<string, string>>,
  findings: Findings,
  open: readonly string[] = [],
  found: Token[] = [],
): Token[] {
  const { text } = source;
  pattern.lastIndex = 0;
  for (let at = 0; at < text.length; ) {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (match === null) {
      const span = { source, start: at, end: at + 1 };
      findings.error({ code: 'character', span, message: 'unexpected character' });
      return found;
    }
    const end = at + match[0].length;
    const [kind] = Object.entries(match.groups ?? {}).find(([, part]) => part !== undefined) ?? [
      '',
    ];
    const token = { kind: kind as Token['kind'], text: match[0], source, start: at, end };
    at = end;
    if (kind === 'space') continue;
    if (found.length >= mostTokens) {
      findings.error({ code: 'too-large', span: token, message: 'the policy is too large' });
      return found;
    }
    if (kind === 'directive' && match[0] === '#include') {
      const name = /[ \t]*"([^"\n]*)"/y;
      name.lastIndex = at;
      const file = name.exec(text);
      at += file?.[0].length ?? 0;
      include(token, file?.[1], files, findings, open, found);
    } else {
      found.push(token);
    }
  }
  return found;
}

function include(
  span: Span,
  name: string | undefined,
  files: Readonly<Record<string, string>>,
  findings: Findings,
  open: readonly string[],
  found: Token[],
): void {
  const text = name !== undefined && Object.hasOwn(files, name) ? files[name] : undefined;
  if (name === undefined || text === undefined || text.length > mostSource) {
    findings.error({ code: 'include', span, message: `can't read the included file` });
  } else if (open.includes(name) || open.length >= deepestInclude) {
    findings.error({ code: 'include-cycle', span, message: `${name} includes itself` });
  } else {
    tokensOf({ name, text }, files, findings, [...open, name], found);
  }
}
