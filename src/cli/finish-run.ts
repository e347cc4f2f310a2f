/**
 * `wasbox finish-run FD`, for the native command alone: a run that it started has ended
 * and left changes, or something else to tell. Everything that is said comes from here, so that a
 * run reads the same however it was started.
 */
import { closeSync, fstatSync, readSync } from 'node:fs';
import { noteReport, openStore, readLastRun, resumeRun, runStateError } from '../changes/index.js';
import { UsageError } from '../errors/index.js';
import { decodeEnded } from '../fastpath/index.js';
import { realHost } from '../host/index.js';
import { endLaunch, endPrivateRoot, type LaunchResult, withOutcome } from '../launch/index.js';
import { leadsOf } from '../leads/index.js';
import { loadNative } from '../native/index.js';
import { buildReport } from '../report/index.js';
import { ownOf } from '../resolve/index.js';
import { endInterrupted } from './interrupt.js';
import { noteEnd } from './latest.js';
import { leave } from './leave.js';
import { notedReport, unlessFaulty } from './note-report.js';
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

type Ended = NonNullable<ReturnType<typeof decodeEnded>>;

export async function finishRunVerb([fd = '']: readonly string[]): Promise<number> {
  const ended = /^\d{1,9}$/.test(fd) ? decodeEnded(readWhole(Number(fd))) : undefined;
  if (ended === undefined) {
    throw new UsageError('ERR_USAGE', 'finish-run is internal to wasbox', {
      hint: 'To list finished runs: wasbox runs',
    });
  }
  try {
    return await finish(ended);
  } catch (error) {
    throw withOutcome(error, ended.outcome, ended.context.spec);
  }
}

async function finish({ state, id, lock, outcome, startedAt, context }: Ended): Promise<number> {
  const { native } = loadNative();
  const store = openStore(native, { directory: state });
  const run = resumeRun(store, id, lock);
  const { spec, quiet, verbose } = context;
  const progress = progressLine(quiet ? { visible: false } : {});
  const end = { native, spec, store, run, startedAt, asked: true, onProgress: progress.show };
  let result: LaunchResult;
  try {
    if (!ownOf(spec).tree) endPrivateRoot(native, run, spec, outcome);
    result = await endLaunch(end, outcome);
  } catch (error) {
    throw runStateError(store, id, error);
  } finally {
    progress.end();
  }
  noteEnd(store, result, quiet);
  const report = buildReport(spec, result);
  const host = realHost({ native });
  const here = host.cwd();
  let found: readonly string[] | undefined;
  const leads = (): readonly string[] => {
    const last = here === undefined ? undefined : readLastRun(store, here);
    const isThis = last?.startedMs === startedAt.getTime();
    found ??= leadsOf(spec, report, host, isThis ? last.words : undefined, result.outcome.tail);
    return found;
  };
  const noted = notedReport(report, leads);
  if (noted !== undefined && here !== undefined)
    unlessFaulty(() => noteReport(store, here, startedAt.getTime(), noted));
  tell(report, { quiet, verbose, leads });
  endInterrupted(report.outcome, outcome.typedInterrupt);
  leave(native, report.outcome.status);
  return report.outcome.status;
}
