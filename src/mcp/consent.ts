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

/** Changes that are granted together. */
interface Question {
  readonly changes: readonly JsonDiff[];
  /** Texts that are shown one after the other: more than one where a change is too long for one. */
  readonly pages: readonly string[];
}

/** The change as texts that can be shown. */
function pagesOf(text: string): string[] {
  const pages: string[] = [];
  for (let rest = text.trimEnd(), size = 0; pages.length === 0 || rest !== ''; ) {
    const line = rest.lastIndexOf('\n', maxLength - 1) + 1;
    size = rest.length <= maxLength || line === 0 ? maxLength : line;
    pages.push(rest.slice(0, size));
    rest = rest.slice(size);
  }
  return pages;
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
    yield { changes: own, pages: pagesOf(one?.text ?? '') };
  }
}

function questionsOf(changes: readonly JsonDiff[], shown: readonly ShownChange[]): Question[] {
  const questions: Question[] = [];
  for (const one of entries(changes, shown)) {
    const last = questions.at(-1);
    const text = [...(last?.pages ?? []), ...one.pages].join('\n');
    const together = [...(last?.changes ?? []), ...one.changes];
    const fits = together.length <= maxChanges && text.length <= maxLength;
    if (last === undefined || !fits) questions.push(one);
    else questions.splice(-1, 1, { changes: together, pages: [text] });
  }
  return questions;
}

const counted = (count: number): string => `${count} ${count === 1 ? 'change' : 'changes'}`;

/** @param at which of the question's pages is shown */
function messageOf(
  { changes, pages }: Question,
  at: number,
  index: number,
  all: readonly Question[],
): string {
  const deleted = changes.filter(({ kind }) => kind === 'deleted').length;
  const deletes = deleted === 0 ? '' : `, of which ${deleted} delete a path`;
  const total = all.reduce((sum, one) => sum + one.changes.length, 0);
  const part = all.length === 1 ? '' : ` (question ${index + 1} of ${all.length}, of ${total})`;
  const page = pages.length === 1 ? '' : ` (part ${at + 1} of ${pages.length}: accept each)`;
  const first = `Apply ${counted(changes.length)}${deletes} to your files?${part}${page}`;
  return [first, ...changes.map(changeText), '', pages[at]].join('\n');
}

/** Returns the changes that the client's user grants; undefined if none. */
export async function granted(
  { server }: McpServer,
  { changes, shown }: Chosen,
  signal: AbortSignal,
): Promise<Grant | undefined> {
  const all = questionsOf(changes, await shown());
  const paths: string[] = [];
  let left = maxQuestions;
  for (const [index, question] of all.entries()) {
    const { pages } = question;
    // A change that cannot be shown whole is not asked about: the user sees it with `wasbox diff`.
    if (pages.length > left) continue;
    let isGranted = true;
    for (let at = 0; at < pages.length && isGranted; at++, left--) {
      const answered = await server.elicitInput(
        {
          message: messageOf(question, at, index, all),
          requestedSchema: {
            type: 'object',
            properties: {
              apply: { type: 'boolean', title: 'Apply these changes', default: false },
            },
            required: ['apply'],
          },
        },
        { signal, timeout: maxTimeoutMs },
      );
      if (answered.action !== 'accept') left = 0; // the user wants no more questions
      isGranted = answered.action === 'accept' && answered.content?.apply === true;
    }
    if (isGranted) paths.push(...question.changes.map(({ path }) => path));
  }
  return paths.length === 0 ? undefined : { delete: true, paths };
}
