/** Stage: spec. Options and a host become a {@link SandboxSpec}; nothing is opened or made yet. */
import { UsageError } from '../errors/index.js';
import type { Host } from './host.js';
import type { RunOptions } from './run-options.js';
import type { SandboxSpec } from './types.js';

/**
 * Decides everything about a sandbox: what runs, as whom, what it sees, and within which limits.
 * @throws UsageError where the options ask for something that cannot be
 */
export function resolveSpec(_options: RunOptions, _host: Host): SandboxSpec {
  throw new UsageError('ERR_USAGE', 'not ready');
}
