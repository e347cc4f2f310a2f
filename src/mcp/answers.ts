/** Answers of tools: bounded, as data and as text, and what failed in a form that a model can act on. */
import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import { isWasboxError, type JsonDiff } from '../index.js';

/** Entries of a list in one answer. */
export const maxListed = 1000;

/** The client asked for something that cannot be done. */
export class ToolError extends Error {
  readonly code: string;
  readonly hint: string | undefined;

  constructor(code: string, message: string, hint?: string) {
    super(message);
    this.code = code;
    this.hint = hint;
  }
}

const text = (value: string): CallToolResult['content'] => [{ type: 'text', text: value }];

export const answer = (
  value: Readonly<Record<string, unknown>>,
  asText?: string,
): CallToolResult => ({
  content: text(asText ?? JSON.stringify(value)),
  structuredContent: value,
});

/** Returns an error as data. */
export function failure(error: unknown): CallToolResult {
  if (!(error instanceof ToolError) && !isWasboxError(error)) throw error;
  const { errno } = error as { readonly errno?: string };
  const value = {
    code: error.code,
    message: error.message,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    ...(errno === undefined ? {} : { errno }),
  };
  return { isError: true, content: text(JSON.stringify(value)) };
}

/** Paths are shown escaped: JsonDiff has them so. */
export const changeText = ({ kind, type, path, added, removed, flags, binary }: JsonDiff): string =>
  `${kind} ${type} ${path}${binary ? '' : ` (+${added} -${removed})`}${flags.length > 0 ? ` [${flags.join(', ')}]` : ''}`;

/** Puts changes with a flag first: a payload must not hide what matters behind many others. */
export const inOrder = (changes: readonly JsonDiff[]): readonly JsonDiff[] => [
  ...changes.filter(({ flags }) => flags.length > 0),
  ...changes.filter(({ flags }) => flags.length === 0),
];

/** A line each. */
export function listText(changes: readonly JsonDiff[], most: number): string {
  const lines = inOrder(changes).slice(0, most).map(changeText);
  const left = changes.filter(({ flags }) => flags.length > 0).length - most;
  if (changes.length > most) {
    const among = left > 0 ? `, ${left} of them marked` : '';
    lines.push(`… and ${changes.length - most} more${among}`);
  }
  return lines.join('\n');
}

export const changesValue = (changes: readonly JsonDiff[]) => ({
  total: changes.length,
  changes: changes.slice(0, maxListed).map(({ kind, type, path, added, removed, flags }) => ({
    kind,
    type,
    path,
    added,
    removed,
    flags: [...flags],
  })),
});
