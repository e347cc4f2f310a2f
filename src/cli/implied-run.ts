/** `wasbox script.py`: a first word that is no verb is what to run, or an option of `wasbox run`. */
import { UsageError } from '../errors/index.js';
import { suggest } from '../options/index.js';
import { foreignVerb } from './foreign-verbs.js';
import { runVerb } from './run.js';

/**
 * Runs the whole line. A word that names nothing to run, but resembles a verb, was meant as one.
 * @param verbs their names
 */
export async function impliedRun(
  argv: readonly string[],
  verbs: readonly string[],
): Promise<number> {
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
