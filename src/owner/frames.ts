/**
 * Frames go over the socket between clients and the owner of a session. Each has a type (one byte), a
 * length (four, least first) and so many bytes.
 *
 * | from the client | | from the owner | |
 * |---|---|---|---|
 * | `H` | what to execute: JSON, {@link ExecRequest}; first, and once | `O`, `R` | bytes of stdout, of stderr |
 * | `I` | bytes of stdin; the next one after `A` | `A` | they were taken |
 * | `E` | stdin is at its end | `X` | it has ended: JSON, {@link ExecEnded}; last |
 * | `S` | a signal, one byte | `F` | it was not executed: JSON, an error (remote-error.ts); last |
 * | | | `N` | a line for the user, at most 512 bytes |
 *
 * In place of `H`, `C` asks about the session (JSON, {@link StateRequest}); the answer is `X` or `F`. Of a fork
 * the owner first sends one byte, `L`, with the lock of its run. The client says `K` when it has both. A view of the
 * files stands until the client has said `K`, or is gone.
 *
 * With a terminal, the owner first sends one byte, `T`, with the terminal's master (unix(7), SCM_RIGHTS), or `F`.
 * addon/supervisor/attach.c sends `S`, too, and shows `N`.
 */
import type { TerminalSize } from '../options/index.js';
import type { OwnLimits } from '../plan/index.js';
import { isRecord } from '../text/index.js';

export type FrameType = 'H' | 'C' | 'K' | 'I' | 'E' | 'S' | 'O' | 'R' | 'A' | 'N' | 'X' | 'F';

/** A command for the session. */
export interface ExecRequest {
  readonly argv: readonly string[];
  /** The path inside the sandbox. @default that of the session */
  readonly cwd?: string | undefined;
  /** Variables on top of the session's. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  readonly terminal?: TerminalSize | undefined;
  /** Limits below those of the session. */
  readonly limits?: OwnLimits | undefined;
  /** True if its user is told of no ports. */
  readonly quiet?: boolean | undefined;
}

const stateCalls = [
  ...(['snapshot', 'rollback', 'fork', 'release', 'view'] as const),
  ...(['publish', 'unpublish', 'spec'] as const),
];

/** The question about the session's files, its ports or its sandbox. */
export interface StateRequest {
  readonly call: (typeof stateCalls)[number];
  /**
   * Label of a snapshot, or what to publish. @default a new one for `snapshot`, the last one for `rollback`, now for
   * `fork`; for `publish` nothing: it answers with what is published
   */
  readonly label?: string | undefined;
}

export interface ExecEnded {
  readonly exitCode: number | null;
  readonly signal: string | null;
  /** The limit of its own that ended it. */
  readonly limit?: string | undefined;
}

export interface Frame {
  readonly type: string;
  readonly bytes: Buffer;
}

/** A request has up to 4 MiB, as what init takes; streams go in far smaller pieces. */
export const maxFrameBytes = 4 * 1024 * 1024;
const headBytes = 5;

export function frame(type: FrameType, content: Uint8Array | string = ''): Buffer {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  const whole = Buffer.allocUnsafe(headBytes + bytes.length);
  whole.write(type, 0, 'latin1');
  whole.writeUInt32LE(bytes.length, 1);
  whole.set(bytes, headBytes);
  return whole;
}

/** Takes bytes as they come and gives whole frames. */
export class FrameReader {
  #rest = Buffer.alloc(0);

  /** @throws RangeError for a frame that is too long, which says that the other end speaks something else */
  push(chunk: Uint8Array): Frame[] {
    this.#rest = this.#rest.length === 0 ? Buffer.from(chunk) : Buffer.concat([this.#rest, chunk]);
    const frames: Frame[] = [];
    while (this.#rest.length >= headBytes) {
      const length = this.#rest.readUInt32LE(1);
      if (length > maxFrameBytes) throw new RangeError('a frame is too long');
      if (this.#rest.length < headBytes + length) break;
      const type = this.#rest.toString('latin1', 0, 1);
      frames.push({ type, bytes: this.#rest.subarray(headBytes, headBytes + length) });
      this.#rest = this.#rest.subarray(headBytes + length);
    }
    return frames;
  }
}

const isNumber = (value: unknown): boolean => typeof value === 'number';
const isText = (value: unknown): value is string => typeof value === 'string';

const isCells = (value: unknown): boolean =>
  Number.isInteger(value) && (value as number) > 0 && (value as number) < 65_536;

function readRecord(bytes: Buffer): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** @returns undefined for what is no request */
export function readStateRequest(bytes: Buffer): StateRequest | undefined {
  const { call, label } = readRecord(bytes) ?? {};
  const known = stateCalls.find((one) => one === call);
  if (known === undefined || (label !== undefined && !isText(label))) return undefined;
  return { call: known, label };
}

/** @returns undefined for what is no request */
export function readRequest(bytes: Buffer): ExecRequest | undefined {
  const value = readRecord(bytes);
  if (value === undefined) return undefined;
  const { argv, cwd, env, terminal, limits, quiet } = value;
  if (quiet !== undefined && typeof quiet !== 'boolean') return undefined;
  if (!Array.isArray(argv) || argv.length === 0 || !argv.every(isText)) return undefined;
  if (cwd !== undefined && !isText(cwd)) return undefined;
  if (env !== undefined && !(isRecord(env) && Object.values(env).every(isText))) return undefined;
  if (
    terminal !== undefined &&
    !(isRecord(terminal) && isCells(terminal.rows) && isCells(terminal.columns))
  ) {
    return undefined;
  }
  // The session decides what they may be.
  if (limits !== undefined && !(isRecord(limits) && Object.values(limits).every(isNumber))) {
    return undefined;
  }
  return value as unknown as ExecRequest;
}
