/** Starts a resolved sandbox and follows it to its end: `run`, `spawn`, and what the command line shares with them. */
export { aborted, onAbort } from './abort.js';
export { type Asking, askingOf } from './ask.js';
export { resolveFor, withChannels } from './beginning.js';
export { checkCall, checkOptions, inputKinds, isInput, sandboxOptions } from './call.js';
export { calledFrom, callSite } from './caller.js';
export type { Channels } from './channel.js';
export { descriptorsError } from './descriptors.js';
export { dryRun } from './dry-run.js';
export { type DryRun, dryRunData, planOnly, shownAs } from './dry-run-plan.js';
export { endLaunch, lackNotes, lackTexts } from './end.js';
export { Ends } from './ends.js';
export { withNeeds } from './fetch-needs.js';
export { defaultMaxOutputBytes, follow } from './follow.js';
export { Gate, setMaxConcurrency } from './gate.js';
export { holdInput } from './hold-input.js';
export { holdImage } from './image-hold.js';
export { feedInput } from './input.js';
export { keptRunOf } from './kept-by.js';
export { launch } from './launch.js';
export { leadsFinder } from './leads-finder.js';
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
export { outcomeOf, withOutcome } from './outcome-of.js';
export { type OnOutput, Output } from './output.js';
export { PinnedImage } from './pinned-image.js';
export { hasOwnNetwork, tellingPorts } from './ports.js';
export { endPrivateRoot, privateRootUnmade } from './private-root.js';
export { copyOf, withRuns } from './program.js';
export {
  type CollectedOutput,
  type FindLeads,
  type RunResult,
  type SandboxResult,
  toResult,
  wasStopped,
} from './result.js';
export { run } from './run.js';
export type { RunningSandbox, Sandbox, TerminalSandbox } from './sandbox.js';
export { type Piped, spawn } from './spawn.js';
export { signalNumber } from './start.js';
export { joinTails, Tail } from './tail.js';
export { requireSize, type Tty, terminalSizeOf } from './tty.js';
export type { Launched, LaunchResult, LaunchTask, PlannedStart } from './types.js';
export { runWhole } from './whole-run.js';
