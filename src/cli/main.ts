/** Finds the verb and loads what it needs, nothing else. */
import { LeaveToNode, speakAs, UsageError } from '../errors/index.js';
import { fastpathVariable } from '../fastpath/index.js';
import { suggest } from '../options/index.js';
import { printError } from './failure.js';
import { generalHelp, shortHelp } from './help.js';
import { out } from './terminal.js';
import { verbs } from './verbs.js';

const finishing = 'finish-run';

/** Words of the command itself, and none at all. */
const ownWords: ReadonlySet<string | undefined> = new Set([
  undefined,
  'help',
  '--help',
  '-h',
  '--version',
  '-V',
]);

/** Verbs whose exit status is that of what they execute, and 125 to 127 for their own errors. */
const executing: ReadonlySet<string> = new Set(['run', 'exec', 'sh']);

/** Exit status of an error: what executes has its own, also without a verb; elsewhere 2 for usage and 1 for a no. */
function statusOf(verb: string | undefined, error: unknown, runStatus: number): number {
  const isOther =
    ownWords.has(verb) || (!executing.has(verb ?? '') && Object.hasOwn(verbs, verb ?? ''));
  if (!isOther) return runStatus;
  return error instanceof UsageError ? 2 : 1;
}

/** The status of a run whose program had ended before an error of wasbox's own; undefined if there is none. */
async function endedStatus(error: unknown): Promise<number | undefined> {
  const { outcomeOf } = await import('../launch/index.js');
  const ended = outcomeOf(error);
  if (ended === undefined) return undefined;
  const { reportEnd } = await import('../report/index.js');
  return reportEnd(ended.outcome, ended.changes, undefined).status;
}

/** `wasbox help VERB`: what `wasbox VERB --help` says. A word behind `run` is a group of options. */
async function helpOf([name = '', ...rest]: readonly string[]): Promise<number> {
  if (name === 'run') return commandLine([name, '--help', ...rest]);
  if (Object.hasOwn(verbs, name)) return commandLine([name, ...rest, '--help']);
  const known = suggest(name, Object.keys(verbs));
  throw new UsageError('ERR_USAGE', `unknown command "${name}"`, {
    hint:
      known === undefined ? 'To list them: wasbox --help' : `Did you mean: wasbox help ${known}`,
  });
}

/** @returns the exit status */
export async function commandLine(argv: readonly string[]): Promise<number> {
  speakAs('command');
  const [name, ...rest] = argv;
  const verbose = rest.includes('-v') || rest.includes('--verbose');
  const native = process.env[fastpathVariable] !== undefined;
  const load = Object.hasOwn(verbs, name ?? '') ? verbs[name ?? '']?.load : undefined;
  // Only a run reads it; `run` may be left out.
  if ((load !== undefined && name !== 'run') || name === finishing)
    delete process.env[fastpathVariable];
  try {
    if (name === 'help' && rest[0] !== undefined) return await helpOf(rest);
    if (name === undefined || name === '-h') {
      out(shortHelp());
      return name === undefined ? 2 : 0;
    }
    if (name === '--help' || name === 'help') {
      out(generalHelp(verbs));
      return 0;
    }
    if (name === '--version' || name === '-V') {
      (await import('./print-version.js')).printVersion(verbose, native);
      return 0;
    }
    // Only the native command calls this, hence it is in no list of verbs.
    if (name === finishing) return await (await import('./finish-run.js')).finishRunVerb(rest);
    if (load !== undefined) return await (await load())(rest);
    return await (await import('./implied-run.js')).impliedRun(argv, Object.keys(verbs));
  } catch (error) {
    if (error instanceof LeaveToNode) throw error;
    const printed = printError(error, verbose);
    return (await endedStatus(error)) ?? statusOf(name, error, printed);
  }
}
