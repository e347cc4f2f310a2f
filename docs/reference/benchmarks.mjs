// Benchmarks: shows the one results file of `npm run bench` in bench/results.
import { startupChart } from '../../bench/chart.mjs';
import { describe } from '../../bench/machine.mjs';
import { tables } from '../../bench/render.mjs';
import { escapeHtml, heading, inline, table } from '../site/html.mjs';
import { newestResults } from '../site/results.mjs';

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
  const body = `${heading(1, 'Benchmarks')}
<!-- search: performance, speed, fast, slow, how much slower is it, what does it cost in time, overhead, start-up time, startup time, latency, throughput -->
<p class="lead"><code>npm run bench</code> runs these benchmarks on your machine. The results name the machine that they are from and compare wasbox with the other tools installed there.</p>
${measured(root, put) || '<p>This build has no results.</p>'}`;
  return { body };
}
