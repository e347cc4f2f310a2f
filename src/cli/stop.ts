/** `wasbox stop`: ends runs and sessions, as their own timeout would: SIGTERM, a grace, SIGKILL. */
import {
  childrenOf,
  initOfRun,
  isRunning,
  listRuns,
  payloadOf,
  type RunRecord,
  type Store,
  savedRecord,
} from '../changes/index.js';
import { ChangesError, UsageError } from '../errors/index.js';
import { monotonicMs } from '../host/index.js';
import { listSessions, type OwnedSession } from '../owner/index.js';
import { tellStale } from './session-find.js';
import { err, out, style } from './terminal.js';
import { flag, parseVerb, userStore, type VerbDescription } from './verb.js';

const graceMs = 2000;
/** The time until a run that was killed has saved its changes. */
const savingMs = 60_000;
const lookEveryMs = 20;

const description: VerbDescription = {
  name: 'stop',
  what: 'Stop runs and sessions: ask each program to end (SIGTERM), and kill it if it has not after the grace. What it changed is saved, as at any end.',
  usage: '[--all] [--grace TIME] ID|NAME…',
  options: [
    flag('all', 'stop every run and session that runs now'),
    {
      name: 'grace',
      kind: 'duration',
      metavar: 'TIME',
      min: 0,
      max: 3600 * 1000,
      group: 'Limits',
      help: 'how long the program may take to end before it is killed',
      default: '2s',
      property: 'graceMs',
      scope: 'cli',
    },
  ],
};

const pauseCell = new Int32Array(new SharedArrayBuffer(4));

/** Waits until something is no longer so. @returns whether it ended in time */
function ends(lasts: () => boolean, ms: number): boolean {
  const end = monotonicMs() + ms;
  while (lasts()) {
    if (monotonicMs() >= end) return false;
    Atomics.wait(pauseCell, 0, 0, lookEveryMs);
  }
  return true;
}

/** @returns whether there is such a process */
function kill(pid: number, signal: 'SIGTERM' | 'SIGKILL' | 0): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error; // it has just ended
    return false;
  }
}

/** Sends a signal to the program; before it has started, to its init, which ends the run. */
function send(init: number, signal: 'SIGTERM' | 'SIGKILL'): void {
  const program = payloadOf(init);
  kill(program ?? init, program === undefined ? 'SIGKILL' : signal);
}

/** Returns whether `createSession` named it. A command of that name ends the same way, but for its exit status. */
const isSession = ({ command, argv }: RunRecord): boolean =>
  command === 'session' && argv.length === 1 && argv[0] === 'session';

/** It does not end with its programs: they are asked, and then its init, which ends as for its owner. */
function stopSession(init: number, lasts: () => boolean, grace: number): void {
  for (const program of childrenOf(init)) kill(program, 'SIGTERM');
  ends(() => lasts() && childrenOf(init).length > 0, grace);
  kill(init, 'SIGTERM');
  if (!ends(lasts, grace)) kill(init, 'SIGKILL');
}

/** Names what is to be stopped: a run, a session of the command line, or both at once. */
interface Target {
  readonly id: string | undefined;
  readonly record: RunRecord | undefined;
  readonly session: OwnedSession | undefined;
}

const warn = (text: string): void => err(`${style(2, 'dim', 'wasbox:')} ${text}\n`);

/** Returns whether the owner is still saving the session's changes or removing its directory. */
function isHeld(store: Store, { name, pid }: OwnedSession): boolean {
  const { live, unnoted } = listSessions(store);
  if (live.some((one) => one.name === name && one.pid === pid)) return true;
  return unnoted.includes(name) && kill(pid, 0); // else another owner has taken the name
}

function stopOne(store: Store, { id, record, session }: Target, grace: number): boolean {
  const name = session?.name ?? id ?? '';
  const initNow = (): number | undefined =>
    id === undefined ? sessionInit(session) : initOfRun(store, id);
  const init = initNow();
  const lasts = (): boolean => initNow() === init;
  if (init === undefined) {
    if (session === undefined) {
      warn(`run ${name} has no process to stop: it is just starting or ending`);
      return false;
    }
    // Without a sandbox (as after a snapshot), its owner ends it. The owner is alive: its lock was held just now.
    kill(session.pid, 'SIGTERM');
  } else if (session !== undefined || (record !== undefined && isSession(record))) {
    stopSession(init, lasts, grace);
  } else {
    send(init, 'SIGTERM');
    if (!ends(lasts, grace)) send(init, 'SIGKILL');
  }
  const isSaving = (): boolean =>
    (id !== undefined && isRunning(store, id)) || (session !== undefined && isHeld(store, session));
  if (!ends(isSaving, savingMs)) {
    warn(`${name} was stopped, but its changes are not saved yet`);
    return false;
  }
  out(`stopped ${name}\n`);
  if (session !== undefined && id !== undefined && savedRecord(store, id) !== undefined) {
    warn(`changes saved. Review them: wasbox diff ${id}`);
  }
  return true;
}

/** Returns the init of a session without a run: the child of its owner. */
const sessionInit = (session: OwnedSession | undefined): number | undefined =>
  session !== undefined && childrenOf(session.pid).includes(session.init)
    ? session.init
    : undefined;

/** All that runs. */
function targets(store: Store): Target[] {
  const { live, stale } = listSessions(store);
  tellStale(stale);
  const runs = listRuns(store).filter(({ status }) => status === 'running');
  const alone = live.filter(({ id }) => !runs.some((record) => record.id === id));
  return [
    ...runs.map((record) => ({
      id: record.id,
      record,
      session: live.find(({ id }) => id === record.id),
    })),
    ...alone.map((session) => ({ id: session.id, record: undefined, session })),
  ];
}

function wanted(running: readonly Target[], text: string): Target {
  const named = running.find(({ session }) => session?.name === text);
  const found =
    named === undefined ? running.filter(({ id }) => id?.startsWith(text) === true) : [named];
  const [one] = found;
  if (one !== undefined && found.length === 1) return one;
  const message =
    one === undefined
      ? `no run or session ${JSON.stringify(text)} is running`
      : `more than one run begins with ${text}`;
  throw new ChangesError('ERR_RUN_UNKNOWN', message, { hint: 'To list what runs: wasbox ps' });
}

export function stopVerb(argv: readonly string[]): number {
  const parsed = parseVerb(description, argv);
  if (parsed === undefined) return 0;
  const { all, graceMs: grace = graceMs } = parsed.values as {
    readonly all?: boolean;
    readonly graceMs?: number;
  };
  const { operands } = parsed;
  if ((all === true) === operands.length > 0) {
    throw new UsageError(
      'ERR_USAGE',
      'wasbox stop takes IDs of runs or names of sessions, or --all',
      {
        hint: 'To list what runs: wasbox ps',
      },
    );
  }
  const store = userStore();
  const running = targets(store);
  const chosen = all === true ? running : operands.map((text) => wanted(running, text));
  const stopped = [...new Set(chosen)].map((record) => stopOne(store, record, grace));
  return stopped.every(Boolean) ? 0 : 1;
}
