/** A place without namespaces, as most containers are. */
import type { Identity } from './identity.js';
import { compilePayload } from './payload.js';
import { wasboxArgv } from './wasbox.js';

/** argv that runs wasbox under a filter like Docker's default one. */
export function closedArgv(as: Identity, directory: string, args: readonly string[]): string[] {
  return [compilePayload(as, 'closed', directory), ...wasboxArgv(as, args)];
}
