/** Sandboxes that live for several programs: `createSession`. */

export type { Session } from './api.js';
export { createSession, open as openSession, openHanded } from './create.js';
export type { SessionEntry, SessionFileInfo, SessionFiles, SessionFileType } from './files.js';
export type {
  ExecOptions,
  ProgramOptions,
  SessionOptions,
  SessionProcess,
  TerminalOptions,
  TerminalProcess,
} from './options.js';
export { createPool, type SessionPool, type SessionPoolOptions } from './pool.js';
export type { PublishedPort } from './ports.js';
export type { ExecCode, ExecCommand, ExecProgram, ExecWords } from './program.js';
export type { SessionProgram, SessionReport } from './report.js';
export { type ExecEnd, type ExecResult, execEnd } from './result.js';
export type { OpenSession as OwnSession } from './session.js';
export { Snapshot } from './snapshot.js';
export type { TerminalProgram } from './terminal.js';
