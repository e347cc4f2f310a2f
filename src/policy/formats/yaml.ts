/** YAML with the place of every value, as the readers of JSON have it. */
import { isAlias, isMap, isScalar, isSeq, type Node, parseAllDocuments } from 'yaml';
import type { Findings, SourceText, Span } from './findings.js';
import type { JsonNode } from './json.js';

const deepest = 64;
const mostDocuments = 64;

class Refused extends Error {
  readonly at: number;

  constructor(message: string, at: number) {
    super(message);
    this.at = at;
  }
}

function convert(source: SourceText, node: unknown, depth: number): JsonNode {
  const [start = 0, end = start] = (node as Partial<Node> | null)?.range ?? [];
  const span: Span = { source, start, end };
  if (depth > deepest) throw new Refused('nested too deeply', start);
  if (isAlias(node)) throw new Refused('aliases are not read', start);
  if (isSeq(node)) {
    const items = node.items.map((item) => convert(source, item, depth + 1));
    return { ...span, kind: 'array', items };
  }
  if (isMap(node)) {
    const members = new Map<string, JsonNode>();
    for (const { key, value } of node.items)
      members.set(isScalar(key) ? String(key.value) : '', convert(source, value, depth + 1));
    return { ...span, kind: 'object', members };
  }
  const value: unknown = isScalar(node) ? node.value : null;
  switch (typeof value) {
    case 'string':
      return { ...span, kind: 'string', value };
    case 'bigint':
      return { ...span, kind: 'number', value };
    case 'number':
      return { ...span, kind: 'number', value: undefined };
    case 'boolean':
      return { ...span, kind: 'boolean', value };
    default:
      return { ...span, kind: 'null' };
  }
}

/** The documents of a file; undefined where it is not valid. JSON is YAML, too. */
export function parseYaml(source: SourceText, findings: Findings): JsonNode[] | undefined {
  const fail = (message: string, at: number, end = at + 1): undefined => {
    findings.error({ code: 'yaml', span: { source, start: at, end }, message });
    return undefined;
  };
  try {
    const parsed = parseAllDocuments(source.text, { intAsBigInt: true, logLevel: 'silent' });
    const documents = 'empty' in parsed ? [] : parsed.slice(0, mostDocuments);
    const [error] = documents.flatMap(({ errors }) => errors);
    if (error !== undefined)
      return fail(`not valid YAML: ${error.code.toLowerCase().replaceAll('_', ' ')}`, ...error.pos);
    return documents.flatMap(({ contents }) =>
      contents === null ? [] : convert(source, contents, 0),
    );
  } catch (error) {
    if (error instanceof Refused) return fail(error.message, error.at);
    // The parser is recursive, and knows no limit; QuickJS has an error of its own for that.
    const { name } = error as Error;
    if (name === 'RangeError' || name === 'InternalError') return fail('nested too deeply', 0);
    throw error;
  }
}
