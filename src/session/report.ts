/** Reports what has come of a session so far, as plain data. */
import type { RunReport } from '../report/index.js';
import type { ExecEnd } from './result.js';

/** One program of a session. */
export interface SessionProgram {
  /** The words as they were given, or the code's language. Untrusted when shown. */
  readonly argv: readonly string[];
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  /** How it ended; undefined while it runs, and where the session ended before it. */
  readonly end: ExecEnd | undefined;
}

/** Reports what has come of a session so far. */
export interface SessionReport {
  readonly id: string | undefined;
  readonly state: 'running' | 'ended';
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  /** How many programs `exec` and `spawn` have started. */
  readonly started: number;
  /** The last ones of them, at most 200, the earliest first. */
  readonly programs: readonly SessionProgram[];
  /** Sandboxes of it that have ended: a snapshot and a rollback end one. */
  readonly sandboxes: number;
  /**
   * The report of what those did and were refused, together; undefined before the first has ended. Once the
   * session has ended it is all of it, with what became of the changes.
   */
  readonly report: RunReport | undefined;
}

const maxPrograms = 200;

/** The programs that a session was given. */
export class ProgramLog {
  #started = 0;
  readonly #last: { argv: readonly string[]; startedAt: string; end: ExecEnd | undefined }[] = [];

  get started(): number {
    return this.#started;
  }

  get programs(): readonly SessionProgram[] {
    return this.#last.map((program) => ({ ...program }));
  }

  /** Adds a program. The function that is returned takes its end. */
  add(argv: readonly string[]): (end: ExecEnd) => void {
    const program = { argv, startedAt: new Date().toISOString(), end: undefined };
    this.#started++;
    this.#last.push(program);
    if (this.#last.length > maxPrograms) this.#last.shift();
    return (end) => Object.assign(program, { end });
  }
}
