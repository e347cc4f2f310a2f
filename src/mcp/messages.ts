/**
 * Parses a line of a client. The SDK drops an invalid message without an answer, and the client waits for ever
 * (issues 563 and 2247 of modelcontextprotocol/typescript-sdk).
 */
import {
  ErrorCode,
  type JSONRPCMessage,
  JSONRPCMessageSchema,
} from '@modelcontextprotocol/sdk/types.js';

/** Messages in one batch. */
const maxBatch = 1000;

/** A message, or an error and its answer, if the client waits for one. */
export type Received =
  | { readonly message: JSONRPCMessage }
  | { readonly error: Error; readonly answer: JSONRPCMessage | undefined };

/** @throws for a batch that is too long to be answered */
export function received(line: string): readonly Received[] {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    return [{ error: error as Error, answer: undefined }];
  }
  // Revision 2025-03-26 lets clients send several messages in one line. Each request is answered by itself.
  if (!Array.isArray(value)) return [receivedOne(value)];
  if (value.length > maxBatch) throw new Error(`a batch of more than ${maxBatch} messages`);
  return value.map(receivedOne);
}

function receivedOne(value: unknown): Received {
  const { data } = JSONRPCMessageSchema.safeParse(value);
  if (data !== undefined) return { message: withoutTask(data) };
  return { error: new Error('an invalid message'), answer: invalidRequest(value) };
}

/**
 * A server that does not offer tasks must ignore a client's request for one (revision 2025-11-25, tasks). The SDK would
 * refuse the call.
 */
function withoutTask(message: JSONRPCMessage): JSONRPCMessage {
  if (!('method' in message) || message.params?.task === undefined) return message;
  const { task: _, ...params } = message.params;
  return { ...message, params };
}

/** A response gets no answer. Without an ID, the client could not tell which request an answer is for. */
function invalidRequest(value: unknown): JSONRPCMessage | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  if ('result' in value || 'error' in value || !('id' in value)) return undefined;
  const { id } = value;
  if (typeof id !== 'string' && (typeof id !== 'number' || !Number.isInteger(id))) return undefined;
  const error = { code: ErrorCode.InvalidRequest, message: 'Invalid Request' };
  return { jsonrpc: '2.0', id, error };
}
