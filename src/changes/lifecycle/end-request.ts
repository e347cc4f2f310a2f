/** What is asked of the thread that ends runs, and what it answers: plain data, which is copied. */

import type { StateDirectory } from '../../host/index.js';
import type { FinishReport, RunRecord } from '../model/index.js';
import type { LentRun } from '../store/run-directory.js';
import type { PlainError } from './plain-error.js';
import type { FinishMode, RunEnd } from './run-end.js';

export interface EndRequest {
  readonly number: number;
  readonly store: StateDirectory;
  readonly record: RunRecord;
  readonly run: LentRun;
  readonly end: Omit<RunEnd, 'onProgress'>;
  readonly mode: FinishMode;
}

/** How far the thread has come, also where it failed. */
export interface EndAnswer {
  readonly number: number;
  readonly run: LentRun;
  readonly ended: EndedApart | undefined;
  readonly error: PlainError | undefined;
}

export interface EndedApart {
  /** The journal entry of the run, whose stack is one layer by now. */
  readonly record: RunRecord;
  readonly report: FinishReport;
  /** Whether nothing of the run is to be kept, which is for the caller to remove. */
  readonly dropped: boolean;
}

/** Copies of buffers are plain arrays of bytes: they become buffers again, where they are. */
export function withBuffers<T>(copied: T): T {
  const seen = new Set<object>();
  const visit = (value: object): void => {
    if (seen.has(value)) return;
    seen.add(value);
    const fields = value as Record<string, unknown>;
    for (const [name, field] of Object.entries(fields)) {
      if (field instanceof Uint8Array) {
        fields[name] = Buffer.from(field.buffer, field.byteOffset, field.byteLength);
      } else if (typeof field === 'object' && field !== null) {
        visit(field);
      }
    }
  };
  if (typeof copied === 'object' && copied !== null) visit(copied);
  return copied;
}
