/** A report for people, whole. */
import { UsageError } from '../errors/index.js';
import { isReport, type RunReport } from './types.js';

/**
 * The report as text for a terminal, as `wasbox run -v` prints it, or as one HTML page, as `--html` writes
 * it. What the payload chose, such as file names, is escaped in both.
 * @throws UsageError for another format, and for what is not a report
 */
export async function renderReport(
  report: RunReport,
  format: 'text' | 'html' = 'text',
): Promise<string> {
  if (format !== 'text' && format !== 'html') {
    throw new UsageError(
      'ERR_OPTION_VALUE',
      `renderReport: expected text or html, got ${JSON.stringify(format)}`,
    );
  }
  if (!isReport(report)) throw noReport('it is not a report of schema version 1');
  try {
    if (format === 'html') {
      const { htmlPage } = await import('./html/index.js');
      return htmlPage(report);
    }
    const { formatSummary } = await import('./summary.js');
    const lines = formatSummary(report, { quiet: false, verbose: true, attended: false });
    return lines.map((line) => `${line}\n`).join('');
  } catch (error) {
    // A report that was a file may lack anything.
    throw noReport('parts of it are missing or damaged', error);
  }
}

const noReport = (why: string, cause?: unknown): UsageError =>
  new UsageError('ERR_OPTION_VALUE', `renderReport: cannot show this report: ${why}`, {
    cause,
    hint: 'Pass the report of a result, or what wasbox run --report FILE wrote.',
  });
