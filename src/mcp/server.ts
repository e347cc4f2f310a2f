/** The tools and resources that a client sees. Each answer is bounded and says what it leaves out. */
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import type { z } from 'zod';
import { wasboxVersion } from '../version.js';
import { failure, ToolError } from './answers.js';
import type { Asking } from './asking.js';
import { addChanges } from './changes.js';
import { addFiles } from './files.js';
import { addPrograms } from './programs.js';
import { addStates } from './states.js';
import type { Workspaces } from './workspaces.js';

/** Calls that wait or run; a client that asks for more at once gets an error. */
const maxCalls = 256;

interface ServerOf {
  readonly workspaces: Workspaces;
  readonly asking: Asking;
  /** True if changes are applied without asking the client's user. */
  readonly allowApply: boolean;
  /** Fulfilled when another answer may be made. */
  readonly room: () => Promise<void>;
}

/** The part of the SDK's server that checks the arguments of a call. Its own errors have no code. */
interface Checking {
  validateToolInput(
    tool: { readonly inputSchema?: z.ZodObject | undefined },
    args: unknown,
    name: string,
  ): Promise<unknown>;
}

/** The SDK answers a failed check with the error's message: here, that is the same data as for every other error. */
function checkWithCode(server: McpServer): void {
  const checking = server as unknown as Checking;
  const checked = checking.validateToolInput.bind(server);
  checking.validateToolInput = async (tool, args, name) => {
    try {
      return await checked(tool, args, name);
    } catch (failed) {
      throw withCode(tool.inputSchema, args, name) ?? failed;
    }
  };
}

/** Characters of what is wrong with the arguments: a client may send many. */
const maxSaid = 2000;

function withCode(schema: z.ZodObject | undefined, args: unknown, name: string): Error | undefined {
  const { error } = schema?.safeParse(args ?? {}) ?? {};
  if (error === undefined) return undefined;
  const all = error.issues.map(({ path, message }) => [...path, message].join(': ')).join('; ');
  const said = all.length > maxSaid ? `${all.slice(0, maxSaid)}…` : all;
  const value = {
    code: 'ERR_USAGE',
    message: `${name}: ${said}`,
    hint: `Its arguments: ${Object.keys(schema?.shape ?? {}).join(', ') || 'none'}`,
  };
  return new Error(JSON.stringify(value));
}

export function createServer({ workspaces, asking, allowApply, room }: ServerOf): McpServer {
  const server = new McpServer(
    { name: 'wasbox', version: wasboxVersion },
    {
      instructions:
        'A sandbox over a copy of the project. Commands share files and background processes. Take a snapshot before a risky step. Nothing reaches the real files until apply.',
      maxToolInputElements: 10_000,
    },
  );
  checkWithCode(server);
  let calls = 0;
  const counted = async <T>(call: () => Promise<T>): Promise<T> => {
    if (calls >= maxCalls) {
      throw new ToolError('TOO_MANY_CALLS', `more than ${maxCalls} calls at a time`);
    }
    calls++;
    try {
      await room();
      return await call();
    } finally {
      calls--;
    }
  };
  const limited = (call: () => Promise<CallToolResult>): Promise<CallToolResult> =>
    counted(call).catch(failure);
  let large: Promise<unknown> = Promise.resolve();
  const alone = <T>(call: () => Promise<T>): Promise<T> => {
    const done = large.then(room).then(call);
    large = done.catch(() => {});
    return done;
  };
  asking.attach(server);
  const serving = { server, workspaces, asking, allowApply, counted, limited, alone };
  addPrograms(serving);
  addFiles(serving);
  addStates(serving);
  addChanges(serving);
  return server;
}
