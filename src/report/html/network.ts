/** Destinations of the program, on the page. */
import type { AuditAddress, ReportAudit } from '../audit/types.js';
import { durationText } from '../duration.js';
import { destinationText } from '../network.js';
import type { RunReport } from '../types.js';
import { html, type Markup } from './markup.js';
import { rows, section, table } from './table.js';

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
    return section('Network', '', html`<p class="muted">no addresses were used</p>`);
  }
  const used = rows(
    addresses,
    (
      one,
    ) => html`<tr><td>${one.action}</td><td><code>${one.address}</code></td><td class="number">${one.count}</td>
<td class="number">${durationText(one.firstMs)}</td><td>${obstacle(report, one)}</td></tr>`,
    5,
  );
  const looked = rows(
    names,
    (
      one,
    ) => html`<tr><td>look up</td><td><code>${one.name ?? ''}</code></td><td class="number">${one.count}</td>
<td></td><td>${one.cause ?? ''}</td></tr>`,
    5,
  );
  const heads = html`<th>action</th><th>address</th><th class="number">times</th><th class="number">first</th><th>why not reached</th>`;
  return section('Network', '', table(heads, html`${looked}${used}`));
}
