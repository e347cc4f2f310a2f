/** Tells about a run that has ended: to the report's place, and on stderr. */
import type { Store } from '../changes/index.js';
import { formatSummary, type RunReport } from '../report/index.js';
import { jsonText } from '../text/index.js';
import { err, style, write } from './terminal.js';

export interface Telling {
  readonly json?: boolean | undefined;
  readonly quiet?: boolean | undefined;
  readonly verbose?: boolean | undefined;
  /** Lines about what the program may have lacked: asked for only where they are shown. */
  readonly leads?: () => readonly string[];
  /** Where `--report` writes to. */
  readonly sink?: { readonly fd: number } | undefined;
}

/** Writes the report as a page, which takes code that an ordinary run does not load. @param store of its changes */
export async function tellPage(
  report: RunReport,
  page: { readonly fd: number },
  store?: Store,
): Promise<void> {
  const { htmlPage } = await import('../report/html/index.js');
  const diffs = store && (await import('./page-diffs.js')).pageDiffs(store, report);
  write(page.fd, htmlPage(report, diffs));
}

export function tell(report: RunReport, telling: Telling): void {
  const json = `${jsonText(report)}\n`;
  try {
    if (telling.sink !== undefined) write(telling.sink.fd, json);
  } finally {
    say(report, json, telling); // also where the report finds no room
  }
}

function say(report: RunReport, json: string, telling: Telling): void {
  if (telling.json === true) {
    err(json);
    return;
  }
  const [quiet, verbose] = [telling.quiet === true, telling.verbose === true];
  // This is asked only where it matters, because the module that answers loads node:net.
  const attended = report.outcome.status !== 0 && process.getBuiltinModule('node:tty').isatty(2);
  const leads = quiet ? [] : (telling.leads?.() ?? []);
  for (const line of formatSummary(report, { quiet, verbose, attended, leads })) {
    err(`${style(2, 'dim', 'wasbox:')} ${line}\n`);
  }
}
