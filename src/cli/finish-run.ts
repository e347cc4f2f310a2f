/**
 * `wasbox finish-run FD`, for the native command alone: a run that it started has ended
 * and left changes, or something else to tell. Everything that is said comes from here, so that a
 * run reads the same however it was started.
 */
import { closeSync, fstatSync, readSync } from 'node:fs';
import { openStore, resumeRun } from '../changes/index.js';
import { UsageError } from '../errors/index.js';
import { decodeEnded } from '../fastpath/index.js';
import { realHost } from '../host/index.js';
import { endLaunch, endPrivateRoot, withOutcome } from '../launch/index.js';
import { loadNative } from '../native/index.js';
import { buildReport } from '../report/index.js';
import { endInterrupted } from './interrupt.js';
import { noteEnd } from './latest.js';
import { leadsOf } from './leads.js';
import { leave } from './leave.js';
import { progressLine } from './progress.js';
import { tell } from './tell.js';

function readWhole(fd: number): Uint8Array {
  const bytes = new Uint8Array(fstatSync(fd).size);
  for (let done = 0; done < bytes.length; ) {
    const count = readSync(fd, bytes, done, bytes.length - done, done);
    if (count === 0) break;
    done += count;
  }
  closeSync(fd);
  return bytes;
}

export async function finishRunVerb([fd = '']: readonly string[]): Promise<number> {
  const ended = /^\d{1,9}$/.test(fd) ? decodeEnded(readWhole(Number(fd))) : undefined;
  if (ended === undefined) {
    throw new UsageError('ERR_USAGE', 'finish-run is internal to wasbox', {
      hint: 'To list finished runs: wasbox runs',
    });
  }
  const { native } = loadNative();
  const { outcome, startedAt, context } = ended;
  const store = openStore(native, { directory: ended.state });
  const run = resumeRun(store, ended.id, ended.lock);
  const { spec, quiet, verbose } = context;
  try {
    if (spec.isolation === 'landlock') endPrivateRoot(native, run, spec, outcome);
  } catch (error) {
    throw withOutcome(error, outcome, spec);
  }
  const launched = { native, spec, store, run, startedAt };
  const progress = progressLine(quiet ? { visible: false } : {});
  const onProgress = progress.show;
  const end = { ...launched, asked: true, onProgress };
  const result = await endLaunch(end, outcome)
    .catch((error: unknown) => {
      throw withOutcome(error, outcome, spec);
    })
    .finally(progress.end);
  noteEnd(store, result);
  const report = buildReport(spec, result);
  const leads = (): string[] => leadsOf(spec, report, realHost({ native }));
  tell(report, { quiet, verbose, leads });
  endInterrupted(report.outcome, outcome.typedInterrupt);
  leave(native, report.outcome.status);
  return report.outcome.status;
}
