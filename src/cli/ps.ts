/** `wasbox ps`: lists the runs that run now. */
import { initOfRun, listRuns } from '../changes/index.js';
import { shellQuote } from '../options/index.js';
import { jsonText } from '../text/index.js';
import { ago } from './ago.js';
import { columns, homePath } from './columns.js';
import { out } from './terminal.js';
import { flag, parseVerb, userStore } from './verb.js';

const header = ['ID', 'AGE', 'PID', 'DIRECTORY', 'COMMAND'];

export function psVerb(argv: readonly string[]): number {
  const parsed = parseVerb(
    {
      name: 'ps',
      what: 'List the runs that run now, newest first. PID is the first process of the sandbox, as this machine sees it.',
      usage: '[--json]',
      options: [flag('json', 'print them as JSON')],
      maxOperands: 0,
    },
    argv,
  );
  if (parsed === undefined) return 0;
  const store = userStore();
  const runs = listRuns(store)
    .filter(({ status }) => status === 'running')
    .map((record) => ({ record, pid: initOfRun(store, record.id) }));
  if (parsed.values.json === true) {
    const list = runs.map(({ record, pid }) => ({
      ...record,
      ...(pid === undefined ? {} : { pid }),
    }));
    out(`${jsonText({ schemaVersion: 1, runs: list })}\n`);
  } else if (runs.length === 0) {
    out('Nothing runs.\n');
  } else {
    const rows = runs.map(({ record: { id, started, workdir, argv: command }, pid }) => [
      id,
      ago(started),
      pid === undefined ? '-' : String(pid),
      homePath(workdir.path),
      command.map(shellQuote).join(' '),
    ]);
    out(columns(header, rows));
  }
  return 0;
}
