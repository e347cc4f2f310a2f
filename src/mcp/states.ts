/** The tools for states of the sandbox's files: snapshots, rollbacks and forks. */
import { z } from 'zod';
import { answer } from './answers.js';
import { type Serving, sandbox } from './serving.js';
import { mainName } from './workspaces.js';

const snapshot = z.string().optional();

export function addStates({ server, workspaces, limited }: Serving): void {
  server.registerTool(
    'snapshot',
    {
      description:
        'Record the state of the files before a risky step. Copies nothing. Ends programs that run in the background.',
      inputSchema: z.strictObject({ sandbox }),
    },
    ({ sandbox: name }, { signal }) =>
      limited(async () => answer(await workspaces.get(name).snapshot(signal))),
  );
  server.registerTool(
    'rollback',
    {
      description:
        'Restore the files of the sandbox from a snapshot. Ends everything that runs in it. Changes that were applied stay.',
      inputSchema: z.strictObject({
        sandbox,
        snapshot: snapshot.describe('Without it, the last one'),
      }),
      annotations: { destructiveHint: true },
    },
    ({ sandbox: name, snapshot: to }) =>
      limited(async () => answer(await workspaces.get(name).rollback(to))),
  );
  server.registerTool(
    'fork',
    {
      description:
        'Make a separate sandbox that starts from the current files or from a snapshot. Pass its name as sandbox to the other tools. Without a snapshot, programs that run in the background end.',
      inputSchema: z.strictObject({
        sandbox,
        snapshot: snapshot.describe('Without it, the current files'),
      }),
    },
    ({ sandbox: name, snapshot: from }, { signal }) =>
      limited(async () => answer({ sandbox: await workspaces.fork(name, from, signal) })),
  );
  server.registerTool(
    'discard_fork',
    {
      description: 'End a fork and drop what it changed.',
      inputSchema: z.strictObject({
        sandbox: z.string().describe(`Name of the fork; not ${mainName}`),
      }),
      annotations: { destructiveHint: true },
    },
    ({ sandbox: name }) =>
      limited(async () => {
        await workspaces.discard(name);
        return answer({ discarded: name });
      }),
  );
}
