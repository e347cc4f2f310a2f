// Benchmarks: shows the files in bench/results unchanged and skips missing ones.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { heading } from '../site/html.mjs';
import { renderMarkdown } from '../site/markdown.mjs';

/** Known results in the order of the page; others follow by name. */
const order = ['startup', 'pool', 'throughput', 'filters', 'files'];

const rank = (name) => (order.indexOf(name) < 0 ? order.length : order.indexOf(name));

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
      return `<figure class="chart" tabindex="0" role="group" aria-label="Chart of ${name}"><img src="${chart}" alt="Chart: ${name}; the figures are in the table"></figure>`;
    });
    return body.includes('<img') ? body : `${body}${figures.join('\n')}`;
  });
  const body = `${heading(1, 'Benchmarks')}
<!-- search: performance, speed, fast, slow, overhead, start-up time, startup time, latency, throughput -->
<p class="lead"><code>npm run bench</code> runs these benchmarks on your machine. The results name the machine that they are from and compare wasbox with the other tools installed there.</p>
${sections.length === 0 ? '<p>This build has no results.</p>' : sections.join('\n')}`;
  return { body };
}
