/** Shows what the run changed: each file with its difference, and what to do with all of it. */
import type { ReportChange, RunReport } from '../types.js';
import { html, type Markup } from './markup.js';
import { rows, section, table } from './table.js';

/** The changes of a run in one file. */
export interface PageDiff {
  readonly path: string;
  /** The text that `wasbox diff` prints, with a final newline. */
  readonly text: string;
  readonly added: number;
  readonly removed: number;
}

/** The differences of a run, which a report does not have. */
export interface PageDiffs {
  readonly files: readonly PageDiff[];
  /** True if there is more than the page shows. */
  readonly truncated: boolean;
}

/** Lines of a difference that is open from the start, and how many of them are. */
const openLines = 20;
const openFiles = 3;
/** Lines of one file that are shown. */
const lineLimit = 2000;

/** A command or option, of which one click selects all: there is no script that could copy it. */
export const pick = (text: string): Markup => html`<code class="pick">${text}</code>`;

const kinds: Readonly<Record<string, string>> = { '+': 'add', '-': 'del', '@': 'at', '#': 'note' };

/** Header lines come before the first hunk, where `---` and `+++` are no content. */
function diffLines(lines: readonly string[]): Markup[] {
  let inHunk = false;
  return lines.map((line) => {
    if (line.startsWith('@@')) inHunk = true;
    const kind = line[0] === '#' || inHunk ? kinds[line[0] ?? ''] : 'head';
    return html`<span class="${kind ?? 'same'}">${line}\n</span>`;
  });
}

function fileDiff({ path, text, added, removed }: PageDiff, open: boolean): Markup {
  const lines = text.replace(/\n$/, '').split('\n');
  const shown = lines.slice(0, lineLimit);
  const more = lines.length - shown.length;
  const counts =
    added + removed === 0
      ? ''
      : html` <span class="plus">+${added}</span> <span class="minus">\u2212${removed}</span>`;
  const body = html`<summary><code>${path}</code>${counts}</summary>
<pre class="diff" tabindex="0" role="group" aria-label="Difference of ${path}">${diffLines(shown)}${more > 0 ? html`<span class="note"># ${more} more lines\n</span>` : ''}</pre>`;
  return open
    ? html`<details class="file" open>${body}</details>`
    : html`<details class="file">${body}</details>`;
}

/** Returns whether it is applied only when it is named. */
export const isHeld = ({ flags }: ReportChange): boolean =>
  flags.includes('held') || flags.includes('unseen');

const pathText = ({ path, home }: ReportChange): string =>
  home === true && !path.startsWith('~') ? `~/${path}` : path;

function changeTable(paths: readonly ReportChange[]): Markup {
  const body = rows(
    paths,
    (one) =>
      html`<tr><td>${one.kind}</td><td><code>${pathText(one)}</code></td><td>${one.type}</td></tr>`,
    3,
  );
  return table(html`<th>change</th><th>path</th><th>type</th>`, body);
}

const titles: Readonly<Record<string, string>> = {
  kept: 'not applied: your files are untouched',
  applied: 'applied to your files',
  'partly-applied': 'partly applied to your files',
  discarded: 'discarded',
};

function commands(report: RunReport): Markup {
  const { runId, changes } = report;
  if (runId === undefined || !['kept', 'partly-applied'].includes(changes?.disposition ?? '')) {
    return html``;
  }
  return html`<p class="commands">${['diff', 'apply', 'discard'].map((verb) => pick(`wasbox ${verb} ${runId}`))}</p>`;
}

/** Empty where the run changed nothing. */
export function changeSection(report: RunReport, diffs: PageDiffs | undefined): Markup {
  const { changes } = report;
  if (changes === undefined || changes.paths.length === 0) return html``;
  const { disposition, paths, refused, truncated } = changes;
  let left = openFiles;
  const held = new Set(paths.filter(isHeld).map(pathText));
  const ordered = diffs?.files.toSorted(
    (a, b) => Number(held.has(b.path)) - Number(held.has(a.path)),
  );
  const files = ordered?.map((file) => {
    const hasLines = file.added + file.removed > 0;
    const open = hasLines && left > 0 && file.text.split('\n').length <= openLines;
    if (open) left--;
    return fileDiff(file, open);
  });
  const list = changeTable(paths);
  const more = diffs?.truncated === true || truncated;
  return section(
    'Changes',
    titles[disposition] ?? disposition,
    html`${commands(report)}
${
  refused.length === 0
    ? ''
    : html`<ul>${refused.map(({ path, reason }) => html`<li><code>${path}</code> was not applied: ${reason}</li>`)}</ul>`
}
${files === undefined ? list : html`${files}${paths.length > 1 ? html`<details><summary>all ${paths.length} paths</summary>${list}</details>` : ''}`}
${more ? html`<p class="muted">There are more changes than this page shows.</p>` : ''}`,
  );
}
