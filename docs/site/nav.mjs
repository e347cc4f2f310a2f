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

const policy = (name, title, description) => ({
  ...guide(name, title, description),
  path: `policy/${name}.html`,
  markdown: `policy/${name}.md`,
  section: 'Policies',
});

const reference = (name, title, description) => ({
  path: `reference/${name}.html`,
  module: `reference/${name}.mjs`,
  section: 'Reference',
  title,
  description,
});

const about = (name, title, description) => ({
  path: `about/${name}.html`,
  markdown: `about/${name}.md`,
  section: 'About',
  title,
  description,
});

/** Of the same section, but made by a module. */
const made = (name, title, description) => ({
  path: `about/${name}.html`,
  module: `reference/${name}.mjs`,
  section: 'About',
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
  guide('install', 'Install', 'Every package manager, and where wasbox works.'),
  guide(
    'running',
    'Running things',
    'Scripts, commands, standard input, code on the command line.',
  ),
  guide('files', 'Files', 'What the code sees of the file system, and how to show it more.'),
  guide('changes', 'Reversible runs', 'Look at what a run changed, keep it or drop it.'),
  guide('network', 'Network', 'Loopback only, unless you say otherwise.'),
  guide('limits', 'Limits', 'Time, processes and space.'),
  guide(
    'asking',
    'Questions',
    'Decide while the program waits: files, destinations, system calls.',
  ),
  guide('terminal', 'Terminal and signals', 'Keys, job control, and how a run is ended.'),
  guide('reports', 'Reports', 'What a run was refused and what it changed, as text and as JSON.'),
  guide(
    'learning',
    'Learn a profile',
    'From what a program uses to a profile that allows that and its like.',
  ),
  guide('profiles', 'Profiles', 'Options of a run kept in a file, and what such a file may say.'),
  guide('library', 'From a program', 'Sandboxes from TypeScript and JavaScript.'),
  guide('pools', 'Pools', 'Sandboxes made ready beforehand, for many small tasks.'),
  guide('ci', 'In CI', 'Build machines, containers, completions, the manual.'),
  policy('tour', 'A first policy', 'Write, check, ask, compile and use a syscall policy.'),
  policy('language', 'The language', 'Rules, conditions, actions, groups, targets, includes.'),
  policy('dry-run', 'Dry run from code', 'The same few lines in Node and in a page.'),
  {
    path: 'playground/index.html',
    module: 'playground/page.mjs',
    section: 'Policies',
    title: 'Playground',
    description: 'Write a syscall policy, see its filter and ask what it decides, in the browser.',
    wide: true,
  },
  reference('cli', 'Command line', 'Every command and option.'),
  reference('syscalls', 'System calls', 'Numbers, arguments, groups, and the default decisions.'),
  reference('api', 'Library', 'Every function and type.'),
  reference('errors', 'Error codes', 'What each code means.'),
  made('how', 'How it works', 'Processes, mounts, layers: with drawings.'),
  made('threat-model', 'Threat model', 'What is promised, and what is not.'),
  about('comparison', 'Comparison', 'Docker, gVisor, Firecracker, bubblewrap and others.'),
  made('benchmarks', 'Benchmarks', 'How long a start takes, and what a filter costs.'),
];

const docs = fileURLToPath(new URL('..', import.meta.url));

/** Pages whose source is there. */
export const pages = all.filter(({ markdown, module }) =>
  existsSync(`${docs}/${markdown === undefined ? module : `pages/${markdown}`}`),
);
