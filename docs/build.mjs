// Builds the documentation into docs/dist: static files that any server can serve from any path.
// Pages are Markdown (docs/pages) or generated from the tables that the program uses
// (docs/reference); docs/playground adds its own page and scripts. Needs `npm run build` first.
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleForSite, siteNotices } from './site/bundle.mjs';
import { collectFacts } from './site/facts.mjs';
import { stripComments } from './site/html.mjs';
import { layout } from './site/layout.mjs';
import { renderMarkdown } from './site/markdown.mjs';
import { pages } from './site/nav.mjs';
import { writeServiceWorker } from './site/offline.mjs';
import { writeSearchIndex } from './site/search-index.mjs';

const docs = dirname(fileURLToPath(import.meta.url));
const root = join(docs, '..');
const outdir = process.argv[2] ?? join(docs, 'dist');

/** Writes a file of the site; the path is relative to it. */
function put(path, content) {
  const target = join(outdir, path);
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, content);
}

rmSync(outdir, { recursive: true, force: true });
mkdirSync(join(outdir, 'assets'), { recursive: true });

const facts = await collectFacts(root);

/** Returns what a page is made of: its HTML, and what else it wants in its head. */
async function contentOf(page) {
  if (page.markdown !== undefined) {
    const text = readFileSync(join(docs, 'pages', page.markdown), 'utf8');
    return renderMarkdown(text, { path: page.path, facts });
  }
  const module = await import(new URL(page.module, new URL('.', import.meta.url)));
  return module.render({ page, pages, facts, root, docs, outdir, put });
}

const written = [];
// docs/reference adds drawings to this one.
const listed = new Set(['about/how.md', ...pages.map(({ markdown }) => markdown)]);
for (const name of readdirSync(join(docs, 'pages'), { recursive: true, encoding: 'utf8' })) {
  if (name.endsWith('.md') && !listed.has(name))
    throw new Error(`docs/pages/${name} has no entry in docs/site/nav.mjs`);
}
for (const page of pages) {
  const content = await contentOf(page);
  const shown = { ...content, body: stripComments(content.body) };
  put(page.path, layout({ page, pages, content: shown, facts }));
  written.push({ page, body: content.body });
}

/** Bundles files of docs/site/assets. */
const bundle = (names, format) =>
  bundleForSite({
    entryPoints: names.map((name) => join(docs, 'site/assets', name)),
    outdir: join(outdir, 'assets'),
    format,
    target: 'es2022',
  });
await bundle(['style.css', 'theme.js', 'site.js'], 'iife');
// Imported by site.js when the reader searches.
await bundle(['find.js'], 'esm');
cpSync(join(docs, 'site/assets/icon.svg'), join(outdir, 'assets/icon.svg'));
// Files to copy, which guide/schedulers.md names.
cpSync(join(docs, 'deploy'), join(outdir, 'deploy'), { recursive: true });
writeSearchIndex(put, written, facts);
put('THIRD-PARTY.txt', siteNotices(root));
const total = writeServiceWorker(
  outdir,
  readFileSync(join(docs, 'site/service-worker.js'), 'utf8'),
);
console.log(`${pages.length} pages, ${total.files} files, ${Math.round(total.bytes / 1024)} KB`);
