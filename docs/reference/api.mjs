// Reference of the library, from the declarations that npm installs (dist/types) and their TSDoc.
import { join } from 'node:path';
import { readDeclarations } from '../site/declarations.mjs';
import { highlight } from '../site/highlight.mjs';
import { escapeHtml, heading, inline } from '../site/html.mjs';

const entries = [
  ['wasbox', 'index.d.ts', 'For Node: runs and their results.'],
  ['wasbox/bullmq', 'bullmq/index.d.ts', 'For Node: workers of a BullMQ queue, and jobs for them.'],
  ['wasbox/policy', 'policy.d.ts', 'For Node and browsers: syscall policies.'],
];

const code = (text) =>
  `<div class="code wraps"><pre tabindex="0" role="region" aria-label="Code, ts"><code class="language-ts">${highlight(text, 'ts')}</code></pre></div>`;

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

/** Every name of a module, by kind: the page is long. */
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
  return `${heading(3, one.name, idOf(one, module))}
<p class="muted kind">${one.kind}</p>
${one.comment === undefined ? '' : prose(one.comment.text)}
${code(one.text)}
${one.comment === undefined ? '' : tags(one.comment)}`;
}

export function render({ root }) {
  const types = join(root, 'dist/types');
  const body = `${heading(1, 'Library')}
<p class="lead">Every function and type that you can import, from the declarations in the package. Names that only declarations mention are not part of the API.</p>
${entries
  .map(([module, file, about]) => {
    const all = readDeclarations(join(types, file));
    const functions = all.filter(({ kind }) => kind === 'function');
    const rest = all.filter(({ kind }) => kind !== 'function');
    return `${heading(2, module)}
<p>${about}</p>
${contents(all, module)}
${[...functions, ...rest].map((one) => declaration(one, module)).join('\n')}`;
  })
  .join('\n')}`;
  return { body };
}
