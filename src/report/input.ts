import type { AskedRecords } from '../ask/index.js';
import type { FinishReport } from '../changes/index.js';
import type {
  AuditRecords,
  NativeOutcome,
  NetworkRecords,
  RefusalRecords,
} from '../native/index.js';
import type { FileCause } from './file-causes.js';
import type { ServiceCause } from './services.js';

/** The input of a report: part of the launch stage's result. */
export interface ReportInput {
  readonly runId: string | undefined;
  readonly startedAt: Date;
  readonly outcome: NativeOutcome;
  readonly finish: FinishReport | undefined;
  readonly refusals: RefusalRecords;
  readonly audit?: AuditRecords | undefined;
  /** Why files could not be used, as an audit found. */
  readonly causes?: readonly FileCause[] | undefined;
  /** Servers of this machine that it looked for on its own loopback, as an audit found. */
  readonly services?: readonly ServiceCause[] | undefined;
  readonly network?: NetworkRecords | undefined;
  readonly asked?: AskedRecords | undefined;
  readonly notes?: readonly string[] | undefined;
}
