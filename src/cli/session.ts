/** `wasbox session start`, `wasbox session ls`. */
import { openStore } from '../changes/index.js';
import { LeaveToNode, UsageError, WasboxError } from '../errors/index.js';
import { loadNative } from '../native/index.js';
import { durationText } from '../options/index.js';
import { checkName, listSessions, type OwnedSession, toRemote } from '../owner/index.js';
import { jsonText } from '../text/index.js';
import { ago } from './ago.js';
import { columns, homePath } from './columns.js';
import { latestRun } from './latest.js';
import { tellStale } from './session-find.js';
import { defaultIdleMs, sessionDescription } from './session-options.js';
import { type Answer, readyVariable, startOwner } from './start-owner.js';
import { err, out, style, write } from './terminal.js';
import { parseVerb, userStore } from './verb.js';

/** import() of a file beside the command's bundle (boot.cjs). The engine of the native command has none. */
declare const importModule: ((url: string) => Promise<unknown>) | undefined;

interface Values {
  readonly name?: string;
  readonly idleMs?: number;
  readonly foreground?: boolean;
  readonly quiet?: boolean;
  readonly json?: boolean;
  readonly continue?: string;
}

const header = ['NAME', 'ID', 'AGE', 'PID', 'IDLE', 'DIRECTORY'];

function list(json: boolean): number {
  const { live, stale } = listSessions(userStore());
  tellStale(stale);
  if (json) {
    out(`${jsonText({ schemaVersion: 1, sessions: live })}\n`);
  } else if (live.length === 0) {
    out('No session runs.\n');
  } else {
    const rows = live.map(({ name, id, started, pid, idleMs, workdir }) => [
      name,
      id ?? '-',
      ago(started),
      String(pid),
      idleMs === undefined ? 'none' : durationText(idleMs),
      homePath(workdir),
    ]);
    out(columns(header, rows));
  }
  return 0;
}

function tellStarted(session: OwnedSession, quiet: boolean): void {
  out(`${session.name}\n`);
  if (quiet) return;
  const { name, pid, idleMs } = session;
  const idle = idleMs === undefined ? '' : `, or after ${durationText(idleMs)} without a command`;
  err(`${style(2, 'dim', 'wasbox:')} session ${name} runs as process ${pid}\n`);
  err(`  Run a command in it: wasbox exec ${name} -- COMMAND\n`);
  err(`  It ends with: wasbox stop ${name}${idle}\n`);
}

interface Owner {
  readonly ownSession: (owning: {
    readonly options: object;
    readonly name: string | undefined;
    readonly onReady: (session: OwnedSession) => void;
  }) => Promise<void>;
}

/** @param tell says that it runs, or why it does not */
async function own(options: object, name: string | undefined, tell: (answer: Answer) => void) {
  if (typeof importModule === 'undefined') throw new LeaveToNode('a session');
  const { ownSession } = (await importModule(
    new URL('./session-owner.js', import.meta.url).href,
  )) as Owner;
  await ownSession({ options, name, onReady: (session) => tell({ session }) });
}

/** In the process that was started for it: its output is not read, and what started it waits for the answer. */
async function ownForStarter(
  options: object,
  name: string | undefined,
  fd: number,
): Promise<number> {
  let told = false;
  const tell = (answer: Answer): void => {
    if (told) return;
    told = true;
    write(fd, `${JSON.stringify(answer)}\n`);
    process.getBuiltinModule('node:fs').closeSync(fd);
  };
  try {
    await own(options, name, tell);
    return 0;
  } catch (error) {
    if (!(error instanceof WasboxError)) throw error;
    tell({ error: toRemote(error) });
    return error.exitStatus;
  }
}

async function start(argv: readonly string[], values: Values): Promise<number> {
  const { name, idleMs = defaultIdleMs, foreground, quiet = false, json: _, ...sandbox } = values;
  if (name !== undefined) checkName(name);
  if (typeof importModule === 'undefined') throw new LeaveToNode('a session');
  const continues =
    sandbox.continue === ''
      ? { continue: latestRun(openStore(loadNative().native), 'continue') }
      : {};
  const idle = Number.isFinite(idleMs) ? { idleMs } : {};
  const options = { ...sandbox, ...continues, ...idle };
  if (foreground !== true) {
    tellStarted(await startOwner(argv), quiet);
    return 0;
  }
  const fd = Number(process.env[readyVariable] ?? 0);
  delete process.env[readyVariable];
  if (fd > 2) return ownForStarter(options, name, fd);
  await own(options, name, (answer) => {
    if ('session' in answer) tellStarted(answer.session, quiet);
  });
  return 0;
}

export async function sessionVerb(argv: readonly string[]): Promise<number> {
  const parsed = parseVerb(sessionDescription, argv);
  if (parsed === undefined) return 0;
  const values = parsed.values as Values;
  const [action] = parsed.operands;
  if (action === 'start') return start(argv, values);
  if (action === 'ls') {
    const [other] = Object.keys(values).filter((key) => key !== 'json');
    if (other === undefined) return list(values.json === true);
    throw new UsageError('ERR_USAGE', 'wasbox session ls takes no option but --json');
  }
  const what = action === undefined ? 'needs a word' : `does not know "${action}"`;
  throw new UsageError('ERR_USAGE', `wasbox session ${what}`, {
    hint: 'Usage: wasbox session start [options]\n       wasbox session ls [--json]',
  });
}
