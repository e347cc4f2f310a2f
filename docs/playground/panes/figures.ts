/** Playground, panes. Size and cost of the filter. */
import type { CompiledPolicy } from '../../../src/policy.js';
import { byId, el } from '../dom.js';

const round = (value: number): string => value.toFixed(1);

export function showFigures(compiled: CompiledPolicy | undefined): void {
  const host = byId('figures');
  host.hidden = compiled === undefined;
  if (compiled === undefined) return;
  const { instructions, figures } = compiled;
  const { mean, weightedMean, worst, cacheable, known } = figures;
  const rows: [string, string, string][] = [
    ['Instructions', String(instructions), 'The kernel takes 4096.'],
    ['Mean', round(mean), 'Executed for a call, every number of the table alike.'],
    ['Weighted', round(weightedMean), 'The same, weighted by how often programs make it.'],
    ['Worst', String(worst), 'The longest way through the filter.'],
    [
      'Cacheable',
      `${cacheable} of ${known}`,
      'Calls that the kernel remembers as allowed (since 5.11): for them no filter runs.',
    ],
  ];
  host.replaceChildren(
    ...rows.map(([name, value, title]) =>
      el('div', { title }, el('dt', {}, name), el('dd', {}, value)),
    ),
  );
}
