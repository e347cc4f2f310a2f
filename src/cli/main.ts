/** Finds the verb and loads what it needs, nothing else. */
import { LeaveToNode, UsageError } from '../errors/index.js';
import { fastpathVariable } from '../fastpath/index.js';
import { printError } from './failure.js';
import { generalHelp, shortHelp } from './help.js';
import { out } from './terminal.js';
import { verbs } from './verbs.js';

const finishing = 'finish-run';

/** Exit status of an error: run has its own; elsewhere 2 for usage and 1 for a no. */
function statusOf(verb: string | undefined, error: unknown, runStatus: number): number {
  if (verb === undefined || !Object.hasOwn(verbs, verb) || verb === 'run') return runStatus;
  return error instanceof UsageError ? 2 : 1;
}

/** @returns the exit status */
export async function commandLine(argv: readonly string[]): Promise<number> {
  const [name, ...rest] = argv;
  const verbose = rest.includes('-v') || rest.includes('--verbose');
  const native = process.env[fastpathVariable] !== undefined;
  const load = Object.hasOwn(verbs, name ?? '') ? verbs[name ?? '']?.load : undefined;
  // Only a run reads it; `run` may be left out.
  if ((load !== undefined && name !== 'run') || name === finishing)
    delete process.env[fastpathVariable];
  try {
    if (name === 'help' && rest[0] !== undefined) return await commandLine([...rest, '--help']);
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
    // For the native command alone, hence in no list of verbs.
    if (name === finishing) return await (await import('./finish-run.js')).finishRunVerb(rest);
    if (load !== undefined) return await (await load())(rest);
    return await (await import('./implied-run.js')).impliedRun(argv, Object.keys(verbs));
  } catch (error) {
    if (error instanceof LeaveToNode) throw error;
    return statusOf(name, error, printError(error, verbose));
  }
}
