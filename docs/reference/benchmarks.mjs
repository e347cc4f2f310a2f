// Benchmarks: shows the files in bench/results unchanged and skips missing ones.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startupChart } from '../../bench/chart.mjs';
import { describe } from '../../bench/machine.mjs';
import { tables } from '../../bench/render.mjs';
import { escapeHtml, heading, inline, table } from '../site/html.mjs';
import { renderMarkdown } from '../site/markdown.mjs';
import { newestResults } from '../site/results.mjs';

/** Known results in the order of the page; others follow by name. */
const order = ['filters'];

const rank = (name) => (order.indexOf(name) < 0 ? order.length : order.indexOf(name));

/** The tables that are open; the others are details. */
const shown = ['Start to end of a program that does nothing', 'Beside the repeated run'];

const tableOf = ({ title, rows: [first, ...others] }) =>
  table(
    Object.keys(first).map(escapeHtml),
    [first, ...others].map((row) => Object.values(row).map((value) => inline(value))),
    { label: title },
  );

/** Shows what `npm run bench` measured last: starts first, all else on demand. */
function measured(root, put) {
  const results = newestResults(root);
  if (results === undefined) return '';
  const chart = startupChart(results);
  if (chart !== undefined) put('about/startup.svg', chart);
  put('about/results.json', JSON.stringify(results));
  const all = tables(results);
  const open = all.filter(({ title }) => shown.includes(title));
  const rest = all.filter(({ title }) => !shown.includes(title));
  return `${heading(2, 'Start-up')}
<p>${escapeHtml(describe(results.machine))}; medians of interleaved runs as an ordinary user. All figures of this section, and those of the first page and the README, come from one file: <a href="results.json">results.json</a>.</p>
${chart === undefined ? '' : '<figure class="chart" tabindex="0" aria-label="Chart of start-up"><img src="startup.svg" alt="Chart: start-up; the figures are in the table"></figure>'}
${open.map((one) => `${heading(3, one.title)}\n${tableOf(one)}`).join('\n')}
${rest.map((one) => `<details><summary>${escapeHtml(one.title)}</summary>\n${tableOf(one)}</details>`).join('\n')}`;
}

export function render({ root, put }) {
  const folder = join(root, 'bench/results');
  const names = existsSync(folder) ? readdirSync(folder) : [];
  const texts = names
    .filter((name) => name.endsWith('.md'))
    .map((name) => name.slice(0, -3))
    .sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
  const sections = texts.map((name) => {
    const text = readFileSync(join(folder, `${name}.md`), 'utf8');
    // One level deeper: the page has a title of its own.
    const { body } = renderMarkdown(text.replace(/^(#+) /gm, '#$1 '));
    const charts = names.filter((one) => one.endsWith('.svg') && one.startsWith(name));
    const figures = charts.map((chart) => {
      put(`about/${chart}`, readFileSync(join(folder, chart)));
      return `<figure class="chart" tabindex="0" aria-label="Chart of ${name}"><img src="${chart}" alt="Chart: ${name}; the figures are in the table"></figure>`;
    });
    return body.includes('<img') ? body : `${body}${figures.join('\n')}`;
  });
  const body = `${heading(1, 'Benchmarks')}
<!-- search: performance, speed, fast, slow, how much slower is it, what does it cost in time, overhead, start-up time, startup time, latency, throughput -->
<p class="lead"><code>npm run bench</code> runs these benchmarks on your machine. The results name the machine that they are from and compare wasbox with the other tools installed there.</p>
${[measured(root, put), ...sections].join('\n') || '<p>This build has no results.</p>'}`;
  return { body };
}
