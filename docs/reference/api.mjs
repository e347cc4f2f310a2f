// Reference of the library, from the declarations that npm installs (dist/types) and their TSDoc.
import { join } from 'node:path';
import { readDeclarations } from '../site/declarations.mjs';
import { highlight } from '../site/highlight.mjs';
import { escapeHtml, heading, inline } from '../site/html.mjs';

/** Says what each page is about: the entry point, its declarations, and where it works. */
const entries = {
  'reference/api.html': {
    module: 'wasbox',
    file: 'index.d.ts',
    lead: 'Every function and type of <code>wasbox</code>, which runs sandboxes from Node.',
  },
  'reference/api-policy.html': {
    module: 'wasbox/policy',
    file: 'policy.d.ts',
    lead: 'Every function and type of <code>wasbox/policy</code>, for Node and browsers: syscall policies.',
  },
  'reference/api-bullmq.html': {
    module: 'wasbox/bullmq',
    file: 'bullmq/index.d.ts',
    lead: 'Every function and type of <code>wasbox/bullmq</code>, for Node: workers of a BullMQ queue, and jobs for them.',
  },
};

const code = (text) =>
  `<div class="code wraps"><pre tabindex="0" role="group" aria-label="Code, ts"><code class="language-ts">${highlight(text, 'ts')}</code></pre></div>`;

/** Prose of TSDoc: links without their braces, paragraphs. */
const prose = (text) =>
  text
    .replace(/\{@link ([^}|]+)(?:\|[^}]*)?\}/g, '`$1`')
    .split(/\n\s*\n/)
    .map((part) => `<p>${inline(part.replace(/\s+/g, ' '))}</p>`)
    .join('\n');

function tags({ tags: all }) {
  const items = all
    .filter(({ name }) => name !== 'example')
    .map(
      ({ name, text }) =>
        `<dt>@${escapeHtml(name)}</dt><dd>${inline(text.replace(/\s+/g, ' '))}</dd>`,
    );
  const examples = all
    .filter(({ name }) => name === 'example')
    .map(({ text }) => code(text.trim()));
  return `${items.length === 0 ? '' : `<dl class="tags">${items.join('')}</dl>`}${examples.join('')}`;
}

const idOf = (one, module) => `${module}-${one.name}`.replace('/', '-');

const kinds = [
  ['Functions', ['function']],
  ['Classes', ['class']],
  ['Constants', ['const']],
  ['Types', ['interface', 'type', 'enum']],
];

/** Every name of a module, by kind. */
function contents(all, module) {
  const link = (one) => `<a href="#${idOf(one, module)}"><code>${escapeHtml(one.name)}</code></a>`;
  const rows = kinds.flatMap(([title, wanted]) => {
    const names = all
      .filter(({ kind }) => wanted.includes(kind))
      .toSorted((a, b) => a.name.localeCompare(b.name, 'en'));
    return names.length === 0 ? [] : [`<dt>${title}</dt><dd>${names.map(link).join(' ')}</dd>`];
  });
  return `<dl class="tags names">${rows.join('')}</dl>`;
}

function declaration(one, module) {
  return `${heading(2, one.name, idOf(one, module))}
<p class="muted kind">${one.kind}</p>
${one.comment === undefined ? '' : prose(one.comment.text)}
${code(one.text)}
${one.comment === undefined ? '' : tags(one.comment)}`;
}

export function render({ root, page }) {
  const { module, file, lead } = entries[page.path];
  const all = readDeclarations(join(root, 'dist/types', file));
  const functions = all.filter(({ kind }) => kind === 'function');
  const rest = all.filter(({ kind }) => kind !== 'function');
  const body = `${heading(1, page.title)}
<p class="lead">${lead} From the declarations in the package: names that only declarations mention are not part of the API.</p>
${contents(all, module)}
${[...functions, ...rest].map((one) => declaration(one, module)).join('\n')}`;
  return { body };
}
