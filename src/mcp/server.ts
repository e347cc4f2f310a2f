/** The tools and resources that a client sees. Each answer is bounded and says what it leaves out. */
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
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

export function createServer({ workspaces, asking, allowApply, room }: ServerOf): McpServer {
  const server = new McpServer(
    { name: 'wasbox', version: wasboxVersion },
    {
      instructions:
        'A sandbox over a copy of the project. Commands share files and background processes. Take a snapshot before a risky step. Nothing reaches the real files until apply.',
      maxToolInputElements: 10_000,
    },
  );
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
