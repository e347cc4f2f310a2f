/** The tools that show and apply what the sandbox has changed, and the resources. */
import { z } from 'zod';
import type { JsonDiff, RunApplied, SessionReport } from '../index.js';
import { answer, changesValue, listText, maxListed, ToolError } from './answers.js';
import { canAsk } from './asking.js';
import { granted } from './consent.js';
import { type Serving, sandbox } from './serving.js';

const maxWords = 20;
const maxWordLength = 200;

/** A client's own words may be long, and many. */
function reportText({ programs, ...report }: SessionReport): string {
  const short = (word: string): string =>
    word.length > maxWordLength ? `${word.slice(0, maxWordLength)}…` : word;
  const told = programs.map(({ argv, ...program }) => ({
    argv: argv.slice(0, maxWords).map(short),
    words: argv.length,
    ...program,
  }));
  return JSON.stringify({ ...report, programs: told });
}

function addResources({ server, workspaces, counted }: Serving): void {
  server.registerResource(
    'diff',
    'wasbox://diff',
    { description: 'What the sandbox has changed', mimeType: 'application/json' },
    async (uri) => {
      const changes = await counted(() => workspaces.get().use((session) => session.diff()));
      const body = JSON.stringify(changesValue(changes));
      return { contents: [{ uri: uri.href, mimeType: 'application/json', text: body }] };
    },
  );
  server.registerResource(
    'report',
    'wasbox://report',
    {
      description: 'The last programs and how they ended',
      mimeType: 'application/json',
    },
    async (uri) => {
      const report = await counted(() => workspaces.get().use((session) => session.report()));
      return {
        contents: [{ uri: uri.href, mimeType: 'application/json', text: reportText(report) }],
      };
    },
  );
}

/** Returns what was asked about and not granted, or not asked about because it was too much to show. */
function notGranted(asked: readonly JsonDiff[], applied: RunApplied | undefined): string[] {
  const settled = new Set(
    [...(applied?.applied ?? []), ...(applied?.refused ?? [])].map(({ path }) => path),
  );
  return asked.flatMap(({ path }) => (settled.has(path) ? [] : [path])).slice(0, maxListed);
}

export function addChanges(serving: Serving): void {
  const { server, workspaces, asking, limited, allowApply } = serving;
  const paths = z
    .array(z.string().min(1))
    .min(1)
    .optional()
    .describe('Only these paths and what is below them');
  server.registerTool(
    'diff',
    {
      description: 'List what the sandbox has changed, compared with the real files.',
      inputSchema: z.strictObject({ paths, sandbox }),
      annotations: { readOnlyHint: true },
    },
    ({ paths: chosen, sandbox: name }) =>
      limited(async () => {
        const changes = await workspaces.get(name).use((session) => session.diff(chosen));
        return answer(changesValue(changes), listText(changes, maxListed) || 'no changes');
      }),
  );
  server.registerTool(
    'apply',
    {
      description:
        'Apply changes to the real files, if the user grants it. The user is asked about each of them, with its content: ask for few at a time. What is too long to be shown so is not granted: the user can apply it with wasbox apply. Ends programs that run in the background.',
      inputSchema: z.strictObject({
        paths,
        delete: z
          .boolean()
          .optional()
          .describe('Also if more than 100 paths, or half of the directory, are deleted'),
        sandbox,
      }),
      annotations: { destructiveHint: true },
    },
    ({ paths: asked, delete: large = false, sandbox: name }, { signal }) =>
      limited(async () => {
        if (!allowApply && !canAsk(server)) {
          throw new ToolError(
            'NOT_ALLOWED',
            'the user has not allowed changes to be applied, and this client cannot ask',
            'The user can start wasbox mcp with --allow-apply, or run wasbox apply later.',
          );
        }
        const ends = AbortSignal.any([signal, asking.left]);
        const { outcome, chosen, applied } = await workspaces
          .get(name)
          .apply(asked, async (all) =>
            allowApply ? { delete: large } : granted(server, all, ends),
          );
        return answer({
          outcome,
          // If there was nothing to apply, nothing is granted or declined.
          ...(outcome === 'nothing_to_apply' ? {} : { granted: outcome === 'applied' }),
          applied: applied?.applied.map(({ path }) => path).slice(0, maxListed) ?? [],
          refused: applied?.refused.map(({ path, message }) => ({ path, message })) ?? [],
          not_granted: notGranted(chosen.changes, applied),
          held_back: chosen.heldBack.map(({ path }) => path).slice(0, maxListed),
        });
      }),
  );
  addResources(serving);
}
