/** `wasbox runs`: lists the runs with saved changes. */
import { listRuns, type RunRecord } from '../changes/index.js';
import { displayText, jsonText } from '../text/index.js';
import { out } from './terminal.js';
import { flag, parseVerb, userStore } from './verb.js';

function counts({ counts: { added, modified, deleted } }: RunRecord): string {
  return `+${added} ~${modified} -${deleted}`;
}

/** `kept` is the name in the journal and in JSON. */
const statusText = ({ status }: RunRecord): string => (status === 'kept' ? 'saved' : status);

function line(record: RunRecord): string {
  const when = record.started.slice(0, 16).replace('T', ' ');
  const fields = [
    record.id.padEnd(14),
    when,
    statusText(record).padEnd(11),
    counts(record).padEnd(14),
  ];
  // Every run has a home of its own.
  const others = (record.trees ?? []).filter(({ home }) => home !== 'empty');
  const trees = [record.workdir, ...others].map(({ path }) => path).join(', ');
  const before = record.earlier?.length ?? 0;
  const after = before === 0 ? '' : `, after ${before} earlier`;
  return `${fields.join('  ')}  ${record.argv.join(' ')}  (${trees}${after})`;
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
  const records = listRuns(userStore());
  if (parsed.values.json === true) {
    out(`${jsonText({ schemaVersion: 1, runs: records })}\n`);
  } else if (records.length === 0) {
    out('No saved changes.\n');
  } else {
    for (const record of records) out(`${displayText(line(record))}\n`);
  }
  return 0;
}
