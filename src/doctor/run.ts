/** Makes real runs for `wasbox doctor`, as `wasbox run` makes them. */
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  mkdtempSync,
  openSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { UsageError, WasboxError } from '../errors/index.js';
import { realHost } from '../host/index.js';
import { lackNotes, launch } from '../launch/index.js';
import type { Native, NativeOutcome } from '../native/index.js';
import { type Isolation, ownOf, resolveSpec } from '../resolve/index.js';

export type Verdict = 'good' | 'missing' | 'degraded';

export interface Finding {
  readonly name: string;
  readonly verdict: Verdict;
  readonly detail: string;
  readonly fix?: string | undefined;
}

/** Returns what is wrong, and what to do, in the words that a run has for it. */
export const findingOf = (name: string, verdict: Verdict, error: WasboxError): Finding => ({
  name,
  verdict,
  detail: error.message,
  fix: error.hint,
});

/** An empty directory to run in; the caller removes it. */
function emptyDirectory(): string {
  for (const parent of [tmpdir(), '/var/tmp', '/dev/shm', process.cwd()]) {
    try {
      accessSync(parent, constants.W_OK);
      return mkdtempSync(join(parent, 'wasbox-doctor-'));
    } catch {
      // The next may do.
    }
  }
  throw new UsageError('ERR_WORKDIR', 'no writable directory for temporary files', {
    hint: 'Choose one: export TMPDIR=DIR',
  });
}

/**
 * Makes a sandbox in which nothing happens, in a directory of its own, and says how that ended.
 * @throws WasboxError where a run would fail
 */
export async function tryRun(
  native: Native,
  net: 'none' | 'internet',
): Promise<{ readonly outcome: NativeOutcome; readonly isolation: Isolation }> {
  const workdir = emptyDirectory();
  try {
    const nothing = openSync('/dev/null', 'r+');
    try {
      const [command, ...args] = existsSync('/bin/sh')
        ? ['/bin/sh', '-c', ':']
        : [process.execPath, '--version'];
      const stdio = [nothing, nothing, nothing] as const;
      const host = realHost({ native, stdio });
      const spec = resolveSpec({ command, args, workdir, net, changes: 'discard' }, host);
      const launched = await launch(spec, { stdio });
      return { outcome: (await launched.done).outcome, isolation: spec.isolation };
    } finally {
      closeSync(nothing);
    }
  } finally {
    rmSync(workdir, { recursive: true, force: true });
  }
}

const namespacesFix =
  'Namespaces isolate better. What they lack here stands above; what is weaker without them: docs, In containers.';

/** Returns whether a run works: the verdict on this machine. */
export async function runFinding(native: Native): Promise<Finding> {
  const name = 'a run';
  try {
    const { outcome, isolation } = await tryRun(native, 'none');
    if (outcome.exitCode !== 0) {
      const how = outcome.signal === 0 ? `exited ${outcome.exitCode}` : `signal ${outcome.signal}`;
      return { name, verdict: 'missing', detail: `a program that does nothing failed: ${how}` };
    }
    const { note } = ownOf({ isolation });
    if (note !== undefined) {
      return { name, verdict: 'degraded', detail: `works, ${note}`, fix: namespacesFix };
    }
    const lacks = lackNotes(outcome);
    if (lacks.length === 0) return { name, verdict: 'good', detail: 'works' };
    return {
      name,
      verdict: 'degraded',
      detail: `works. ${lacks.join('. ')}`,
      fix: 'Isolation is complete: the program cannot make the blocked call either.',
    };
  } catch (error) {
    if (!(error instanceof WasboxError)) throw error;
    return findingOf(name, 'missing', error);
  }
}
