/**
 * `wasbox sh`: takes the arguments of a shell, and runs that shell in a session or in a sandbox of its own. For
 * programs that start what the user's shell is set to.
 */
import { UsageError } from '../errors/index.js';
import { executeIn } from './exec.js';
import { runVerb } from './run.js';
import { parseVerb } from './verb.js';

/** Name or ID of the session that commands are run in. */
const sessionVariable = 'WASBOX_SESSION';

const description = {
  name: 'sh',
  what: `Run a shell with these arguments in the session that ${sessionVariable} names; without it, in a sandbox of its own with the options before --. The shell is bash where it is installed, else sh.`,
  usage: '[[options of wasbox run] --] [-c COMMAND] [ARGUMENT…]',
  options: [],
};

const chooseShell = 'if command -v bash >/dev/null; then exec bash "$@"; else exec sh "$@"; fi';

/** The shell with its arguments: a first shell chooses it inside. */
const shellWords = (args: readonly string[]): string[] => ['sh', '-c', chooseShell, 'sh', ...args];

export async function shVerb(argv: readonly string[]): Promise<number> {
  const [first] = argv;
  if (first === '--help' || first === '-h') {
    parseVerb(description, ['--help']);
    return 0;
  }
  const at = first?.startsWith('--') === true ? argv.indexOf('--') : -1;
  if (first?.startsWith('--') === true && at < 0) {
    throw new UsageError('ERR_USAGE', 'wasbox sh: options of the sandbox end with --', {
      hint: `Example: wasbox sh --net none -- -c 'make test'`,
    });
  }
  const options = at < 0 ? [] : argv.slice(0, at);
  const words = shellWords(argv.slice(at < 0 ? 0 : at + 1));
  const session = process.env[sessionVariable] ?? '';
  if (session === '')
    return runVerb([...options, '--', ...words], ['run', ...options, '--', ...words]);
  if (options.length > 0) {
    throw new UsageError('ERR_USAGE', `wasbox sh: the sandbox is that of session ${session}`, {
      hint: `Leave out ${options[0]}, or unset ${sessionVariable}.`,
    });
  }
  return executeIn(session, { argv: words });
}
