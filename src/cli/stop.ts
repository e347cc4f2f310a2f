/** `wasbox stop`: ends runs, as their own timeout would: SIGTERM, a grace, SIGKILL. */
import {
  childrenOf,
  initOfRun,
  isRunning,
  listRuns,
  payloadOf,
  type RunRecord,
  type Store,
} from '../changes/index.js';
import { ChangesError, UsageError } from '../errors/index.js';
import { monotonicMs } from '../host/index.js';
import { err, out, style } from './terminal.js';
import { flag, parseVerb, userStore, type VerbDescription } from './verb.js';

const graceMs = 2000;
/** Until a run that was killed has saved its changes. */
const savingMs = 60_000;
const lookEveryMs = 20;

const description: VerbDescription = {
  name: 'stop',
  what: 'Stop runs: ask each program to end (SIGTERM), and kill it if it has not after the grace. What it changed is saved, as at any end.',
  usage: '[--all] [--grace TIME] ID…',
  options: [
    flag('all', 'stop every run that runs now'),
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

function kill(pid: number, signal: 'SIGTERM' | 'SIGKILL'): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error; // it has just ended
  }
}

/** Sends a signal to the program; before it has started, to its init, which ends the run. */
function send(init: number, signal: 'SIGTERM' | 'SIGKILL'): void {
  const program = payloadOf(init);
  kill(program ?? init, program === undefined ? 'SIGKILL' : signal);
}

/** As `createSession` names it. A command of that name ends the same way, but for its exit status. */
const isSession = ({ command, argv }: RunRecord): boolean =>
  command === 'session' && argv.length === 1 && argv[0] === 'session';

/** It does not end with its programs: they are asked, and then init is killed with what is left. */
function stopSession(init: number, lasts: () => boolean, grace: number): void {
  for (const program of childrenOf(init)) kill(program, 'SIGTERM');
  ends(() => lasts() && childrenOf(init).length > 0, grace);
  kill(init, 'SIGKILL');
}

function stopOne(store: Store, record: RunRecord, grace: number): boolean {
  const { id } = record;
  const init = initOfRun(store, id);
  if (init === undefined) {
    err(
      `${style(2, 'dim', 'wasbox:')} run ${id} has no process to stop: it starts or ends just now\n`,
    );
    return false;
  }
  const lasts = (): boolean => initOfRun(store, id) === init;
  if (isSession(record)) {
    stopSession(init, lasts, grace);
  } else {
    send(init, 'SIGTERM');
    if (!ends(lasts, grace)) send(init, 'SIGKILL');
  }
  if (!ends(() => isRunning(store, id), savingMs)) {
    err(`${style(2, 'dim', 'wasbox:')} run ${id} was stopped, but its changes are not saved yet\n`);
    return false;
  }
  out(`stopped ${id}\n`);
  return true;
}

function wanted(running: readonly RunRecord[], text: string): RunRecord {
  const found = running.filter(({ id }) => id.startsWith(text));
  const [one] = found;
  if (one !== undefined && found.length === 1) return one;
  const message =
    one === undefined ? `run ${text} does not run` : `more than one run begins with ${text}`;
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
    throw new UsageError('ERR_USAGE', 'wasbox stop takes the IDs of runs, or --all', {
      hint: 'To list what runs: wasbox ps',
    });
  }
  const store = userStore();
  const running = listRuns(store).filter(({ status }) => status === 'running');
  const chosen = all === true ? running : operands.map((text) => wanted(running, text));
  const stopped = [...new Set(chosen)].map((record) => stopOne(store, record, grace));
  return stopped.every(Boolean) ? 0 : 1;
}
