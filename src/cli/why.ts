/** `wasbox why`: what the sandbox kept from the last run here, with the option that gives it. */
import { type LastRun, readLastRun } from '../changes/index.js';
import { ChangesError, UsageError } from '../errors/index.js';
import { realHost } from '../host/index.js';
import { launch, withNeeds } from '../launch/index.js';
import { leadsOf } from '../leads/index.js';
import { loadNative } from '../native/index.js';
import {
  type OptionEntry,
  parseRunArguments,
  runOptionTable,
  shellQuote,
  splitOptions,
} from '../options/index.js';
import { buildReport } from '../report/index.js';
import { resolveSpec } from '../resolve/index.js';
import { displayText, jsonText } from '../text/index.js';
import { explainReport, refuseRealWrites, watched } from '../why/index.js';
import { agrees } from './choose-question.js';
import { forwardSignals } from './forward.js';
import { currentDirectory } from './here.js';
import { fetchImage } from './image-store.js';
import type { NotedReport } from './note-report.js';
import { offer } from './offer.js';
import { canAsk, err, out, style } from './terminal.js';
import { flag, parseVerb, userStore, type VerbDescription } from './verb.js';
import { fixedCommand, lackLines, outcomeText } from './why-text.js';

/** Options of `run` that say how it is told, or what becomes of changes that are dropped here. */
const left = [
  'report',
  'html',
  'json',
  'dry-run',
  'help',
  'version',
  'audit',
  'ask',
  'apply',
  'discard',
  'continue',
];

const own: readonly OptionEntry[] = [
  flag(
    'rerun',
    'run the last command again, watched, and offer what it lacked; asks first at a terminal',
  ),
  flag('json', 'print the causes as JSON'),
];

const description: VerbDescription = {
  name: 'why',
  what: 'Say what the sandbox kept from the last run here, nearest cause first, with the option that gives it, by what that run recorded. A COMMAND that is given is run, watched, and its changes are dropped.',
  usage: '[--rerun] [--json] [[options] -- CMD [args…]]',
  options: [...own, ...runOptionTable.filter(({ name }) => !left.includes(name))],
  stopAtOperand: true,
};

const say = (text: string): void => err(`${style(2, 'dim', 'wasbox:')} ${displayText(text)}\n`);

/** The words behind `wasbox run`, and what the run recorded. */
interface Subject {
  readonly words: readonly string[];
  readonly report?: NotedReport | undefined;
  /** How the run ended, as wasbox did. */
  readonly status?: number | undefined;
}

/** The command of the line, without the options of `why` itself. */
function ofLine(argv: readonly string[]): Subject {
  const { options, rest } = splitOptions(description.options, argv);
  const typed = options.filter(({ entry }) => !own.some(({ name }) => name === entry?.name));
  return { words: [...typed.flatMap(({ words }) => words), ...rest] };
}

const elsewhere = 'To watch a command: wasbox why -- COMMAND';

function ofLastRun(): Subject {
  const here = currentDirectory();
  const last = readLastRun(userStore(), here);
  if (last === undefined) {
    throw new ChangesError('ERR_RUN_UNKNOWN', `no run of ${displayText(here)} is known`, {
      hint: elsewhere,
    });
  }
  if (last.words === undefined) {
    throw new ChangesError('ERR_RUN_UNKNOWN', 'the command of the last run here was not saved', {
      hint: `It was too long, or not UTF-8. ${elsewhere}`,
    });
  }
  const [first, ...rest] = last.words;
  const words = first === 'run' ? rest : last.words;
  return { words, report: savedReport(last), status: last.status };
}

const readsScript = (words: readonly string[]): boolean =>
  splitOptions(runOptionTable, words).rest.find((word) => word !== '--') === '-';

function savedReport({ report }: LastRun): NotedReport | undefined {
  if (report === undefined) return undefined;
  const saved = JSON.parse(report) as NotedReport;
  return saved.schemaVersion === 1 && saved.refusals !== undefined ? saved : undefined;
}

/** Runs it once more. Its output goes to stderr: stdout is for what is found. */
async function runAgain(words: readonly string[]): Promise<NotedReport> {
  const stdio = [0, 2, 2] as const;
  const { native } = loadNative();
  const host = realHost({ native, stdio });
  const { options, notes } = watched(parseRunArguments(words), host);
  // Whatever it exits with, its changes are dropped.
  const dropped = { changes: 'discard', changesOnFailure: 'discard' } as const;
  const resolve = () => resolveSpec(options, host, { terminal: 'auto' });
  const spec = { ...(await withNeeds(options, host, resolve, fetchImage(false))), ...dropped };
  refuseRealWrites(spec);
  for (const text of notes) say(text);
  say(`running again, watched: ${commandText(words)}`);
  const signals = forwardSignals();
  try {
    const launched = await launch(spec, { stdio, attended: true, onEnd: signals.end });
    signals.to(launched);
    const ended = await launched.done;
    const report = buildReport(spec, ended);
    const leads = leadsOf(spec, report, host, ['run', ...words], ended.outcome.tail);
    return { ...report, watched: true, leads };
  } finally {
    signals.end();
  }
}

const commandText = (words: readonly string[]): string =>
  ['wasbox run', ...words.map(shellQuote)].join(' ');

const more =
  'The run was not watched for the files that it missed. To run it again, watched: wasbox why --rerun';

/** Nothing was refused, and the run was not an audit. */
function nothingRecorded(
  words: readonly string[],
  status: number | undefined,
  json: boolean,
): number {
  if (json) out(`${jsonText({ schemaVersion: 1, command: words, lacks: [] })}\n`);
  else
    out(
      `${displayText(commandText(words))} exited ${status ?? '?'}. The sandbox blocked none of its calls\n${more}\n`,
    );
  return 1;
}

/** The program does again what it did outside of its files, so the user is asked at a terminal. */
function mayRunAgain(words: readonly string[]): boolean {
  if (readsScript(words)) {
    throw new UsageError(
      'ERR_USAGE',
      'the last run here read its script from standard input, and wasbox did not keep it',
      { hint: 'Give it once more: … | wasbox why -' },
    );
  }
  if (!canAsk()) return true;
  say(
    `${commandText(words)}\nIts changes are dropped; what it sends over the network is sent again.`,
  );
  return agrees('run this again');
}

export async function whyVerb(argv: readonly string[]): Promise<number> {
  const parsed = parseVerb(description, argv);
  if (parsed === undefined) return 0;
  const { rerun, json, verbose, quiet: _, ...sandbox } = parsed.values;
  const named = parsed.operands.length > 0 || sandbox.code !== undefined;
  if (!named && Object.keys(sandbox).length > 0) {
    throw new UsageError('ERR_USAGE', 'wasbox why: options of a run without its command', {
      hint: `${elsewhere}\nFor the last run here: wasbox why`,
    });
  }
  const { words, report: saved, status } = named ? ofLine(argv) : ofLastRun();
  const isEnough = saved?.watched === true;
  if (!named && rerun === true && !isEnough && !mayRunAgain(words)) return 0;
  const runs = named || (rerun === true && !isEnough);
  const report = runs ? await runAgain(words) : saved;
  if (report === undefined) return nothingRecorded(words, status, json === true);
  const explanation = explainReport(report);
  const { lacks } = explanation;
  const { leads = [] } = report;
  const isNothing = lacks.length + leads.length === 0;
  if (json === true) {
    out(`${jsonText({ ...explanation, leads, fixed: fixedCommand(words, lacks) })}\n`);
    return isNothing ? 1 : 0;
  }
  const when = runs ? '' : `, at ${report.startedAt.slice(0, 16).replace('T', ' ')} UTC`;
  const isWatched = runs || isEnough;
  for (const line of lackLines(lacks, outcomeText(report) + when, {
    verbose: verbose === true,
    isWatched,
    leads,
  })) {
    out(`${displayText(line)}\n`);
  }
  if (!isWatched) out(`${more}\n`);
  if (lacks.length === 0) return isNothing ? 1 : 0;
  return rerun === true ? offer(words, lacks) : 0;
}
