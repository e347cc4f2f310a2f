/** `wasbox policy replay`: what a policy would have stopped of a recorded run. */
import { UsageError } from '../../errors/index.js';
import { type Replay, type ReplayedGroup, replay } from '../../policy/index.js';
import { err, out } from '../terminal.js';
import { flag, parseVerb } from '../verb.js';
import { policyOptions, readInput, readPolicy } from './input.js';
import { printDiagnostics, printJson, safeLines } from './output.js';

const howToLog = 'Record a log with: strace -f -o trace.log COMMAND';

/** Tells what became of the calls of one name, with the first of them. */
function describe(log: string, { name, count, actions, rules, first }: ReplayedGroup): string {
  const by =
    rules.length === 0
      ? 'no rule matches'
      : rules
          .slice(0, 3)
          .map(({ file, line }) => `${file}:${line}`)
          .join(', ');
  const guess = first.guessed ? ', assuming 0 for an argument that is not in the log' : '';
  const times = count === 1 ? '1 call' : `${count} calls`;
  return `${name}: ${actions.join(', ')}, ${times} (${by}${guess})\n  ${log}:${first.line}: ${first.text.trim()}`;
}

function suggestions(groups: readonly ReplayedGroup[]): string {
  const rules = groups.map(({ suggestion }) => `  ${suggestion}\n`);
  return `To allow them, put these rules before the others:\n${rules.join('')}`;
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
    for (const group of found.groups) out(`${safeLines(describe(trace, group))}\n`);
    out(`${safeLines(summary(found))}\n`);
    if (found.groups.length > 0) out(safeLines(suggestions(found.groups)));
  }
  warnOfUnread(trace, found);
  return found.stopped.length === 0 && !isNoLog(found) ? 0 : 1;
}
