/** Processes over time, as an SVG without script: one row each. */
import { commandText } from '../audit/text.js';
import type { AuditProcess } from '../audit/types.js';
import { durationText } from '../duration.js';
import type { RunReport } from '../types.js';
import { html, type Markup } from './markup.js';

const rowLimit = 120;
const [labelWidth, chartWidth, rowHeight, top] = [300, 760, 22, 26];
/** Characters of a label that fit in front of the chart. */
const labelLength = 40;

/** A round distance between ticks, for at most eight. */
function tickStep(total: number): number {
  const least = total / 8;
  const power = 10 ** Math.floor(Math.log10(Math.max(least, 1e-6)));
  return power * ([1, 2, 5, 10].find((factor) => power * factor >= least) ?? 10);
}

const short = (text: string): string =>
  text.length > labelLength ? `${text.slice(0, labelLength - 1)}…` : text;

function stateOf({ endedMs, exitCode }: AuditProcess): string {
  if (endedMs === undefined) return 'killed';
  return exitCode === 0 ? 'ended' : 'failed';
}

function row(process: AuditProcess, index: number, total: number): Markup {
  const x = (ms: number) => labelWidth + (Math.min(ms, total) / total) * chartWidth;
  const y = top + index * rowHeight;
  const from = x(process.startedMs);
  const width = Math.max(x(process.endedMs ?? total) - from, 2);
  const label = process.executed.length === 0 ? '(fork)' : nameOf(process);
  const title = `${process.pid} ${commandText(process)}: ${durationText(process.startedMs)} to ${
    process.endedMs === undefined ? 'when it was killed' : durationText(process.endedMs)
  }`;
  const marks = process.executed.map(
    ({ atMs }) =>
      html`<rect class="mark" x="${x(atMs).toFixed(1)}" y="${y + 3}" width="2" height="15"/>`,
  );
  return html`<g><title>${title}</title><text x="0" y="${y + 15}">${short(`${process.pid} ${label}`)}</text>
<rect class="bar ${stateOf(process)}" x="${from.toFixed(1)}" y="${y + 4}" width="${width.toFixed(1)}" height="13" rx="3"/>${marks}</g>`;
}

/** The base name of the path, then the arguments. */
function nameOf({ executed }: AuditProcess): string {
  const last = executed.at(-1);
  const [, ...args] = last?.argv ?? [];
  return [last?.path.split('/').at(-1) ?? '', ...args].join(' ');
}

export function timeline(processes: readonly AuditProcess[], report: RunReport): Markup {
  const shown = processes.slice(0, rowLimit);
  const total = Math.max(report.durationMs, ...shown.map(({ endedMs }) => endedMs ?? 0), 0.001);
  const height = top + shown.length * rowHeight + 4;
  const step = tickStep(total);
  const ticks = Array.from({ length: Math.floor(total / step) + 1 }, (_, i) => i * step);
  return html`<div class="scroll"><svg viewBox="0 0 ${labelWidth + chartWidth + 40} ${height}" role="img" aria-label="When each process ran">
${ticks.map((ms) => {
  const x = (labelWidth + (ms / total) * chartWidth).toFixed(1);
  return html`<line class="tick" x1="${x}" x2="${x}" y1="18" y2="${height}"/><text class="axis" x="${x}" y="12">${durationText(ms)}</text>`;
})}
${shown.map((process, i) => row(process, i, total))}
</svg></div>${
    processes.length > shown.length
      ? html`<p class="legend">and ${processes.length - shown.length} more processes</p>`
      : ''
  }`;
}
