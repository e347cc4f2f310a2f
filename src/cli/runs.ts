/** `wasbox runs`: lists the runs with saved changes. */
import { listRuns, type RunRecord, sessionNames, unreadableRuns } from '../changes/index.js';
import { shellQuote } from '../options/index.js';
import { listSessions } from '../owner/index.js';
import { jsonText } from '../text/index.js';
import { ago } from './ago.js';
import { columns, homePath, shortSize } from './columns.js';
import { tellNewer } from './latest.js';
import { tellStale } from './session-find.js';
import { err, out } from './terminal.js';
import { flag, parseVerb, userStore } from './verb.js';

function counts({ counts: { added, modified, deleted } }: RunRecord): string {
  return `+${added} ~${modified} -${deleted}`;
}

/** A run that goes on is counted at its end. */
const notCounted = '…';

/** `kept` is the name in the journal and in JSON. */
const statusText = ({ status, incomplete = false }: RunRecord): string =>
  incomplete && status !== 'running' ? 'incomplete' : status === 'kept' ? 'saved' : status;

/** Returns whether a word is the path that a script from standard input has inside. */
const isStdin = (word: string): boolean => word.startsWith('/run/wasbox/stdin');

/** The words that were typed, as far as the interpreter was not among them. Untrusted when shown. */
function typed({ command, argv }: RunRecord): readonly string[] {
  const isShell = argv[0] === 'sh' && argv[1] === '-c';
  if (command === '-c') return isShell ? [...argv.slice(1, 3), ...argv.slice(4)] : argv;
  if (command === '-') return ['-', ...argv.slice(1 + argv.findIndex(isStdin))];
  const at = argv.indexOf(command);
  return at > 0 ? argv.slice(at) : argv;
}

const header = ['ID', 'AGE', 'STATUS', 'CHANGES', 'SIZE', 'DIRECTORY', 'COMMAND'];

/** @param session name of the session whose run it is or was */
function row(record: RunRecord, session: string | undefined): string[] {
  const { id, started, sizeBytes, workdir, trees = [], earlier = [] } = record;
  // Every run has a home of its own.
  const others = trees.filter(({ home }) => home !== 'empty');
  const isRunning = record.status === 'running';
  const directories = [workdir, ...others].map(({ path }) => homePath(path)).join(', ');
  const before = earlier.length === 0 ? '' : ` (after ${earlier.length} earlier)`;
  return [
    id,
    ago(started),
    statusText(record),
    isRunning ? notCounted : counts(record),
    isRunning ? notCounted : shortSize(sizeBytes),
    directories,
    session === undefined
      ? `${typed(record).map(shellQuote).join(' ')}${before}`
      : `session ${session}`,
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
  const { live, stale } = listSessions(store);
  tellStale(stale);
  const names = sessionNames(store);
  const nameOf = ({ id }: RunRecord) => names.get(id) ?? live.find((one) => one.id === id)?.name;
  for (const { id, newer } of unreadableRuns(store))
    if (newer) tellNewer(id);
    else
      err(
        `wasbox: run ${id}: its journal entry is damaged\nwasbox: to discard it: wasbox discard ${id}\n`,
      );
  if (parsed.values.json === true) {
    const list = records.map((record) => {
      const session = nameOf(record);
      return session === undefined ? record : { ...record, session };
    });
    out(`${jsonText({ schemaVersion: 1, runs: list })}\n`);
  } else if (records.length === 0) {
    out('No saved changes.\n');
  } else {
    out(
      columns(
        header,
        records.map((record) => row(record, nameOf(record))),
      ),
    );
  }
  return 0;
}
