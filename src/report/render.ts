/** A report for people, whole. */
import { UsageError } from '../errors/index.js';
import { formatSummary } from './summary.js';
import type { RunReport } from './types.js';

/**
 * The report as text for a terminal, as `wasbox run -v` prints it, or as one HTML page, as `--html` writes
 * it. What the payload chose, such as file names, is escaped in both.
 * @throws UsageError for another format
 */
export async function renderReport(
  report: RunReport,
  format: 'text' | 'html' = 'text',
): Promise<string> {
  if (format === 'html') {
    const { htmlPage } = await import('./html/index.js');
    return htmlPage(report);
  }
  if (format !== 'text') {
    throw new UsageError('ERR_OPTION_VALUE', `renderReport: expected text or html, got ${format}`);
  }
  const lines = formatSummary(report, { quiet: false, verbose: true, attended: false });
  return lines.map((line) => `${line}\n`).join('');
}
