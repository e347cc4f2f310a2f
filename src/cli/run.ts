/** `wasbox run`. */
import { posix } from 'node:path';
import { makeStateDirectory, noteLastRun, openStore } from '../changes/index.js';
import { UsageError, WasboxError } from '../errors/index.js';
import { argumentCount, mayHoldSecret, Recorder, takeCacheKey } from '../fastpath/index.js';
import { type Host, realHost, refusePlace } from '../host/index.js';
import type { Launched, LaunchResult } from '../launch/index.js';
import { launch, planOnly, withNeeds, withOutcome } from '../launch/index.js';
import { leadsOf } from '../leads/index.js';
import { loadNative } from '../native/index.js';
import { parseRunArguments, type RunArguments, shellQuote } from '../options/index.js';
import { buildFailureReport, buildReport, type RunReport, reportOutcome } from '../report/index.js';
import { isStartNote, resolveSpec, type SandboxSpec, untrustedSources } from '../resolve/index.js';
import { displayText, jsonText } from '../text/index.js';
import { terminalAsking } from './ask.js';
import { printDryRun } from './dry-run.js';
import { forwardSignals } from './forward.js';
import { runHelp, shortHelp } from './help.js';
import { fetchImage } from './image-store.js';
import { endInterrupted } from './interrupt.js';
import { latestRun, noteEnd } from './latest.js';
import { leave } from './leave.js';
import { notedReport, unlessFaulty } from './note-report.js';
import { type ProgressLine, progressLine } from './progress.js';
import { openSink, type Sink } from './sink.js';
import { tell, tellPage } from './tell.js';
import { err, out, style, write } from './terminal.js';

/** Where the report goes, beside what is said on stderr. */
interface Sinks {
  readonly sink: Sink | undefined;
  readonly page: Sink | undefined;
}

/** Errors that `why` does not go by. */
const noRun: ReadonlySet<string> = new Set(['ERR_SCRIPT_NOT_FOUND', 'ERR_IMAGE_NOT_FOUND']);

/** An option that takes a value took the script: `wasbox run --hide script.py`. */
function withoutOperand(error: UsageError, argv: readonly string[], host: Host): UsageError {
  const [option = '', last = ''] = argv.slice(-2);
  const here = host.cwd();
  const isFile =
    argv.length > 1 &&
    here !== undefined &&
    option.startsWith('-') &&
    host.files.stat(posix.resolve(here, last))?.kind === 'file';
  if (!isFile) return error;
  const again = `wasbox run ${option} … ${shellQuote(last)}`;
  return new UsageError(error.code, error.message, {
    hint: `${option} took ${last} as its value. To run ${last}: ${again}`,
    cause: error,
  });
}

const warn = (text: string): void => err(`${style(2, 'dim', 'wasbox:')} ${displayText(text)}\n`);

/** Notes the command for `wasbox why`. */
function noteCommand(
  argv: readonly string[],
  startedAt: Date,
  status: number,
  report?: string,
): void {
  const run = { words: ['run', ...argv], startedMs: startedAt.getTime(), status, report };
  const { native } = loadNative();
  const here = realHost({ native }).cwd();
  if (here === undefined) return; // nothing can follow in a removed directory
  unlessFaulty(() => noteLastRun(openStore(native), here, run));
}

interface Telling extends Sinks {
  readonly argv: readonly string[];
  /** The words that were typed behind `wasbox`. */
  readonly words: readonly string[];
  readonly options: RunArguments;
}

/** Notes how the run ended, and says it. */
async function tellEnd(
  spec: SandboxSpec,
  result: LaunchResult,
  report: RunReport,
  { argv, words, options, sink, page }: Telling,
): Promise<void> {
  const store = openStore(loadNative().native, { directory: spec.state.directory });
  noteEnd(store, result, options.quiet === true);
  let found: readonly string[] | undefined;
  const leads = (): readonly string[] => {
    found ??= leadsOf(
      spec,
      report,
      realHost({ native: loadNative().native }),
      words,
      result.outcome.tail,
    );
    return found;
  };
  const { status } = reportOutcome(result.outcome);
  noteCommand(argv, result.startedAt, status, notedReport(report, leads));
  try {
    tell(report, { ...options, sink, leads });
  } finally {
    if (page !== undefined) await tellPage(report, page, store);
  }
}

async function start(
  spec: SandboxSpec,
  argv: readonly string[],
  { words, options, sink, page }: Omit<Telling, 'argv'>,
  recorder: Recorder | undefined,
): Promise<number> {
  const startedAt = new Date();
  let launched: Launched | undefined;
  let progress: ProgressLine | undefined;
  const signals = forwardSignals();
  try {
    launched = await launch(spec, {
      stdio: [0, 1, 2],
      asking: spec.asking && terminalAsking(spec.asking, () => launched),
      attended: true,
      onEnd() {
        signals.end();
        if (options.quiet !== true) progress = progressLine();
      },
      onProgress: (done) => progress?.show?.(done),
      onPlan: (planned) => recorder?.started(spec, planned),
    });
    signals.to(launched);
    const result = await launched.done;
    progress?.end();
    const report = buildReport(spec, result);
    await tellEnd(spec, result, report, { argv, words, options, sink, page }).catch(
      (error: unknown) => {
        // A report that was asked for and is not there is a failure, whatever the program's status is.
        const isOutput = error instanceof WasboxError && error.code === 'ERR_OUTPUT';
        throw isOutput ? error : withOutcome(error, result.outcome, spec);
      },
    );
    endInterrupted(report.outcome, result.outcome.typedInterrupt);
    recorder?.save({
      quiet: options.quiet === true,
      verbose: options.verbose === true,
      report:
        sink !== undefined ||
        page !== undefined ||
        options.json === true ||
        options.audit === true ||
        options.ask === true,
    });
    return report.outcome.status;
  } catch (error) {
    if (launched === undefined && error instanceof WasboxError) {
      noteCommand(argv, startedAt, error.exitStatus);
    }
    // The output about the run had no room; that is not a failure of the run.
    if (error instanceof WasboxError && error.code === 'ERR_OUTPUT') throw error;
    if (error instanceof WasboxError && page !== undefined) {
      await tellPage(buildFailureReport(spec, startedAt, error), page);
    }
    if (error instanceof WasboxError && (sink !== undefined || options.json === true)) {
      const json = `${jsonText(buildFailureReport(spec, startedAt, error))}\n`;
      write(sink?.fd ?? 2, json);
      if (sink === undefined) return error.exitStatus;
    }
    throw error;
  } finally {
    progress?.end();
    signals.end();
  }
}

/** Parses the words. An option that takes a value may have taken the script, whose name is no such value. */
function parseTyped(argv: readonly string[], warnings: string[]): RunArguments {
  try {
    return parseRunArguments(argv, (text) => warnings.push(text));
  } catch (error) {
    const isValue = error instanceof UsageError && error.code === 'ERR_OPTION_VALUE';
    if (!isValue || !parses(argv.slice(0, -2))) throw error;
    throw withoutOperand(error, argv, realHost({ native: loadNative().native }));
  }
}

const parses = (argv: readonly string[]): boolean => {
  try {
    parseRunArguments(argv);
    return true;
  } catch {
    return false;
  }
};

/** @param words what was typed behind `wasbox`, where that is other than `run` and `argv` */
export async function runVerb(
  argv: readonly string[],
  words: readonly string[] = ['run', ...argv],
): Promise<number> {
  const facts = takeCacheKey();
  const warnings: string[] = [];
  let options = parseTyped(argv, warnings);
  if (options.help !== undefined) {
    const word = argv[argv.indexOf('--help') + 1];
    out(options.help === 'short' ? shortHelp() : runHelp(word?.startsWith('-') ? undefined : word));
    return 0;
  }
  if (options.version === true) {
    const { printVersion } = await import('./print-version.js');
    printVersion(options.verbose === true, facts !== undefined);
    return 0;
  }
  refusePlace();
  // An empty ID is the latest run of this directory.
  if (options.continue === '') {
    options = { ...options, continue: latestRun(openStore(loadNative().native), 'continue') };
  }
  if (options.quiet !== true) for (const text of warnings) warn(text);
  const { native } = loadNative();
  const host = realHost({ native });
  // The native command does not repeat warnings, so a start with one is not recorded.
  const line = { argv: words, argumentCount: argumentCount(options) };
  const newRecorder = (): Recorder | undefined =>
    facts === undefined || warnings.length > 0 ? undefined : new Recorder(facts, line, host);
  let recorder = newRecorder();
  const resolve = (): SandboxSpec => {
    let progress: ProgressLine | undefined;
    const onSearch = (done: number): void => {
      progress ??= progressLine(); // only now: it asks what stderr is
      progress.show?.({ stage: 'hide', done });
    };
    try {
      return resolveSpec(options, recorder?.host ?? host, {
        terminal: 'auto',
        tellsPorts: options.quiet !== true && (options.json !== true || options.dryRun === true),
        ...(options.quiet === true ? {} : { onSearch }),
      });
    } catch (error) {
      // A name that was mistyped is no run: `why` goes on to mean the one before.
      // Nor one whose image is still to be fetched.
      if (error instanceof UsageError && error.code === 'ERR_NO_OPERAND')
        throw withoutOperand(error, argv, host);
      const isNone = error instanceof WasboxError && noRun.has(error.code);
      if (error instanceof WasboxError && !isNone) noteCommand(argv, new Date(), error.exitStatus);
      throw error;
    } finally {
      progress?.end();
    }
  };
  const fetching = fetchImage(options.quiet === true);
  let spec =
    options.dryRun === true
      ? resolve()
      : await withNeeds(options, host, resolve, {
          ...fetching,
          beforeAgain() {
            recorder = newRecorder(); // what was asked before it was there does not count
          },
        });
  if (options.dryRun === true) {
    printDryRun(spec, await planOnly(spec), options.json === true);
    return 0;
  }
  if (options.quiet !== true) for (const text of spec.notes.filter(isStartNote)) warn(text);
  if (mayHoldSecret(options, spec)) recorder = undefined;
  // A user's first run: the next one finds the state directory, so what is recorded depends on it.
  // Not where nothing is recorded: a script on stdin can be read only once.
  if (recorder?.repeats(spec) && host.files.lstat(spec.state.directory) === undefined) {
    makeStateDirectory(openStore(native));
    recorder = newRecorder();
    spec = resolve();
  }
  const untrusted = untrustedSources(spec, host);
  const sink = openSink(native, '--report', options.report, untrusted);
  let page: Sink | undefined;
  let status: number;
  try {
    page = openSink(native, '--html', options.html, untrusted);
    status = await start(spec, argv, { words, options, sink, page }, recorder);
  } finally {
    sink?.close();
    page?.close();
  }
  // The terminal that was asked at need not be a standard stream.
  if (options.ask !== true) leave(native, status);
  return status;
}
