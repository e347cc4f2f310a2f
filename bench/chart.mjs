// Start-up as a chart: an SVG that needs nothing else, on a logarithmic scale, with the quartiles as
// error bars. wasbox is also bold, for readers who cannot distinguish the colours.
import { describe } from './machine.mjs';

const width = 760;
const left = 215;
const right = 110;
const rowHeight = 26;
const safe = (text) =>
  String(text).replace(
    /[&<>"]/g,
    (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[c],
  );
const label = (us) => {
  const rounded = (value) => Number(value.toPrecision(3));
  if (us >= 1e6) return `${rounded(us / 1e6)} s`;
  return us >= 1000 ? `${rounded(us / 1000)} ms` : `${Math.round(us)} µs`;
};

/** Returns the chart of the starts that were measured, or undefined. */
export const startupChart = ({ startup, machine }) =>
  startup &&
  chart(startup, {
    title: 'From start to end of a program that does nothing',
    lines: ['median and quartiles, logarithmic', describe(machine)],
  });

/** @param rows {name, medianUs, lowUs, highUs}[] */
function chart(rows, { title, lines }) {
  const sorted = [...rows].sort((a, b) => a.medianUs - b.medianUs);
  const least =
    10 ** Math.floor(Math.log10(Math.min(...sorted.map(({ lowUs }) => Math.max(lowUs, 1)))));
  const most = 10 ** Math.ceil(Math.log10(Math.max(...sorted.map(({ highUs }) => highUs))));
  const room = width - left - right;
  const x = (us) =>
    left + (Math.log10(Math.max(us, least) / least) / Math.log10(most / least)) * room;
  const top = 78;
  const height = top + sorted.length * rowHeight + 34;
  const bottom = top + sorted.length * rowHeight;
  const parts = [];
  for (let tick = least; tick <= most; tick *= 10) {
    const at = x(tick).toFixed(1);
    parts.push(
      `<line x1="${at}" x2="${at}" y1="${top - 6}" y2="${bottom}" stroke="#8884"/>`,
      `<text x="${at}" y="${bottom + 16}" text-anchor="middle" class="dim">${label(tick)}</text>`,
    );
  }
  for (const [i, row] of sorted.entries()) {
    const own = row.name.startsWith('wasbox') || row.name === 'run()';
    const y = top + i * rowHeight;
    const middle = y + rowHeight / 2 - 3;
    const [low, mid, high] = [row.lowUs, row.medianUs, row.highUs].map((us) => x(us).toFixed(1));
    parts.push(
      `<text x="${left - 8}" y="${middle + 4}" text-anchor="end"${own ? ' font-weight="bold"' : ''}>${safe(row.name)}</text>`,
      `<rect x="${left}" y="${middle - 7}" width="${(mid - left).toFixed(1)}" height="14" fill="${own ? '#0b6e4f' : '#8aa0b4'}"/>`,
      `<path d="M${low} ${middle}H${high}M${low} ${middle - 4}v8M${high} ${middle - 4}v8" class="bar"/>`,
      `<text x="${Number(high) + 8}" y="${middle + 4}">${label(row.medianUs)}</text>`,
    );
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="system-ui, sans-serif" font-size="13" role="img" aria-label="${safe(title)}">
<style>text{fill:#222}.dim{fill:#666;font-size:11px}.bar{stroke:#222;stroke-width:1.2;fill:none}@media(prefers-color-scheme:dark){text{fill:#ddd}.dim{fill:#999}.bar{stroke:#ddd}}</style>
<text x="12" y="22" font-size="15" font-weight="bold">${safe(title)}</text>
${lines.map((line, at) => `<text x="12" y="${40 + 16 * at}" class="dim">${safe(line)}</text>`).join('\n')}
${parts.join('\n')}
</svg>
`;
}
