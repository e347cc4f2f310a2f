/** JSON with the place of every value, and with 64-bit integers. */
import type { Findings, SourceText, Span } from './findings.js';

export type JsonNode = Span &
  (
    | { readonly kind: 'object'; readonly members: ReadonlyMap<string, JsonNode> }
    | { readonly kind: 'array'; readonly items: readonly JsonNode[] }
    | { readonly kind: 'string'; readonly value: string }
    /** An integer, where it is one. */
    | { readonly kind: 'number'; readonly value: bigint | undefined }
    | { readonly kind: 'boolean'; readonly value: boolean }
    | { readonly kind: 'null' }
  );

const deepest = 64;

class JsonError extends Error {
  readonly at: number;

  constructor(at: number) {
    super('not valid JSON');
    this.at = at;
  }
}

class Parser {
  private at = 0;
  private readonly source: SourceText;

  constructor(source: SourceText) {
    this.source = source;
  }

  document(): JsonNode {
    const node = this.value(0);
    this.space();
    if (this.at < this.source.text.length) throw new JsonError(this.at);
    return node;
  }

  private take(pattern: RegExp): string | undefined {
    const sticky = new RegExp(pattern.source, 'y');
    sticky.lastIndex = this.at;
    const [found] = sticky.exec(this.source.text) ?? [];
    this.at += found?.length ?? 0;
    return found;
  }

  private space(): void {
    this.take(/[ \t\r\n]*/);
  }

  private expect(mark: string): void {
    this.space();
    if (this.source.text[this.at] !== mark) throw new JsonError(this.at);
    this.at++;
  }

  private string(): string {
    const start = this.at;
    const text = this.take(/"(?:[^"\\\u0000-\u001f]|\\.)*"/);
    if (text === undefined) throw new JsonError(start);
    try {
      return JSON.parse(text) as string;
    } catch {
      throw new JsonError(start);
    }
  }

  private value(depth: number): JsonNode {
    this.space();
    const start = this.at;
    const { source } = this;
    const place = () => ({ source, start, end: this.at });
    if (depth > deepest) throw new JsonError(start);
    const first = source.text[start];
    if (first === '"') {
      const value = this.string();
      return { kind: 'string', value, ...place() };
    }
    if (first === '{') {
      const members = new Map<string, JsonNode>();
      this.list('}', () => {
        this.space();
        const key = this.string();
        this.expect(':');
        members.set(key, this.value(depth + 1));
      });
      return { kind: 'object', members, ...place() };
    }
    if (first === '[') {
      const items: JsonNode[] = [];
      this.list(']', () => items.push(this.value(depth + 1)));
      return { kind: 'array', items, ...place() };
    }
    const number = this.take(/-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/);
    if (number !== undefined && number !== '') {
      const value = /^-?\d{1,20}$/.test(number) ? BigInt(number) : undefined;
      return { kind: 'number', value, ...place() };
    }
    const word = this.take(/true|false|null/);
    if (word === undefined || word === '') throw new JsonError(start);
    if (word === 'null') return { kind: 'null', ...place() };
    return { kind: 'boolean', value: word === 'true', ...place() };
  }

  private list(end: string, item: () => void): void {
    this.at++;
    this.space();
    if (this.source.text[this.at] === end) {
      this.at++;
      return;
    }
    for (;;) {
      item();
      this.space();
      if (this.source.text[this.at] === end) break;
      this.expect(',');
    }
    this.at++;
  }
}

/** Reads JSON; undefined where the text is not JSON, which is then among the findings. */
export function parseJson(source: SourceText, findings: Findings): JsonNode | undefined {
  try {
    return new Parser(source).document();
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    const span = { source, start: error.at, end: error.at + 1 };
    findings.error({ code: 'json', span, message: 'not valid JSON' });
    return undefined;
  }
}
