/** `wasbox policy replay`: what a policy would have stopped of a recorded run. */
import { UsageError } from '../../errors/index.js';
import { type Replay, type ReplayedCall, replay } from '../../policy/index.js';
import { err, out } from '../terminal.js';
import { flag, parseVerb } from '../verb.js';
import { policyOptions, readInput, readPolicy } from './input.js';
import { printDiagnostics, printJson, safeLines } from './output.js';

const howToLog = 'Record a log with: strace -f -o trace.log COMMAND';

function line(log: string, call: ReplayedCall): string {
  const by = call.rule === undefined ? 'no rule matches' : `${call.rule.file}:${call.rule.line}`;
  const guess = call.guessed ? ', assuming 0 for an argument that is not in the log' : '';
  return `${log}:${call.line}: ${call.actionText} (${by}${guess}): ${call.text}`;
}

function summary({ calls, stopped, unknown }: Replay): string {
  const names = Object.keys(unknown);
  const rest = names.length === 0 ? '' : `; unknown: ${names.join(', ')}`;
  return `${stopped.length} of ${calls} calls would not have been allowed${rest}`;
}

/** A log that holds nothing but lines that cannot be read is none: it says nothing of a policy. */
const isNoLog = ({ calls, unknown, unread }: Replay): boolean =>
  calls === 0 && Object.keys(unknown).length === 0 && unread > 0;

/** Calls that were not judged must not pass for calls that are allowed. */
function warnOfUnread(log: string, found: Replay): void {
  const { unread, firstUnread } = found;
  if (unread === 0) return;
  const lines = unread === 1 ? 'skipped 1 line' : `skipped ${unread} lines`;
  err(`wasbox: ${safeLines(log)}:${firstUnread}: ${lines} that are not strace output\n`);
  if (isNoLog(found)) err(`wasbox:   ${howToLog}\n`);
}

export function replayVerb(argv: readonly string[]): number {
  const parsed = parseVerb(
    {
      name: 'policy replay',
      what: 'Read an strace log and show what the policy would have blocked. Exits 1 if it would have blocked any, or if TRACE is not an strace log.',
      usage: 'FILE TRACE [--arch ARCH] [--kernel VERSION] [--from FORMAT] [--json]',
      options: [...policyOptions, flag('json', 'print what was found as JSON')],
      maxOperands: 2,
    },
    argv,
  );
  if (parsed === undefined) return 0;
  const { values, operands } = parsed;
  const [file, trace] = operands;
  if (trace === undefined) {
    throw new UsageError('ERR_NO_OPERAND', 'needs a policy and an strace log', {
      hint: howToLog,
    });
  }
  if (file === '-' && trace === '-') {
    throw new UsageError('ERR_USAGE', "the policy and the log can't both be stdin", {
      hint: 'Put one of them in a file.',
    });
  }
  const { source, options, remarks } = readPolicy(file, values);
  printDiagnostics(remarks);
  const log = new TextDecoder().decode(readInput(trace, howToLog));
  const found = replay(source, log, options);
  if (values.json === true) {
    printJson(found);
  } else {
    for (const call of found.stopped) out(`${safeLines(line(trace, call))}\n`);
    out(`${safeLines(summary(found))}\n`);
  }
  warnOfUnread(trace, found);
  return found.stopped.length === 0 && !isNoLog(found) ? 0 : 1;
}
