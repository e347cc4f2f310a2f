/** The tools for files, as the programs of the sandbox see them. */
import { z } from 'zod';
import { answer, maxListed } from './answers.js';
import { maxAnswerBytes, type Serving, sandbox } from './serving.js';

export function addFiles({ server, workspaces, limited, alone }: Serving): void {
  const path = z.string().min(1).describe('Relative paths start from the project');
  server.registerTool(
    'read_file',
    {
      description: 'Read a file of the sandbox; base64 if it is not UTF-8.',
      inputSchema: z.strictObject({
        path,
        max_bytes: z.number().int().min(1).max(10_000_000).optional(),
        sandbox,
      }),
      annotations: { readOnlyHint: true },
    },
    ({ path: file, max_bytes: maxBytes = maxAnswerBytes, sandbox: name }) =>
      limited(async () => {
        const read = () => workspaces.get(name).use(({ files }) => files.read(file, { maxBytes }));
        const bytes = await (maxBytes > maxAnswerBytes ? alone(read) : read());
        try {
          const content = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
          return answer({ encoding: 'utf8', content }, content);
        } catch {
          const content = Buffer.from(bytes).toString('base64');
          return answer({ encoding: 'base64', content });
        }
      }),
  );
  server.registerTool(
    'write_file',
    {
      description: 'Write a file in the sandbox, and the directories that it lies in.',
      inputSchema: z.strictObject({
        path,
        content: z.string(),
        encoding: z.enum(['utf8', 'base64']).optional(),
        append: z.boolean().optional(),
        sandbox,
      }),
    },
    ({ path: file, content, encoding, append, sandbox: name }) =>
      limited(async () => {
        const bytes = Buffer.from(content, encoding ?? 'utf8');
        await workspaces.get(name).use(({ files }) => files.write(file, bytes, { append }));
        return answer({ bytes: bytes.length });
      }),
  );
  server.registerTool(
    'list_files',
    {
      description: 'List a directory of the sandbox.',
      inputSchema: z.strictObject({ path: path.optional(), sandbox }),
      annotations: { readOnlyHint: true },
    },
    ({ path: directory, sandbox: name }) =>
      limited(async () => {
        const entries = await workspaces.get(name).use(({ files }) => files.list(directory));
        return answer({ total: entries.length, entries: entries.slice(0, maxListed) });
      }),
  );
  server.registerTool(
    'remove_file',
    {
      description:
        'Remove a file or directory of the sandbox; removed is false where there is none.',
      inputSchema: z.strictObject({ path, recursive: z.boolean().optional(), sandbox }),
    },
    ({ path: file, recursive, sandbox: name }) =>
      limited(async () => {
        const removed = await workspaces
          .get(name)
          .use(({ files }) => files.remove(file, { recursive }));
        return answer({ removed });
      }),
  );
}
