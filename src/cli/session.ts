/** `wasbox session`. */
import { closeSync } from 'node:fs';
import { openStore } from '../changes/index.js';
import { UsageError, WasboxError } from '../errors/index.js';
import { loadNative } from '../native/index.js';
import { durationText } from '../options/index.js';
import {
  askOwner,
  checkName,
  insidePortText,
  listSessions,
  type OwnedSession,
  type SessionPortsTold,
  type StateRequest,
  toRemote,
} from '../owner/index.js';
import { jsonText } from '../text/index.js';
import { ago } from './ago.js';
import { columns, homePath } from './columns.js';
import { latestRun } from './latest.js';
import { nodeModule, requireNode } from './node-module.js';
import { requireSession, tellStale } from './session-find.js';
import { defaultIdleMs, sessionDescription } from './session-options.js';
import { type Answer, readyVariable, startOwner } from './start-owner.js';
import { stopVerb } from './stop.js';
import { err, out, style, write } from './terminal.js';
import { parseVerb, userStore } from './verb.js';

interface Values {
  readonly name?: string;
  readonly snapshot?: string;
  readonly idleMs?: number;
  readonly foreground?: boolean;
  readonly quiet?: boolean;
  readonly json?: boolean;
  readonly continue?: string;
}

const header = ['NAME', 'ID', 'AGE', 'PID', 'IDLE', 'SNAPSHOTS', 'DIRECTORY'];
/** Labels that a line of the list has. */
const shownLabels = 3;

function labelsText({ snapshots }: OwnedSession): string {
  const labels = snapshots.map(({ label }) => label);
  const rest = labels.length - shownLabels;
  // The last ones: a rollback goes to the last.
  const shown = labels.slice(-shownLabels).join(',');
  return rest > 0 ? `+${rest},${shown}` : shown || '-';
}

function list(json: boolean): number {
  const { live, stale } = listSessions(userStore());
  tellStale(stale);
  if (json) {
    out(`${jsonText({ schemaVersion: 1, sessions: live })}\n`);
  } else if (live.length === 0) {
    out('No session runs.\n');
  } else {
    const rows = live.map((session) => [
      session.name,
      session.id ?? '-',
      ago(session.started),
      String(session.pid),
      session.idleMs === undefined ? 'none' : durationText(session.idleMs),
      labelsText(session),
      homePath(session.workdir),
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

interface Holding {
  readonly name: string | undefined;
  readonly onReady: (session: OwnedSession) => void;
}

interface Owner {
  readonly ownSession: (owning: Holding & { readonly options: object }) => Promise<void>;
  readonly ownFork: (
    owning: Holding & { readonly source: OwnedSession; readonly snapshot: string | undefined },
  ) => Promise<void>;
}

/** How a session is held, until it has ended. */
type Own = (owner: Owner, holding: Holding) => Promise<void>;

/** @param tell says that it runs, or why it does not */
async function holdHere(own: Own, name: string | undefined, tell: (answer: Answer) => void) {
  const owner = await nodeModule<Owner>('sessions', 'session-owner.js');
  await own(owner, { name, onReady: (session) => tell({ session }) });
}

/** Holds it in the process that was started for it: its output is not read, what started it waits for the answer. */
async function holdForStarter(own: Own, name: string | undefined, fd: number): Promise<number> {
  let told = false;
  const tell = (answer: Answer): void => {
    if (told) return;
    told = true;
    write(fd, `${JSON.stringify(answer)}\n`);
    closeSync(fd);
  };
  try {
    await holdHere(own, name, tell);
    return 0;
  } catch (error) {
    if (!(error instanceof WasboxError)) throw error;
    tell({ error: toRemote(error) });
    return error.exitStatus;
  }
}

/** Holds a session in a process of its own, or in this one. @param argv what follows `wasbox session` */
async function hold(
  own: Own,
  argv: readonly string[],
  { name, foreground, quiet = false }: Values,
): Promise<number> {
  if (name !== undefined) checkName(name);
  requireNode('sessions');
  if (foreground !== true) {
    tellStarted(await startOwner(argv), quiet);
    return 0;
  }
  const fd = Number(process.env[readyVariable] ?? 0);
  delete process.env[readyVariable];
  if (fd > 2) return holdForStarter(own, name, fd);
  await holdHere(own, name, (answer) => {
    if ('session' in answer) tellStarted(answer.session, quiet);
  });
  return 0;
}

async function start(argv: readonly string[], values: Values): Promise<number> {
  const { name: _n, idleMs = defaultIdleMs, foreground: _f, quiet: _q, json: _j, ...rest } = values;
  const { snapshot, ...sandbox } = rest;
  if (snapshot !== undefined) throw wrong('--snapshot is for fork');
  const own: Own = (owner, holding) => {
    const continues =
      sandbox.continue === ''
        ? { continue: latestRun(openStore(loadNative().native), 'continue') }
        : {};
    const idle = Number.isFinite(idleMs) ? { idleMs } : {};
    return owner.ownSession({ ...holding, options: { ...sandbox, ...continues, ...idle } });
  };
  return hold(own, argv, values);
}

const wrong = (message: string): UsageError =>
  new UsageError('ERR_USAGE', `wasbox session: ${message}`, {
    hint: `Usage: wasbox session ${sessionDescription.usage}`,
  });

/** Says what each action takes: how many operands, and which options; all of them where those are absent. */
const actions: Readonly<
  Record<string, { readonly operands: readonly [number, number]; readonly options?: string[] }>
> = {
  start: { operands: [0, 0] },
  ls: { operands: [0, 0], options: ['json'] },
  snapshot: { operands: [1, 2], options: ['quiet'] },
  rollback: { operands: [1, 2], options: ['quiet'] },
  fork: { operands: [1, 1], options: ['name', 'snapshot', 'foreground', 'quiet'] },
  release: { operands: [2, 2], options: ['quiet'] },
  publish: { operands: [1, 2], options: ['quiet', 'json'] },
  unpublish: { operands: [2, 2], options: ['quiet'] },
};

function checkLine(action: string, operands: readonly string[], values: Values): void {
  const known = Object.hasOwn(actions, action) ? actions[action] : undefined;
  if (known === undefined) throw wrong(`no action "${action}"`);
  const { operands: takes, options } = known;
  const [least, most] = takes;
  if (operands.length < least) {
    const second = action === 'unpublish' ? 'a port' : 'a snapshot';
    throw wrong(`${action} needs ${operands.length === 0 ? 'a session' : second}`);
  }
  if (operands.length > most) throw wrong(`${action}: unexpected argument "${operands[most]}"`);
  const other = Object.keys(values).find((key) => options?.includes(key) === false);
  if (other === undefined) return;
  const takesNone =
    options?.length === 0 ? 'no option' : `only ${options?.map((one) => `--${one}`).join(', ')}`;
  throw wrong(`${action} takes ${takesNone}`);
}

export async function sessionVerb(argv: readonly string[]): Promise<number> {
  if (argv[0] === 'stop') return stopVerb(argv.slice(1));
  const parsed = parseVerb(sessionDescription, argv);
  if (parsed === undefined) return 0;
  const values = parsed.values as Values;
  const [action, ...operands] = parsed.operands;
  if (action === undefined) throw wrong('missing action');
  checkLine(action, operands, values);
  if (action === 'start') return start(argv, values);
  if (action === 'ls') return list(values.json === true);
  requireNode('sessions');
  const [name = '', label] = operands;
  const store = userStore();
  const source = requireSession(store, name);
  if (action === 'fork') {
    const { snapshot } = values;
    const own: Own = (owner, holding) => owner.ownFork({ ...holding, source, snapshot });
    return hold(own, argv, values);
  }
  if (action === 'publish' || action === 'unpublish') {
    const told = askOwner(store, source, { call: action, label }) as SessionPortsTold;
    tellPorts(action, source.name, told, values);
    return 0;
  }
  const call = action as StateRequest['call'];
  const { label: done } = askOwner(store, source, { call, label }) as { readonly label: string };
  tellState(call, source.name, done, values.quiet === true);
  return 0;
}

/** `127.0.0.1:8080:80`, as a person reads it. */
const portText = (text: string): string => text.replace(/:(\d+)$/, ' leads to port $1 inside');

function tellPorts(
  action: 'publish' | 'unpublish',
  name: string,
  { done, published, insidePorts }: SessionPortsTold,
  { json, quiet = false }: Values,
): void {
  if (json === true) {
    out(`${jsonText({ schemaVersion: 1, published, insidePorts })}\n`);
  } else if (action === 'unpublish') {
    if (!quiet) out(`${done} is not published any more\n`);
  } else if (done !== undefined) {
    if (!quiet) out(`${portText(done)}. To end that: wasbox session unpublish ${name} ${done}\n`);
  } else {
    out(published.map((text) => `${portText(text)}\n`).join('') || 'No port is published.\n');
    for (const port of insidePorts)
      out(`${insidePortText(name, port)}
`);
  }
}

function tellState(call: string, name: string, label: string, quiet: boolean): void {
  if (call === 'snapshot') out(`${label}\n`);
  if (quiet) return;
  if (call === 'snapshot') {
    err(`  Go back to it: wasbox session rollback ${name} ${label}\n`);
  } else if (call === 'rollback') {
    out(`${name} rolled back to ${label}\n`);
  } else {
    out(`released ${label}\n`);
  }
}
