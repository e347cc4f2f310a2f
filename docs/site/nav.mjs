// The site's pages, in the order in which they are read. A page is Markdown in docs/pages, or a
// module with `render`; its path is relative to the site.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/**
 * @typedef {object} Page
 * @property {string} path where it lies in the site
 * @property {string} title
 * @property {string} description one sentence, for search engines and for the overview
 * @property {string} [section] heading in the navigation
 * @property {string} [markdown] source below docs/pages
 * @property {string} [module] module with `render`, relative to docs
 * @property {boolean} [wide] uses the whole width, without an outline beside it
 */

const guide = (name, title, description) => ({
  path: `guide/${name}.html`,
  markdown: `guide/${name}.md`,
  section: 'Guide',
  title,
  description,
});

/** @type {Page[]} */
const all = [
  {
    path: 'index.html',
    markdown: 'index.md',
    section: 'Guide',
    title: 'Quick start',
    description: 'Run code nobody vouches for, isolated, with one command.',
  },
  guide('files', 'Files', 'What the code sees of the file system, and how to show it more.'),
  {
    path: 'playground/index.html',
    module: 'playground/page.mjs',
    section: 'Try',
    title: 'Playground',
    description: 'Write a syscall policy, see its filter and ask what it decides, in the browser.',
    wide: true,
  },
];

const docs = fileURLToPath(new URL('..', import.meta.url));

/** Pages whose source is there. */
export const pages = all.filter(({ markdown, module }) =>
  existsSync(`${docs}/${markdown === undefined ? module : `pages/${markdown}`}`),
);
