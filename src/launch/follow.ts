/** Follows a program to its end: one way for runs, for tasks of pools and for programs of sessions. */
import { after } from '../time/index.js';
import { Bytes } from './bytes.js';
import type { Ends } from './ends.js';
import { noteKept } from './kept-by.js';
import type { OnOutput, Output } from './output.js';
import { type CollectedOutput, type Ending, type FindLeads, withOutput } from './result.js';

/** Bytes kept of each stream. */
export const defaultMaxOutputBytes = 64 * 1024 * 1024;

/** The callbacks that the caller gives for the output. */
export interface Callbacks {
  readonly onStdout?: OnOutput | undefined;
  readonly onStderr?: OnOutput | undefined;
  readonly all?: boolean | undefined;
}

/** A program that runs. */
export interface Followed<End, Result extends Ending> {
  readonly stdout: Output;
  readonly stderr: Output;
  /** The causes that end it early; told of a callback or an input that fails. */
  readonly ends: Ends;
  readonly ended: Promise<End>;
  /** Bytes kept of each stream. */
  readonly maxOutputBytes: number;
  /** Its time limit from now on; undefined or Infinity without one. */
  readonly timeoutMs: number | undefined;
  /** Gives it its input. @returns ends that: nothing reads it any more */
  feed(failed: (error: unknown) => void): (() => void) | undefined;
  /** Returns whether a limit or a signal ended it: its callbacks are not waited for. */
  wasStopped(end: End): boolean;
  /** Fulfilled when what it wrote until its end has been read, where others may go on writing. @default at once */
  drained?(): Promise<void>;
  /** Returns its result, without its output. */
  toResult(end: End): Result;
  /** Finds what it may have lacked, if it failed. @default nothing */
  readonly leads?: FindLeads;
}

/** The failure of a callback or of the caller's input. */
interface Failure {
  readonly error: unknown;
}

/**
 * Fulfilled with its result when it has ended and its output has come.
 * Rejected with what a callback or the input of the caller failed with.
 * @throws AbortError where it was aborted, with the result so far
 */
export async function follow<End, Result extends Ending>(
  program: Followed<End, Result>,
  callbacks: Callbacks,
): Promise<Result & CollectedOutput> {
  const { stdout, stderr, ends, timeoutMs } = program;
  let failure: Failure | undefined;
  const finish = (): void => {
    stdout.finish();
    stderr.finish();
  };
  const failed = (error: unknown): void => {
    failure ??= { error };
    finish();
    ends.stop('failed');
  };
  const all = listen(program, callbacks, failed);
  ends.whenStopped(finish);
  // A result that has nothing left to wait for but its caller is given up by that.
  const unwatch = ends.onAbort(finish);
  const release = (): void => {
    stdout.release();
    stderr.release();
  };
  // From then on, no callback holds up the program or the result: its promise may never be fulfilled.
  const patience = after(timeoutMs ?? Number.POSITIVE_INFINITY, release);
  let endInput: (() => void) | undefined;
  try {
    endInput = program.feed(failed);
    const end = await program.ended;
    endInput?.();
    if (program.wasStopped(end)) release();
    await program.drained?.();
    const result = await withOutput(program.toResult(end), { stdout, stderr, all }, program.leads);
    if (failure !== undefined) {
      noteKept(failure.error, result);
      throw failure.error;
    }
    ends.throwIfAborted(result);
    return result;
  } catch (error) {
    ends.stop('failed');
    throw error;
  } finally {
    endInput?.();
    patience.clear();
    unwatch();
    ends.over();
  }
}

/** Connects what is collected with the callbacks. @param failed called with what one throws */
function listen(
  { stdout, stderr, maxOutputBytes }: Followed<unknown, Ending>,
  { onStdout, onStderr, all }: Callbacks,
  failed: (error: unknown) => void,
): Bytes | undefined {
  const both = all === true ? new Bytes() : undefined;
  const add =
    both &&
    ((chunk: Uint8Array): void => {
      const room = 2 * maxOutputBytes - both.size;
      if (room > 0) both.add(chunk.subarray(0, room));
    });
  stdout.listen(onStdout && { call: onStdout, failed }, add);
  stderr.listen(onStderr && { call: onStderr, failed }, add);
  return both;
}
