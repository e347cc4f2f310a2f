/**
 * A run's report as one HTML page without scripts or external resources. A policy in the page forbids
 * both, in case a text of the payload is ever not escaped.
 */
import { createHash } from 'node:crypto';
import { displayText, escapedNote } from '../../text/index.js';
import type { RunReport } from '../types.js';
import { html } from './markup.js';
import {
  auditSections,
  figures,
  homeSection,
  outcomeBadge,
  refusalSection,
  sandboxSection,
} from './sections.js';
import { pageStyle } from './style.js';

/** Characters of the command line at the top. */
const titleLimit = 400;

/** The whole page. */
export function htmlPage(report: RunReport): string {
  const hash = createHash('sha256').update(pageStyle).digest('base64');
  const policy = `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'`;
  const style = `<style>${pageStyle}</style>`;
  const page = html`<meta name="viewport" content="width=device-width, initial-scale=1">
<title>wasbox: ${displayText(report.command)}</title>`;
  const content = html`<header><span class="brand">wasbox</span> <span class="muted">${report.startedAt}</span>
<h1><code>${report.argv.map(displayText).join(' ').slice(0, titleLimit)}</code></h1>${outcomeBadge(report)}</header>
${figures(report)}
${refusalSection(report)}
${homeSection(report)}
${auditSections(report)}
${sandboxSection(report)}`;
  const escaped = escapedNote([content.text.replaceAll('&lt;', '<').replaceAll('&gt;', '>')]);
  const body = html`<main>${content}
<footer>${escaped === undefined ? '' : `${escaped}. `}Made by wasbox ${report.wasboxVersion}. ${report.runId === undefined ? '' : `Run ${report.runId}.`}</footer></main>`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
${page.text}
${style}</head>
<body>${body.text}</body></html>
`;
}
