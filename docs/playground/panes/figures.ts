/** Playground, panes. Size and cost of the filter. */
import type { CompiledPolicy } from '../../../src/policy.js';
import { byId, el } from '../dom.js';

const round = (value: number): string => value.toFixed(1);

export function showFigures(compiled: CompiledPolicy | undefined): void {
  const host = byId('figures');
  host.hidden = compiled === undefined;
  if (compiled === undefined) return;
  const { instructions, figures } = compiled;
  const { mean, weightedMean, filteredMean, worst, cacheable, known } = figures;
  const rows: [string, string, string][] = [
    ['Instructions', String(instructions), 'The kernel allows at most 4096.'],
    ['Mean', round(mean), 'Instructions per call, with every call of the table weighted equally.'],
    ['Weighted', round(weightedMean), 'The same, weighted by how often programs make each call.'],
    [
      'Filtered',
      round(filteredMean),
      'The same, of the calls that a kernel from 5.11 on runs the filter for.',
    ],
    ['Worst', String(worst), 'The longest path through the filter.'],
    [
      'Cacheable',
      `${cacheable} of ${known}`,
      'Calls that the kernel (5.11 or newer) caches as allowed: the filter does not run for them.',
    ],
  ];
  host.replaceChildren(
    ...rows.map(([name, value, title]) =>
      el('div', { title }, el('dt', {}, name), el('dd', {}, value)),
    ),
  );
}
