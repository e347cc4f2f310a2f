/** Stage: cli. Of `wasbox doctor`: whether a sandbox reaches what rules allow (`--net example.org`). */
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WasboxError } from '../errors/index.js';
import { launch } from '../launch/launch.js';
import type { Native } from '../launch/native.js';
import { udpObstacle } from '../report/index.js';
import { realHost, resolveSpec } from '../spec/index.js';

export type Verdict = 'good' | 'missing' | 'degraded';

export interface Finding {
  readonly name: string;
  readonly verdict: Verdict;
  readonly detail: string;
  readonly fix?: string | undefined;
}

/** The errno that a sandbox with rules met on its way out; nothing is sent. */
async function tryRules(native: Native): Promise<number> {
  const workdir = mkdtempSync(join(tmpdir(), 'wasbox-doctor-'));
  const nothing = openSync('/dev/null', 'r+');
  try {
    const host = realHost({ userById: (uid) => native.userById(uid) });
    const spec = resolveSpec(
      { command: 'sh', args: ['-c', ':'], workdir, net: 'internet', changes: 'discard' },
      host,
    );
    const stdio = [nothing, nothing, nothing] as const;
    const launched = await launch(spec, { stdio, terminal: 'never' });
    const { outcome } = await launched.done;
    return outcome.udpErrno ?? 0;
  } finally {
    closeSync(nothing);
    rmSync(workdir, { recursive: true, force: true });
  }
}

export async function networkFinding(native: Native): Promise<Finding> {
  const name = 'rules for the network (--net example.org)';
  try {
    const errno = await tryRules(native);
    if (errno === 0) return { name, verdict: 'good', detail: 'TCP, UDP and names' };
    const { code, message } = native.errnoName(errno);
    const { why, fix } = udpObstacle(code, message);
    return { name, verdict: 'degraded', detail: `TCP and names, but no UDP: ${why}`, fix };
  } catch (error) {
    if (!(error instanceof WasboxError)) throw error;
    return { name, verdict: 'degraded', detail: error.message, fix: error.hint };
  }
}
