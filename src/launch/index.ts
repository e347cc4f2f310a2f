/** Starts a resolved sandbox and follows it to its end: `run`, `spawn`, and what the command line shares with them. */
export type { Asking } from './ask.js';
export { planOnly } from './dry-run.js';
export { endLaunch, lackNotes } from './end.js';
export { launch } from './launch.js';
export { Output, type RunLibraryOptions, type RunResult, run, withOutput } from './run.js';
export {
  aborted,
  askingOf,
  type Channel,
  openChannel,
  type Sandbox,
  type SandboxResult,
  type SpawnOptions,
  type StdioTarget,
  spawn,
  toResult,
} from './spawn.js';
export type { Launched, LaunchResult, LaunchTask, PlannedStart } from './types.js';
