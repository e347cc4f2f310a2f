/** The tools for states of the sandbox's files: to go back to, and to go on from apart. */
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
        'Note the state of the files before a risky step. Copies nothing. Ends programs that run in the background.',
      inputSchema: { sandbox },
    },
    ({ sandbox: name }, { signal }) =>
      limited(async () => answer(await workspaces.get(name).snapshot(signal))),
  );
  server.registerTool(
    'rollback',
    {
      description:
        'Put the files of the sandbox back to a snapshot. Ends all that runs in it. What was applied stays.',
      inputSchema: { sandbox, snapshot: snapshot.describe('Without it, the last one') },
      annotations: { destructiveHint: true },
    },
    ({ sandbox: name, snapshot: to }) =>
      limited(async () => answer(await workspaces.get(name).rollback(to))),
  );
  server.registerTool(
    'fork',
    {
      description:
        'Make a sandbox of its own that goes on from the files of now, or from a snapshot. Pass its name as sandbox to the other tools. Without a snapshot, programs that run in the background end.',
      inputSchema: { sandbox, snapshot: snapshot.describe('Without it, the files of now') },
    },
    ({ sandbox: name, snapshot: from }, { signal }) =>
      limited(async () => answer({ sandbox: await workspaces.fork(name, from, signal) })),
  );
  server.registerTool(
    'discard_fork',
    {
      description: 'End a fork and drop what it changed.',
      inputSchema: { sandbox: z.string().describe(`Name of the fork; not ${mainName}`) },
      annotations: { destructiveHint: true },
    },
    ({ sandbox: name }) =>
      limited(async () => {
        await workspaces.discard(name);
        return answer({ discarded: name });
      }),
  );
}
