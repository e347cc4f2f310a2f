/** `wasbox/bullmq`: sandboxes as workers of a BullMQ queue. Re-exports only. */
export type {
  CodeJob,
  CommandJob,
  JobFile,
  JobLimits,
  JobProgress,
  OutputPiece,
  SandboxJob,
  SandboxJobResult,
} from './job.js';
export type { JobPool, JobSandboxOptions, WorkerOptions } from './options.js';
export {
  outputOf,
  type SubmitOptions,
  type SubmittedJob,
  submit,
  submitMany,
} from './submit.js';
export { createWorker, type SandboxWorker, type WorkerCloseOptions } from './worker.js';
