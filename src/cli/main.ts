/** Finds the verb and loads what it needs, nothing else. */
import { LeaveToNode, UsageError } from '../errors/index.js';
import { fastpathVariable } from '../fastpath/index.js';
import { suggest } from '../options/index.js';
import { printError } from './failure.js';
import { generalHelp } from './help.js';
import { out } from './terminal.js';
import { verbs } from './verbs.js';

const finishing = 'finish-run';

/** Exit status of an error: run has its own; elsewhere 2 for usage and 1 for a no. */
function statusOf(verb: string | undefined, error: unknown, runStatus: number): number {
  if (verb === 'run' || verb === finishing) return runStatus;
  return error instanceof UsageError ? 2 : 1;
}

function unknownVerb(name: string): UsageError {
  if (name.startsWith('-')) {
    return new UsageError('ERR_OPTION_UNKNOWN', `unknown option ${name}`, {
      hint: 'Put options after the command: wasbox run --net host script.py. See wasbox --help.',
    });
  }
  const known = suggest(name, Object.keys(verbs));
  return new UsageError('ERR_USAGE', `unknown command "${name}"`, {
    hint:
      known === undefined
        ? `To run it in a sandbox: wasbox run ${name}`
        : `Did you mean: wasbox ${known}`,
  });
}

/** @returns the exit status */
export async function commandLine(argv: readonly string[]): Promise<number> {
  const [name, ...rest] = argv;
  const verbose = rest.includes('-v') || rest.includes('--verbose');
  const native = process.env[fastpathVariable] !== undefined;
  if (name !== 'run') delete process.env[fastpathVariable]; // run reads it
  try {
    if (name === 'help' && rest[0] !== undefined) return await commandLine([...rest, '--help']);
    if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
      out(generalHelp(verbs));
      return name === undefined ? 2 : 0;
    }
    if (name === '--version' || name === '-V') {
      (await import('./print-version.js')).printVersion(verbose, native);
      return 0;
    }
    // For the native command alone, hence in no list of verbs.
    if (name === finishing) return await (await import('./finish-run.js')).finishRunVerb(rest);
    const load = Object.hasOwn(verbs, name) ? verbs[name]?.load : undefined;
    if (load === undefined) throw unknownVerb(name);
    return await (await load())(rest);
  } catch (error) {
    if (error instanceof LeaveToNode) throw error;
    return statusOf(name, error, printError(error, verbose));
  }
}
