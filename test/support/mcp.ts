/** `wasbox mcp`, and the SDK's own client that talks with it. */
import type { ChildProcess } from 'node:child_process';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { ReadBuffer, serializeMessage } from '@modelcontextprotocol/sdk/shared/stdio.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { ElicitRequestSchema, type ElicitResult } from '@modelcontextprotocol/sdk/types.js';
import type { Identity } from './identity.js';
import { makeProject } from './project.js';
import { startWasbox } from './wasbox.js';

/** A transport like the SDK's own for stdio, for a process that was started as another user. */
class PipeTransport implements Transport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: NonNullable<Transport['onmessage']>;
  readonly #child: ChildProcess;
  readonly #buffer = new ReadBuffer({ maxBufferSize: 2 ** 30 });

  constructor(child: ChildProcess) {
    this.#child = child;
  }

  async start(): Promise<void> {
    this.#child.stdout?.on('data', (chunk: Buffer) => {
      this.#buffer.append(chunk);
      for (let message = this.#buffer.readMessage(); message !== null; ) {
        this.onmessage?.(message);
        message = this.#buffer.readMessage();
      }
    });
    this.#child.once('close', () => this.onclose?.());
  }

  async send(message: Parameters<Transport['send']>[0]): Promise<void> {
    this.#child.stdin?.write(serializeMessage(message));
  }

  async close(): Promise<void> {
    this.#child.stdin?.end();
  }
}

export interface Answer {
  readonly isError: boolean;
  // biome-ignore lint/suspicious/noExplicitAny: what each tool gives
  readonly value: any;
  readonly text: string;
}

export interface McpRun {
  readonly client: Client;
  readonly child: ChildProcess;
  readonly cwd: string;
  readonly state: string;
  call(name: string, args?: object): Promise<Answer>;
  /** The client leaves. */
  leave(): Promise<{ readonly status: number | null; readonly err: string }>;
}

/** @param elicit what the client's user answers; without it the client cannot ask */
export async function startMcp(
  as: Identity,
  args: readonly string[] = [],
  elicit?: (message: string) => ElicitResult | Promise<ElicitResult>,
  cwd = makeProject(as),
  env: Readonly<Record<string, string>> = {},
): Promise<McpRun> {
  const state = `${cwd}.state`;
  const options = { as, cwd, env: { XDG_STATE_HOME: state, ...env } };
  const child = startWasbox(['mcp', ...args], options);
  child.stdin?.on('error', () => {}); // it may be gone
  let err = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    err += String(chunk);
  });
  const end = new Promise<{ status: number | null; err: string }>((resolve) => {
    child.once('close', (status) => resolve({ status, err }));
  });
  const capabilities = elicit === undefined ? {} : { elicitation: {} };
  const client = new Client({ name: 'test', version: '1' }, { capabilities });
  if (elicit !== undefined) {
    client.setRequestHandler(ElicitRequestSchema, ({ params }) => elicit(params.message));
  }
  await client.connect(new PipeTransport(child));
  return {
    client,
    child,
    cwd,
    state,
    call: async (name, given = {}) => {
      const timeout = 200_000;
      const got = await client.callTool({ name, arguments: { ...given } }, undefined, { timeout });
      const [first] = got.content as { readonly text: string }[];
      const text = first?.text ?? '';
      return { isError: got.isError === true, value: got.structuredContent ?? dataOf(text), text };
    },
    leave: async () => {
      await client.close();
      return end;
    },
  };
}

/** The data of an answer whose text is JSON. */
export function dataOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
