// The loop of agent.ts, as a client of `wasbox mcp`: agent-mcp.ts STEPS     (npm install @modelcontextprotocol/sdk)
// In place of a model, the file STEPS has one step per line: {"tool": "run_command", "arguments": {"argv": ["make",
// "test"]}}, with the server's tools and their arguments. "risky": true takes a snapshot first, and rolls back if the step
// fails. In place of a user's answers: a request that begins with one of the texts in ALLOW (JSON, such as
// ["connect to 192.0.2.7:443"]) is allowed once, all others are denied; changes are applied if APPLY=yes.
import { readFileSync } from 'node:fs';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { ElicitRequestSchema, type ElicitResult } from '@modelcontextprotocol/sdk/types.js';

interface Step {
  readonly tool: string;
  readonly arguments: Record<string, unknown>;
  readonly risky?: boolean;
}

const maxSteps = 50;
/** The user's answer may take longer than the SDK's own limit of a minute. */
const callMs = 10 * 60_000;
const allowed: string[] = JSON.parse(process.env.ALLOW ?? '[]');

/** The server asks in words, with a form for the answer. A real client shows both to its user. */
function answer(message: string, form: object): ElicitResult {
  console.error(message);
  if ('apply' in form) {
    return { action: 'accept', content: { apply: process.env.APPLY === 'yes' } };
  }
  const wish = /^A program in the sandbox wants to (.*)$/m.exec(message)?.[1] ?? '';
  const allows = allowed.some((text) => wish.startsWith(text));
  return { action: 'accept', content: { decision: allows ? 'allow once' : 'deny' } };
}

const client = new Client(
  { name: 'agent', version: '1.0.0' },
  { capabilities: { elicitation: {} } },
);
client.setRequestHandler(ElicitRequestSchema, ({ params }) =>
  answer(params.message, 'requestedSchema' in params ? params.requestedSchema.properties : {}),
);
const [command = 'wasbox', ...words] = JSON.parse(process.env.WASBOX ?? '["wasbox"]');
await client.connect(
  new StdioClientTransport({
    command,
    args: [...words, 'mcp', '--ask', '--timeout', '30m', '--memory', '2G'],
    env: process.env as Record<string, string>,
  }),
);

/** A command answers with JSON text; a mistake is told in words, too. */
function dataOf(text: string): Record<string, unknown> {
  try {
    return { ...JSON.parse(text), text };
  } catch {
    return { text };
  }
}

async function call(name: string, given: Record<string, unknown>) {
  const { isError, structuredContent, content } = await client.callTool(
    { name, arguments: given },
    undefined,
    { timeout: callMs },
  );
  const [first] = content as { text?: string }[];
  const value = (structuredContent ?? dataOf(first?.text ?? '')) as Record<string, unknown>;
  return { failed: isError === true || ![undefined, 0].includes(value.exit_code as number), value };
}

async function take({ tool, arguments: given, risky }: Step) {
  const { sandbox } = given;
  const before = risky ? await call('snapshot', { sandbox }) : undefined;
  const { failed, value } = await call(tool, given);
  const undone = before !== undefined && failed;
  if (undone) await call('rollback', { sandbox, snapshot: before.value.snapshot });
  return { failed, undone, ...value };
}

const [file = ''] = process.argv.slice(2);
const steps: Step[] = readFileSync(file, 'utf8')
  .split('\n')
  .filter((line) => line.trim() !== '')
  .map((line) => JSON.parse(line));
try {
  for (const step of steps.slice(0, maxSteps)) console.log(JSON.stringify(await take(step)));
} finally {
  await client.close();
}
