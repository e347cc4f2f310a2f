/** `wasbox ps`: lists the runs and sessions that run now. */
import { initOfRun, listRuns } from '../changes/index.js';
import { shellQuote } from '../options/index.js';
import { listSessions } from '../owner/index.js';
import { jsonText } from '../text/index.js';
import { ago } from './ago.js';
import { columns, homePath } from './columns.js';
import { tellStale } from './session-find.js';
import { out } from './terminal.js';
import { flag, parseVerb, userStore } from './verb.js';

const header = ['ID', 'AGE', 'PID', 'DIRECTORY', 'COMMAND'];

export function psVerb(argv: readonly string[]): number {
  const parsed = parseVerb(
    {
      name: 'ps',
      what: 'List the runs and sessions that run now, newest first. PID is the first process of the sandbox, as this machine sees it.',
      usage: '[--json]',
      options: [flag('json', 'print them as JSON')],
      maxOperands: 0,
    },
    argv,
  );
  if (parsed === undefined) return 0;
  const store = userStore();
  const { live, stale } = listSessions(store);
  tellStale(stale);
  const runs = listRuns(store)
    .filter(({ status }) => status === 'running')
    .map((record) => ({
      record,
      pid: initOfRun(store, record.id),
      session: live.find(({ id }) => id === record.id)?.name,
    }));
  const alone = live.filter(({ id }) => id === undefined); // can change nothing
  if (parsed.values.json === true) {
    const list = runs.map(({ record, pid, session }) => ({
      ...record,
      ...(pid === undefined ? {} : { pid }),
      ...(session === undefined ? {} : { session }),
    }));
    out(`${jsonText({ schemaVersion: 1, runs: list, sessions: live })}\n`);
  } else if (runs.length + alone.length === 0) {
    out('Nothing runs.\n');
  } else {
    const rows = runs.map(({ record: { id, started, workdir, argv: command }, pid, session }) => [
      id,
      ago(started),
      pid === undefined ? '-' : String(pid),
      homePath(workdir.path),
      session === undefined ? command.map(shellQuote).join(' ') : `session ${session}`,
    ]);
    const others = alone.map(({ name, started, init, workdir }) => [
      ...['-', ago(started), String(init)],
      ...[homePath(workdir), `session ${name}`],
    ]);
    out(columns(header, [...rows, ...others]));
  }
  return 0;
}
