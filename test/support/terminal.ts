/** Runs a command on a terminal of its own and looks at the terminal afterwards. */

import * as fs from 'node:fs';
import { fileURLToPath } from 'node:url';
import { runProgram, type StartOptions } from './wasbox.js';

export interface TerminalRun {
  /** Exit status, or minus the signal. */
  readonly exit: number;
  readonly output: string;
  /** The text that a shell on this terminal would read as typed, once the command has ended. */
  readonly injected: string;
  /** Terminal settings: input, output, control and local modes. */
  readonly before: number[];
  readonly after: number[];
  readonly timedOut: boolean;
}

/** Text to type once some other text has been written by the command. */
export interface Typed {
  readonly after: string;
  readonly type: string;
}

/** The program itself: the ordinary user may not be able to read the checkout. */
const harness = fs.readFileSync(
  fileURLToPath(new URL('./on_terminal.py', import.meta.url)),
  'utf8',
);

export async function onTerminal(
  argv: readonly string[],
  options: StartOptions,
  typed: readonly Typed[] = [],
  /** Seconds after which it is ended, and `timedOut` is set. */
  limit = 240,
): Promise<TerminalRun> {
  const types = typed.flatMap((one) => ['--type', one.type, '--after', one.after]);
  const run = await runProgram(
    ['/usr/bin/python3', '-c', harness, ...types, '--limit', String(limit), '--', ...argv],
    options,
  );
  if (run.status !== 0) throw new Error(`the terminal harness failed: ${run.err}`);
  return JSON.parse(run.out) as TerminalRun;
}
