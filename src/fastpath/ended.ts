/**
 * Reads what the native command hands over where a run has something to report: how it ended,
 * its id and lock, and the entry's report context. addon/fastpath/entry.h, `struct wb_ended_run`
 */
import { decodeOutcome, type NativeOutcome, part, readStruct } from '../native/index.js';
import {
  endedRunLayout,
  endedRunSize,
  WB_ENDED_MAGIC,
  WB_ENTRY_VERSION,
} from './entry.generated.js';
import { decodeReportContext, type ReportContext } from './report-context.js';

export interface EndedRun {
  readonly outcome: NativeOutcome;
  readonly id: string;
  /** The state directory. */
  readonly state: string;
  /** Descriptor that holds the run's lock. */
  readonly lock: number;
  readonly startedAt: Date;
  readonly context: ReportContext;
}

/**
 * Reads the structure; undefined where it is of another version.
 * @throws RangeError where it is not whole
 */
export function decodeEnded(bytes: Uint8Array): EndedRun | undefined {
  if (bytes.length < endedRunSize) return undefined;
  const ended = readStruct(bytes, endedRunLayout);
  if (ended.magic !== WB_ENDED_MAGIC || ended.version !== WB_ENTRY_VERSION) return undefined;
  if (ended.size !== bytes.length) return undefined;
  const decoder = new TextDecoder();
  const text = (from: number, to: number): string =>
    decoder.decode(part(bytes, from, Math.max(to - from, 0)));
  const string = (at: number): string => text(at, bytes.indexOf(0, at));
  const context = decodeReportContext(
    text(ended.reportContext, ended.reportContext + ended.reportContextSize),
  );
  const words = text(ended.arguments, ended.arguments + ended.argumentsSize)
    .split('\0')
    .slice(0, -1);
  const { command } = context.spec;
  const spec = { ...context.spec, command: { ...command, argv: [...command.argv, ...words] } };
  return {
    outcome: decodeOutcome(part(bytes, ended.outcome, bytes.length - ended.outcome)),
    id: string(ended.id),
    state: string(ended.state),
    lock: ended.lock,
    startedAt: new Date(Number(ended.startedMs)),
    context: { ...context, spec },
  };
}
