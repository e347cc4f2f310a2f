/** Starts a resolved sandbox and follows it to its end: `run`, `spawn`, and what the command line shares with them. */
export { aborted, onAbort } from './abort.js';
export { type Asking, askingOf } from './ask.js';
export { checkCall, checkOptions, inputKinds, isInput, sandboxOptions } from './call.js';
export { calledFrom, callSite } from './caller.js';
export {
  type Channels,
  closeChannels,
  closeGiven,
  openChannels,
} from './channel.js';
export { descriptorsError } from './descriptors.js';
export { type DryRun, dryRun, dryRunData, planOnly } from './dry-run.js';
export { endLaunch, lackNotes, lackTexts } from './end.js';
export { type FetchImage, withImage } from './fetch-image.js';
export { Gate, setMaxConcurrency } from './gate.js';
export { holdImage } from './image-hold.js';
export { feedInput, holdInput } from './input.js';
export { launch } from './launch.js';
export { type LineOptions, linesOf } from './lines.js';
export type {
  CodeProgram,
  CommandProgram,
  Input,
  InputPiece,
  Program,
  RunLibraryOptions,
  RunSettings,
  SandboxOptions,
  SpawnOptions,
  SpawnSettings,
  Stdio,
  StdioTarget,
  TerminalSettings,
} from './options.js';
export { type OnOutput, Output } from './output.js';
export { PinnedImage } from './pinned-image.js';
export { endPrivateRoot, privateRootIn, privateRootUnmade } from './private-root.js';
export { repeatedHost } from './repeated-host.js';
export {
  type CollectedOutput,
  keptRunOf,
  noteKept,
  type Outputs,
  type RunResult,
  type SandboxResult,
  toResult,
  wasStopped,
  withOutput,
} from './result.js';
export {
  defaultMaxOutputBytes,
  type Failure,
  letGoAfter,
  listen,
  run,
  runWhole,
  type WholeRun,
} from './run.js';
export {
  type Piped,
  type RunningSandbox,
  type Sandbox,
  signalNumber,
  spawn,
  type TerminalSandbox,
} from './spawn.js';
export { requireSize, type Tty, terminalSizeOf } from './tty.js';
export type { Launched, LaunchResult, LaunchTask, PlannedStart } from './types.js';
