/** `wasbox runs`: lists the runs with saved changes. */
import { listRuns, type RunRecord, unreadableRuns } from '../changes/index.js';
import { shellQuote } from '../options/index.js';
import { jsonText } from '../text/index.js';
import { ago } from './ago.js';
import { columns, homePath, shortSize } from './columns.js';
import { err, out } from './terminal.js';
import { flag, parseVerb, userStore } from './verb.js';

function counts({ counts: { added, modified, deleted } }: RunRecord): string {
  return `+${added} ~${modified} -${deleted}`;
}

/** `kept` is the name in the journal and in JSON. */
const statusText = ({ status, incomplete = false }: RunRecord): string =>
  incomplete && status !== 'running' ? 'incomplete' : status === 'kept' ? 'saved' : status;

const header = ['ID', 'AGE', 'STATUS', 'CHANGES', 'SIZE', 'DIRECTORY', 'COMMAND'];

function row(record: RunRecord): string[] {
  const { id, started, sizeBytes, workdir, trees = [], argv, earlier = [] } = record;
  // Every run has a home of its own.
  const others = trees.filter(({ home }) => home !== 'empty');
  const directories = [workdir, ...others].map(({ path }) => homePath(path)).join(', ');
  const before = earlier.length === 0 ? '' : ` (after ${earlier.length} earlier)`;
  return [
    id,
    ago(started),
    statusText(record),
    counts(record),
    shortSize(sizeBytes),
    directories,
    `${argv.map(shellQuote).join(' ')}${before}`,
  ];
}

export function runsVerb(argv: readonly string[]): number {
  const parsed = parseVerb(
    {
      name: 'runs',
      what: 'List the runs with saved changes, newest first.',
      usage: '[--json]',
      options: [flag('json', 'print them as JSON')],
      maxOperands: 0,
    },
    argv,
  );
  if (parsed === undefined) return 0;
  const store = userStore();
  const records = listRuns(store);
  for (const id of unreadableRuns(store))
    err(
      `wasbox: run ${id}: its journal entry is damaged, or of a newer wasbox\nwasbox: to discard it: wasbox discard ${id}\n`,
    );
  if (parsed.values.json === true) {
    out(`${jsonText({ schemaVersion: 1, runs: records })}\n`);
  } else if (records.length === 0) {
    out('No saved changes.\n');
  } else {
    out(columns(header, records.map(row)));
  }
  return 0;
}
