/** Records a run: the record is small whatever the program wrote. */
import type { RunResult } from '../index.js';
import type { SandboxJobResult } from './job.js';

export interface ResultBounds {
  /** Bytes of a result as JSON. */
  readonly maxResultBytes: number;
  readonly report: boolean;
}

export interface Attempt {
  readonly attempt: number;
  readonly worker: string;
  readonly encoding: 'utf8' | 'base64';
  /** Bytes that the program wrote. */
  readonly stdoutBytes: number;
  readonly stderrBytes: number;
}

type Mutable = { -readonly [K in keyof SandboxJobResult]: SandboxJobResult[K] };

const jsonBytes = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));

/** The longest beginning of which JSON has at most `max` bytes; not half of a character. */
function cut(text: string, max: number): string {
  if (jsonBytes(text) <= max) return text;
  let [low, high] = [0, text.length];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (jsonBytes(text.slice(0, middle)) <= max) low = middle;
    else high = middle - 1;
  }
  const last = text.charCodeAt(low - 1);
  return text.slice(0, last >= 0xd800 && last <= 0xdbff ? low - 1 : low);
}

/** Cut to whole groups of four characters, so that it still decodes. */
const cutBase64 = (text: string, max: number): string =>
  text.slice(0, Math.max(0, Math.floor(Math.min(text.length, max - 2) / 4) * 4));

export function toJobResult(
  result: RunResult,
  { encoding, attempt, worker, stdoutBytes, stderrBytes }: Attempt,
  { maxResultBytes, report }: ResultBounds,
): SandboxJobResult {
  const { usage, outcome, refusals } = result.report;
  const ended: Mutable = {
    outcome: result.outcome as SandboxJobResult['outcome'],
    ...(result.exitCode === undefined ? {} : { exitCode: result.exitCode }),
    ...(result.signal === undefined ? {} : { signal: result.signal }),
    ...(outcome.limit === undefined ? {} : { limit: outcome.limit }),
    stdout: '',
    stderr: '',
    encoding,
    truncated: result.truncated,
    stdoutBytes,
    stderrBytes,
    durationMs: result.durationMs,
    cpuMs: usage.cpuMs,
    memoryBytes: usage.memoryBytes,
    refusals: refusals?.total ?? 0,
    attempt,
    worker,
  };
  const read = (bytes: Uint8Array) => Buffer.from(bytes).toString(encoding);
  const shorten = encoding === 'base64' ? cutBase64 : cut;
  const out = read(result.stdoutBytes);
  const err = read(result.stderrBytes);
  const room = maxResultBytes - jsonBytes(ended);
  // One stream gets what the other does not need.
  const half = Math.floor(room / 2);
  const [outBytes, errBytes] = [jsonBytes(out), jsonBytes(err)];
  ended.stdout = shorten(out, Math.max(half, room - errBytes));
  ended.stderr = shorten(err, Math.max(half, room - outBytes));
  ended.truncated ||= ended.stdout.length < out.length || ended.stderr.length < err.length;
  if (report && jsonBytes(ended) + jsonBytes(result.report) <= maxResultBytes) {
    ended.report = result.report;
  }
  return ended;
}
