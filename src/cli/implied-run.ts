/** `wasbox script.py`: a first word that is no verb is what to run, or an option of `wasbox run`. */
import { existsSync } from 'node:fs';
import { UsageError } from '../errors/index.js';
import { suggest } from '../options/index.js';
import { foreignVerb } from './foreign-verbs.js';
import { runVerb } from './run.js';
import { runAndPaths } from './run-operands.js';
import { userStore } from './verb.js';

/** Programs of every system that other tools have as commands for what they started. */
const ofRuns: Readonly<Record<string, (word: string, runs: boolean) => string>> = {
  rm: (word, runs) =>
    `${runs ? `To end it: wasbox stop ${word}\n` : ''}To drop its changes: wasbox discard ${word}`,
  kill: (word) => `To end it: wasbox stop ${word}`,
};

/** @throws UsageError where a run or a session is meant, and the system's program would be run inside */
function refuseForRuns([name = '', ...words]: readonly string[]): void {
  const hint = Object.hasOwn(ofRuns, name) ? ofRuns[name] : undefined;
  const operands = words.filter((word) => !word.startsWith('-'));
  const [word] = operands;
  if (hint === undefined || word === undefined || operands.length > 1 || existsSync(word)) return;
  const { id, session } = runAndPaths(userStore(), [word]);
  if (id === undefined) return;
  const what = session === undefined ? 'a run' : 'a session';
  throw new UsageError('ERR_USAGE', `wasbox has no ${name}, and ${word} is ${what} of wasbox`, {
    hint: hint(word, session !== undefined),
  });
}

/**
 * Runs the whole line. A word that names nothing to run, but resembles a verb, was meant as one.
 * @param verbs their names
 */
export async function impliedRun(
  argv: readonly string[],
  verbs: readonly string[],
): Promise<number> {
  refuseForRuns(argv);
  try {
    return await runVerb(argv, argv);
  } catch (error) {
    const [name = ''] = argv;
    if (!(error instanceof UsageError) || name.startsWith('-')) throw error;
    const near = suggest(name, [...verbs, 'version']);
    const foreign = foreignVerb(near === 'version' ? near : name);
    if (foreign !== undefined && error.code === 'ERR_SCRIPT_NOT_FOUND')
      throw new UsageError(error.code, error.message, { hint: foreign, cause: error });
    if (near === undefined) throw error;
    // In a place where nothing can be run, it was not even looked for.
    if (error.code === 'ERR_WORKDIR') {
      const hint = `Did you mean: wasbox ${near}\n${error.hint ?? ''}`;
      throw new UsageError(error.code, error.message, { hint, cause: error });
    }
    if (error.code !== 'ERR_SCRIPT_NOT_FOUND') throw error;
    throw new UsageError(
      'ERR_SCRIPT_NOT_FOUND',
      `${name}: no such file, and no such command in PATH or of wasbox`,
      {
        hint: `Did you mean: wasbox ${near}`,
        cause: error,
      },
    );
  }
}
