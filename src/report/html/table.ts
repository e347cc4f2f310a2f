/** Sections and tables of the page. */
import { html, type Markup } from './markup.js';

const rowLimit = 500;

const heading = (title: string, note: string): Markup =>
  html`<h2>${title}${note === '' ? '' : html` <small>${note}</small>`}</h2>`;

export const section = (title: string, note: string, body: Markup): Markup =>
  html`<section>${heading(title, note)}${body}</section>`;

/** A section whose body is shown on demand. */
export const folded = (title: string, note: string, body: Markup): Markup =>
  html`<section class="folded"><details><summary>${heading(title, note)}</summary>${body}</details></section>`;

export function rows<T>(list: readonly T[], row: (one: T) => Markup, columns: number): Markup {
  const more = list.length - rowLimit;
  return html`${list.slice(0, rowLimit).map(row)}${
    more > 0 ? html`<tr><td colspan="${columns}" class="muted">and ${more} more</td></tr>` : ''
  }`;
}

export const table = (heads: Markup, body: Markup): Markup =>
  html`<div class="scroll" tabindex="0" role="group" aria-label="Table"><table><thead><tr>${heads}</tr></thead><tbody>${body}</tbody></table></div>`;

/** On a phone, each row is a block of its own, with the labels of its cells (`data-label`). */
export const stackedTable = (heads: Markup, body: Markup): Markup =>
  html`<table class="stacked"><thead><tr>${heads}</tr></thead><tbody>${body}</tbody></table>`;
