/** Exports what addon/engine/main.c calls: both functions take the command line of this process. */

import { autoExecutedIndex } from '../changes/index.js';
import { commandLine, finishRunVerb } from '../cli/index.js';
import { LeaveToNode } from '../errors/index.js';
import { keepOwnRights } from '../host/index.js';
import { prepareDefaultPolicy } from '../plan/index.js';
import { runLoop } from './loop.js';
import { type HandOver, startOf } from './start.js';

/** Where no entry can be made, why. */
interface Outcome {
  why?: string;
}

/** Makes an entry of the command line and hands it over; the jobs that are left then fill in the outcome. */
function start(argv: (string | undefined)[], key: string, handOver: HandOver): Outcome {
  const outcome: Outcome = {};
  startOf(argv, key, handOver).catch((error: unknown) => {
    outcome.why = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  });
  return outcome;
}

/** Carries the command out, and ends this process; returns why where it is left to Node. */
function command(): string {
  let status: number | undefined;
  let failed: unknown = new Error('the command did not end');
  keepOwnRights();
  commandLine(process.argv.slice(2)).then(
    (got) => {
      status = got;
    },
    (error: unknown) => {
      failed = error;
    },
  );
  runLoop();
  if (status !== undefined) process.exit(status);
  if (failed instanceof LeaveToNode) return failed.message;
  throw failed;
}

/** Named so that the code of the usual verbs is in the image: what only import() names is loaded then. */
const inImage = [finishRunVerb];
Object.assign(globalThis, { start, command, inImage });
autoExecutedIndex();
prepareDefaultPolicy();
