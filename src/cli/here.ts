/** The current directory, for commands that look up something by it. */
import { UsageError } from '../errors/index.js';
import { realHost } from '../host/index.js';

/** @throws UsageError in a directory that was removed */
export function currentDirectory(): string {
  const here = realHost().cwd();
  if (here !== undefined) return here;
  throw new UsageError('ERR_WORKDIR', 'the current directory no longer exists', {
    hint: 'Change to a directory that exists.',
  });
}
