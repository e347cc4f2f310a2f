/** Requests to the thread that ends runs, and its answers: plain data, because messages to threads are copied. */

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

/** Also says where the run is now if the thread failed. */
export interface EndAnswer {
  readonly number: number;
  readonly run: LentRun;
  readonly ended: EndedApart | undefined;
  readonly error: PlainError | undefined;
}

export interface EndedApart {
  /** The run's journal entry, after its stack was merged into one layer. */
  readonly record: RunRecord;
  readonly report: FinishReport;
  /** Whether nothing of the run is kept, so that the caller must remove it. */
  readonly dropped: boolean;
}

/** Messages turn buffers into plain arrays of bytes. This turns them back, in place. */
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
