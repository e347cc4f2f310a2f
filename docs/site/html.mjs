// Text to HTML, and paths to links.

const entities = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** Escapes text for element content and quoted attributes. */
export const escapeHtml = (text) => String(text).replace(/[&<>"']/g, (found) => entities[found]);

/** Returns the way from a page of the site to its root: '' or '../' for each folder. */
export const toRoot = (path) => '../'.repeat(path.split('/').length - 1);

/** Returns the name that a heading is linked by. */
export const slug = (text) =>
  text
    .toLowerCase()
    .replace(/[`'’"]/g, '')
    .replace(/[^\p{L}\p{N}]+/gu, '-')
    .replace(/^-|-$/g, '');

/** Code in a line of text. An option is not broken behind one of its hyphens. */
export const codeHtml = (text) =>
  `<code${/^-\S{0,23}$/.test(text) ? ' class="whole"' : ''}>${escapeHtml(text)}</code>`;

/** Prose of the tables: text with `code` in it. */
export const inline = (text) =>
  text
    .split(/`([^`]+)`/)
    .map((part, i) => (i % 2 === 1 ? codeHtml(part) : escapeHtml(part)))
    .join('');

/** The corner above a table's row names is no header: it has no text. */
const headCell = (cell) => (cell === '' ? '<td></td>' : `<th scope="col">${cell}</th>`);

/**
 * A table that scrolls inside its own box where it does not fit. With `named`, each cell but a row's first has its
 * column's name, which a narrow screen can show in front of it.
 */
export const table = (head, rows, { label, named = false, className = named ? 'stacks' : '' }) => {
  const cellOf = (cell, at) =>
    `<td${named && at > 0 ? ` data-column="${escapeHtml(head[at])}"` : ''}>${cell}</td>`;
  return `<div class="table-box" role="group" aria-label="${escapeHtml(label)}" tabindex="0"><table class="${className}">
<thead><tr>${head.map(headCell).join('')}</tr></thead>
<tbody>
${rows.map((row) => `<tr>${row.map(cellOf).join('')}</tr>`).join('\n')}
</tbody></table></div>`;
};

/** A heading that can be linked to. */
export const heading = (level, text, id = slug(text)) =>
  `<h${level} id="${id}">${inline(text)} <a class="anchor" href="#${id}" aria-label="Link to ${escapeHtml(text.replaceAll('`', ''))}">#</a></h${level}>`;

/** HTML without its comments. */
export const stripComments = (html) => html.replace(/<!--.*?-->/gs, '');
