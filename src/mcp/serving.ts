/** Declares what all tools work with. */
import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';
import type { Asking } from './asking.js';
import type { Workspaces } from './workspaces.js';

/** Bytes of a file in one answer, and the most of a program's output that can be asked for. */
export const maxAnswerBytes = 100_000;

/** Bytes of a program's output in one answer, of both streams together, unless more is asked for. */
export const usualOutputBytes = 15_000;

export interface Serving {
  readonly server: McpServer;
  readonly workspaces: Workspaces;
  readonly asking: Asking;
  /** True if changes are applied without asking the client's user. */
  readonly allowApply: boolean;
  /** Makes a call when the client has read enough of the answers before; rejects where too many wait. */
  readonly counted: <T>(call: () => Promise<T>) => Promise<T>;
  /** Makes a call whose answer may be large: one of them at a time. */
  readonly alone: <T>(call: () => Promise<T>) => Promise<T>;
  /** Answers a call, unless there are too many; what fails is an answer, too. */
  readonly limited: (call: () => Promise<CallToolResult>) => Promise<CallToolResult>;
}

export const sandbox = z
  .string()
  .optional()
  .describe('Name of a fork; without it, the first sandbox');
