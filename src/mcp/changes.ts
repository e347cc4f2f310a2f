/** The tools that show and apply what the sandbox has changed, and the resources. */
import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { z } from 'zod';
import type { SessionReport } from '../index.js';
import { answer, changesValue, listText, maxListed, ToolError } from './answers.js';
import { canAsk, maxTimeoutMs } from './asking.js';
import { type Serving, sandbox } from './serving.js';
import type { Chosen, Grant } from './workspace.js';

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

/** Whether the client's user grants it, who is told how many paths are deleted. */
async function granted(
  { server }: McpServer,
  { changes }: Chosen,
  signal: AbortSignal,
): Promise<Grant | undefined> {
  const deleted = changes.filter(({ kind }) => kind === 'deleted').length;
  const deletes = deleted === 0 ? '' : `, of which ${deleted} delete a path`;
  const answered = await server.elicitInput(
    {
      message: `Apply ${changes.length} ${changes.length === 1 ? 'change' : 'changes'}${deletes} to your files?\n${listText(changes, 50)}`,
      requestedSchema: {
        type: 'object',
        properties: { apply: { type: 'boolean', title: 'Apply these changes', default: false } },
        required: ['apply'],
      },
    },
    { signal, timeout: maxTimeoutMs },
  );
  const isGranted = answered.action === 'accept' && answered.content?.apply === true;
  return isGranted ? { delete: true } : undefined;
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
      inputSchema: { paths, sandbox },
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
        'Apply changes to the real files, if the user grants it. Ends programs that run in the background.',
      inputSchema: {
        paths,
        delete: z
          .boolean()
          .optional()
          .describe('Also if more than 100 paths, or half of the directory, are deleted'),
        sandbox,
      },
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
          // Of nothing, nothing is granted or declined.
          ...(outcome === 'nothing_to_apply' ? {} : { granted: outcome === 'applied' }),
          applied: applied?.applied.map(({ path }) => path).slice(0, maxListed) ?? [],
          refused: applied?.refused.map(({ path, message }) => ({ path, message })) ?? [],
          held_back: chosen.heldBack.map(({ path }) => path).slice(0, maxListed),
        });
      }),
  );
  addResources(serving);
}
