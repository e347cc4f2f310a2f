/** Destinations of the program, on the page. */
import type { AuditAddress, ReportAudit } from '../audit/types.js';
import { durationText } from '../duration.js';
import { destinationText } from '../network.js';
import type { RunReport } from '../types.js';
import { html, type Markup } from './markup.js';
import { folded, rows, stackedTable } from './table.js';

/** Why an address was not reached, from the sandbox or the kernel. */
function obstacle({ refusals, network }: RunReport, { address, error }: AuditAddress): string {
  const off = refusals?.calls.find(({ kind, target }) => kind === 'network' && target === address);
  const ruled = network?.destinations.find(
    (one) => !one.allowed && destinationText(one) === address && one.protocol !== 'lookup',
  );
  return off?.cause ?? ruled?.cause ?? error ?? '';
}

export function networkSection(report: RunReport, { addresses }: ReportAudit): Markup {
  const names = (report.network?.destinations ?? []).filter(
    ({ protocol }) => protocol === 'lookup',
  );
  if (addresses.length + names.length === 0) {
    return folded('Network', 'no addresses were used', html``);
  }
  const used = rows(
    addresses,
    (
      one,
    ) => html`<tr><td>${one.action}</td><td data-label="address"><code>${one.address}</code></td><td class="number" data-label="times">${one.count}</td>
<td class="number" data-label="first">${durationText(one.firstMs)}</td><td data-label="why not reached">${obstacle(report, one)}</td></tr>`,
    5,
  );
  const looked = rows(
    names,
    (
      one,
    ) => html`<tr><td>look up</td><td data-label="name"><code>${one.name ?? ''}</code></td><td class="number" data-label="times">${one.count}</td>
<td></td><td data-label="why not reached">${one.cause ?? ''}</td></tr>`,
    5,
  );
  const heads = html`<th>action</th><th>address</th><th class="number">times</th><th class="number">first</th><th>why not reached</th>`;
  return folded(
    'Network',
    `${addresses.length + names.length} used`,
    stackedTable(heads, html`${looked}${used}`),
  );
}
