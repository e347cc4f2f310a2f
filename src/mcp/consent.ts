/**
 * Asks the client's user whether changes may be applied. A question shows each change that it is about, with its content;
 * what no question showed is not applied.
 */
import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import type { JsonDiff, ShownChange } from '../index.js';
import { changeText, inOrder } from './answers.js';
import { maxTimeoutMs } from './asking.js';
import type { Chosen, Grant } from './workspace.js';

/** The most that one question shows, so that it can be read. */
const maxChanges = 50;
const maxLength = 32_000;
/** How many questions follow each other. */
const maxQuestions = 10;
/** Lines of one change that are shown; the rest is counted. */
const maxLines = 400;

interface Question {
  readonly changes: readonly JsonDiff[];
  readonly text: string;
}

/** The change as text, cut off where it is very long. */
function shortened(text: string): string {
  const lines = text.trimEnd().split('\n');
  const shown = lines.slice(0, maxLines).join('\n');
  const whole = shown.length <= maxLength && lines.length <= maxLines;
  if (whole) return shown;
  const cut = shown.slice(0, maxLength);
  const left = lines.length - cut.split('\n').length;
  return `${cut}\n… ${left} more lines that are not shown here: the user sees all with wasbox diff`;
}

/** Yields what goes together: a change, or the two of a rename. What has a flag comes first. */
function* entries(
  changes: readonly JsonDiff[],
  shown: readonly ShownChange[],
): Generator<Question> {
  const left = new Map(changes.map((change) => [change.path, change]));
  const byPath = new Map(shown.flatMap((one) => one.paths.map((path) => [path, one] as const)));
  for (const { path } of inOrder(changes)) {
    if (!left.has(path)) continue;
    const one = byPath.get(path);
    const own = (one?.paths ?? [path]).flatMap((name) => left.get(name) ?? []);
    for (const change of own) left.delete(change.path);
    yield { changes: own, text: one === undefined ? '' : shortened(one.text) };
  }
}

function questionsOf(changes: readonly JsonDiff[], shown: readonly ShownChange[]): Question[] {
  const questions: { changes: JsonDiff[]; text: string }[] = [];
  for (const { changes: own, text } of entries(changes, shown)) {
    const last = questions.at(-1);
    const fits =
      last !== undefined &&
      last.changes.length + own.length <= maxChanges &&
      last.text.length + text.length <= maxLength;
    if (last === undefined || !fits) questions.push({ changes: [...own], text });
    else {
      last.changes.push(...own);
      last.text += `\n${text}`;
    }
  }
  return questions;
}

const counted = (count: number): string => `${count} ${count === 1 ? 'change' : 'changes'}`;

function messageOf(question: Question, index: number, all: readonly Question[]): string {
  const { changes, text } = question;
  const deleted = changes.filter(({ kind }) => kind === 'deleted').length;
  const deletes = deleted === 0 ? '' : `, of which ${deleted} delete a path`;
  const total = all.reduce((sum, one) => sum + one.changes.length, 0);
  const part = all.length === 1 ? '' : ` (question ${index + 1} of ${all.length}, of ${total})`;
  const first = `Apply ${counted(changes.length)}${deletes} to your files?${part}`;
  return [first, ...changes.map(changeText), '', text].join('\n');
}

/** Returns the changes that the client's user grants; undefined if none. */
export async function granted(
  { server }: McpServer,
  { changes, shown }: Chosen,
  signal: AbortSignal,
): Promise<Grant | undefined> {
  const all = questionsOf(changes, await shown());
  const paths: string[] = [];
  for (const [index, question] of all.slice(0, maxQuestions).entries()) {
    const answered = await server.elicitInput(
      {
        message: messageOf(question, index, all),
        requestedSchema: {
          type: 'object',
          properties: { apply: { type: 'boolean', title: 'Apply these changes', default: false } },
          required: ['apply'],
        },
      },
      { signal, timeout: maxTimeoutMs },
    );
    if (answered.action === 'accept' && answered.content?.apply === true)
      paths.push(...question.changes.map(({ path }) => path));
    else if (answered.action !== 'accept') break; // the user wants no more questions
  }
  return paths.length === 0 ? undefined : { delete: true, paths };
}
