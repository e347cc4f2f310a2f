// Markdown to HTML: headings that can be linked to, coloured code, tables that scroll in their own
// box, links between .md files as links between pages, and `{{name}}` lines for generated pieces.
import MarkdownIt from 'markdown-it';
import { highlight } from './highlight.mjs';
import { codeHtml, escapeHtml, heading, slug } from './html.mjs';

/** `bash needs=net` → language and what the example needs; the tests read the rest. */
export function readInfo(info) {
  const [language = '', ...words] = info.trim().split(/\s+/);
  return { language, words };
}

/** A block of code as the site shows it. */
export function codeBlock(text, info) {
  const { language, words } = readInfo(info);
  const copy = words.includes('nocopy') ? '' : ' data-copy';
  const label = language === '' ? 'Code' : `Code, ${language}`;
  return `<div class="code"${copy}><pre tabindex="0" role="group" aria-label="${escapeHtml(label)}"><code class="language-${escapeHtml(language)}">${highlight(text, language)}</code></pre></div>\n`;
}

const markdown = new MarkdownIt({ html: true, typographer: false });
const { rules } = markdown.renderer;

rules.fence = (tokens, at) => codeBlock(tokens[at].content, tokens[at].info);
rules.code_inline = (tokens, at) => codeHtml(tokens[at].content);
rules.code_block = (tokens, at) => codeBlock(tokens[at].content, '');
rules.table_open = (tokens, at) =>
  `<div class="table-box" role="group" aria-label="Table" tabindex="0"><table${tokens[at].meta?.stacks ? ' class="stacks"' : ''}>\n`;
rules.table_close = () => '</table></div>\n';
/** The corner above a table's row names is no header: it has no text. */
const isCorner = (inline) => inline.content === '';
rules.th_open = (tokens, at, options, _, self) => {
  if (isCorner(tokens[at + 1])) return '<td>';
  tokens[at].attrSet('scope', 'col');
  return self.renderToken(tokens, at, options);
};
rules.th_close = (tokens, at) => (isCorner(tokens[at - 1]) ? '</td>\n' : '</th>\n');

/** Columns that fit a narrow screen. */
const narrowColumns = 2;

/** Gives the cells of wide tables their column's name, for `.stacks`. */
function nameCells(tokens) {
  let table;
  let names = [];
  let column = 0;
  tokens.forEach((token, at) => {
    if (token.type === 'table_open') [table, names] = [token, []];
    if (token.type === 'tr_open') column = 0;
    if (token.type === 'th_open') names.push(tokens[at + 1].content.replaceAll('`', ''));
    if (token.type === 'thead_close') table.meta = { stacks: names.length > narrowColumns };
    if (token.type !== 'td_open') return;
    const name = names[column];
    if (table.meta.stacks && column > 0 && name !== '') token.attrSet('data-column', name);
    column += 1;
  });
}

/** Headings in this build's own form, each anchor once. */
function addAnchors(tokens) {
  const seen = new Map();
  return tokens.flatMap((token, at) => {
    if (token.type === 'heading_open') return [];
    if (token.type === 'heading_close') return [];
    if (tokens[at - 1]?.type !== 'heading_open') return [token];
    const level = Number(tokens[at - 1].tag.slice(1));
    const text = token.content;
    const base = slug(text);
    const count = seen.get(base) ?? 0;
    seen.set(base, count + 1);
    const html = Object.assign(Object.create(Object.getPrototypeOf(token)), token);
    html.type = 'html_block';
    html.children = null;
    html.content = `${heading(level, text, count === 0 ? base : `${base}-${count}`)}\n`;
    return [html];
  });
}

/** Links to other sources become links to their pages. */
function mendLinks(tokens) {
  for (const token of tokens) {
    if (token.children) mendLinks(token.children);
    if (token.type !== 'link_open') continue;
    const href = token.attrGet('href') ?? '';
    if (/^[a-z]+:/i.test(href)) token.attrSet('rel', 'external');
    else token.attrSet('href', href.replace(/\.md(?=#|$)/, '.html'));
  }
}

/** @returns the page's HTML; `pieces` (name → HTML) replace lines that say `{{name}}` */
export function renderMarkdown(text, { pieces = {} } = {}) {
  const tokens = markdown.parse(text, {});
  mendLinks(tokens);
  nameCells(tokens);
  const html = markdown.renderer.render(addAnchors(tokens), markdown.options, {});
  const body = html.replace(/<p>\{\{([\w-]+)\}\}<\/p>/g, (_, name) => {
    if (pieces[name] === undefined)
      throw new Error(`a page wants {{${name}}}, which nothing makes`);
    return pieces[name];
  });
  return { body };
}
