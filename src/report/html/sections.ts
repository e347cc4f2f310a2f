/** The parts of the page. */
import { commandText, endText, fileText, processTree, roughSize } from '../audit/text.js';
import type { ReportAudit } from '../audit/types.js';
import { durationText } from '../duration.js';
import { imageText } from '../image.js';
import { butOf, withoutOption } from '../refusal-types.js';
import type { RunReport } from '../types.js';
import { isHeld, pick } from './changes.js';
import { filesTree } from './files.js';
import { html, type Markup } from './markup.js';
import { networkSection } from './network.js';
import { folded, rows, section, stackedTable, table } from './table.js';
import { timeline } from './timeline.js';

/** Characters of a command line that are shown. */
const commandLimit = 400;

const cut = (text: string, limit: number): string =>
  text.length > limit ? `${text.slice(0, limit - 1)}…` : text;

const badge = (tone: string, text: string): Markup =>
  html`<span class="badge ${tone}">${text}</span>`;

/** The end of the program: it is no good news by itself where something was blocked or is held. */
function outcomeBadge({ outcome }: RunReport, isQuiet: boolean): Markup {
  const { kind, exitCode, signal, status, interrupted } = outcome;
  if (kind === 'exited') {
    const tone = exitCode !== 0 ? 'bad' : isQuiet ? 'good' : '';
    return badge(tone, `exited ${exitCode}`);
  }
  const text = {
    signaled: `${interrupted === true ? 'interrupted twice, ' : ''}killed by ${signal ?? 'a signal'}`,
    'setup-failed': 'sandbox setup failed',
    'exec-failed': 'the program could not be executed',
  } as const;
  const said = kind in text ? text[kind as keyof typeof text] : `${kind}: exited ${status}`;
  return badge('bad', said);
}

/** Says in a line what matters: what was blocked, what would run by itself, what changed, how it ended. */
export function summary(report: RunReport): Markup {
  const { refusals, changes } = report;
  const blocked = refusals?.total ?? 0;
  const held = changes?.paths.filter(isHeld).length ?? 0;
  const { added = 0, modified = 0, deleted = 0 } = changes?.counts ?? {};
  const changed = added + modified + deleted;
  const parts = [
    ...(blocked > 0 ? [badge('bad', `${blocked} blocked`)] : []),
    ...(held > 0 ? [badge('warn', `${held} held for review`)] : []),
    ...(changed > 0 ? [badge('', `${changed} changed`)] : []),
    outcomeBadge(report, blocked + held === 0),
    ...(blocked === 0 && refusals !== undefined && refusals.watched !== 'none'
      ? [badge('good', 'nothing blocked')]
      : []),
  ];
  return html`<p class="badges">${parts}</p>
${figures(report)}`;
}

/** The measures of the run, in a line. */
function figures({ audit, durationMs, usage }: RunReport): Markup {
  const parts = [
    durationText(durationMs),
    `${durationText(usage.userMs + usage.systemMs)} of processor time`,
    `${roughSize(usage.maxRssBytes)} in the largest process`,
    ...(audit === undefined
      ? []
      : [
          `${audit.processes.length} ${audit.processes.length === 1 ? 'process' : 'processes'}`,
          `${audit.totalCalls} system calls`,
          `${roughSize(audit.usage.readBytes)} read`,
          `${roughSize(audit.usage.writtenBytes)} written`,
        ]),
  ];
  return html`<p class="muted">${parts.join(' · ')}</p>`;
}

export function homeSection({ home }: RunReport): Markup {
  if (home === undefined) return html``;
  const unnamed = home.files - home.paths.length;
  return section(
    'Written to the private home',
    String(home.files),
    html`<p>wasbox discarded these files at the end of the run.</p>
<ul>${home.paths.map((path) => html`<li><code>${path}</code></li>`)}</ul>${unnamed > 0 ? html`<p class="muted">and ${unnamed} more</p>` : ''}`,
  );
}

/** Empty where nothing was blocked: the summary says so. */
export function refusalSection({ refusals }: RunReport): Markup {
  if (refusals === undefined) return html``;
  if (refusals.watched === 'none') {
    return section(
      'Blocked',
      '',
      html`<p>Blocked calls were not recorded: this kernel provides no listener.</p>`,
    );
  }
  if (refusals.calls.length === 0) return html``;
  const body = rows(
    refusals.calls,
    (one) => html`<tr><td><span class="badge warn">${one.kind}</span></td>
<td data-label="what"><code>${one.call}</code> <code>${
      one.target ??
      Object.entries(one.arguments)
        .map(([name, value]) => `${name}=${value}`)
        .join(' ')
    }</code></td>
<td class="number" data-label="times">${one.count}</td><td data-label="why">${one.cause}</td>
<td data-label="allow with">${one.option === undefined ? html`<span class="muted">${withoutOption(one.cause)}</span>` : html`${pick(one.option)}${butOf(one)}`}</td></tr>`,
    5,
  );
  const heads = html`<th>kind</th><th>what</th><th class="number">times</th><th>why</th><th>allow with</th>`;
  const learn =
    refusals.learn === undefined
      ? ''
      : html`<p>To add this run to the profile: ${pick(refusals.learn)}</p>`;
  return section('Blocked', `${refusals.total} times`, html`${stackedTable(heads, body)}${learn}`);
}

function processSection({ processes }: ReportAudit): Markup {
  const body = rows(
    processTree(processes),
    ({ process, depth }) => html`<tr><td class="number">${process.pid}</td>
<td><span class="muted mono indent">${depth === 0 ? '' : `${'  '.repeat(Math.min(depth, 16) - 1)}└ `}</span><code>${cut(commandText(process), commandLimit)}</code></td>
<td>${process.exitCode === 0 ? html`<span class="muted">${endText(process)}</span>` : html`<span class="badge ${process.endedMs === undefined ? 'warn' : 'bad'}">${endText(process)}</span>`}</td>
<td class="number">${process.endedMs === undefined ? '' : durationText(process.endedMs - process.startedMs)}</td>
<td class="number">${process.maxRssBytes === undefined ? '' : roughSize(process.maxRssBytes)}</td>
<td class="number">${process.calls}</td></tr>`,
    6,
  );
  const heads = html`<th class="number">pid</th><th>program</th><th>end</th><th class="number">time</th><th class="number">memory</th><th class="number">calls</th>`;
  return folded('Processes', String(processes.length), table(heads, body));
}

function fileSection({ files }: ReportAudit): Markup {
  const missing = files.filter(({ error }) => error !== undefined);
  const listed = rows(
    missing,
    (file) =>
      html`<tr><td><code>${fileText(file)}</code></td><td>${file.error ?? ''}</td><td class="number">${file.count}</td></tr>`,
    3,
  );
  const heads = html`<th>what</th><th>error</th><th class="number">times</th>`;
  return html`${folded(
    'Files',
    `${files.length} names`,
    html`<p class="legend"><span class="tag r">R</span>read <span class="tag w">W</span>written <span class="tag c">C</span>created <span class="tag d">D</span>deleted <span class="tag m">M</span>renamed <span class="tag a">A</span>attributes <span class="tag x">X</span>executed</p>${filesTree(files)}`,
  )}${
    missing.length === 0
      ? ''
      : folded('Not found or not allowed', `${missing.length} names`, table(heads, listed))
  }`;
}

function callSection({ calls, totalCalls }: ReportAudit): Markup {
  const most = calls[0]?.count ?? 1;
  const body = rows(
    calls,
    ({
      call,
      count,
      refused,
    }) => html`<tr><td><code>${call}</code></td><td class="number">${count}</td>
<td><svg viewBox="0 0 240 12" preserveAspectRatio="none" height="12" aria-hidden="true"><rect class="meter" width="${Math.max((count / most) * 240, 1).toFixed(1)}" height="12" rx="2"/></svg></td>
<td class="number">${refused > 0 ? html`<span class="badge bad">${refused} refused</span>` : ''}</td></tr>`,
    4,
  );
  const heads = html`<th>call</th><th class="number">times</th><td></td><td></td>`;
  return folded('System calls', `${totalCalls} of ${calls.length} kinds`, table(heads, body));
}

/** All parts of an audit. */
export function auditSections(report: RunReport): Markup {
  const { audit } = report;
  if (audit === undefined) {
    return section(
      'What it did',
      '',
      html`<p class="muted">Not recorded. Use <code>--audit</code> to see processes, files, addresses and system calls.</p>`,
    );
  }
  if (audit.watched === 'none') {
    return section(
      'What it did',
      '',
      html`<p>Nothing was recorded: this kernel provides no listener${audit.reason === undefined ? '' : ` (${audit.reason})`}.</p>`,
    );
  }
  const { dropped } = audit;
  const lost = dropped.actions + dropped.processes + dropped.values;
  return html`${folded('Timeline', 'violet marks are executions', timeline(audit.processes, report))}
${processSection(audit)}${fileSection(audit)}${networkSection(report, audit)}${callSection(audit)}
${folded(
  'What this does not show',
  '',
  html`<ul>${audit.uncounted.map((text) => html`<li>${text}</li>`)}<li>The page shows what the program asked of the kernel. Another thread may have changed a path between the record and the call.</li>${
    lost > 0 ? html`<li>${lost} more actions, for lack of space.</li>` : ''
  }</ul>`,
)}`;
}

const words = (name: string): string =>
  name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);

function limitText(name: string, value: number): string {
  if (name.endsWith('Ms')) return durationText(value);
  return name.endsWith('Bytes') ? roughSize(value) : String(value);
}

export function sandboxSection({ sandbox, notes }: RunReport): Markup {
  const pair = (name: string, value: string | Markup) => html`<dt>${name}</dt><dd>${value}</dd>`;
  const limits = Object.entries(sandbox.limits)
    .filter((entry): entry is [string, number] => typeof entry[1] === 'number')
    .map(([name, value]) => pair(words(name.replace(/(Ms|Bytes)$/, '')), limitText(name, value)));
  return html`${folded(
    'Sandbox and limits',
    '',
    html`<dl class="pairs">${pair('directory', html`<code>${sandbox.workdir}</code>`)}${sandbox.image === undefined ? '' : pair('image', html`<code>${imageText(sandbox.image)}</code>`)}${pair('network', sandbox.net)}${pair('policy', sandbox.policy)}${pair('namespaces', sandbox.namespaces.join(', '))}${pair('Landlock', sandbox.landlockAbi === 0 ? 'none' : `version ${sandbox.landlockAbi}`)}${limits}</dl>`,
  )}${notes.length === 0 ? '' : section('Notes', '', html`<ul>${notes.map((note) => html`<li>${note}</li>`)}</ul>`)}`;
}
