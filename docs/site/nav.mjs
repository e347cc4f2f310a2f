// The site's pages, in reading order. A page is Markdown in docs/pages, or a
// module with `render`; its path is relative to the site.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/**
 * @typedef {object} Page
 * @property {string} path relative to the site
 * @property {string} title
 * @property {string} description one sentence, for search engines and for the overview
 * @property {string} [section] heading in the navigation
 * @property {string} [markdown] source below docs/pages
 * @property {string} [module] module with `render`, relative to docs
 * @property {boolean} [wide] uses the whole width, without an outline beside it
 * @property {boolean} [landing] the first page: without navigation, outline and neighbours
 */

const guide = (name, title, description) => ({
  path: `guide/${name}.html`,
  markdown: `guide/${name}.md`,
  section: 'Guide',
  title,
  description,
});

const task = (name, title, description) => ({
  ...guide(name, title, description),
  path: `task/${name}.html`,
  markdown: `task/${name}.md`,
  section: 'Tasks',
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

/** The names of an entry point of the library beside the first. */
const api = (entry, title, description) => ({
  ...reference(`api-${entry}`, title, description),
  module: 'reference/api.mjs',
});

const about = (name, title, description) => ({
  path: `about/${name}.html`,
  markdown: `about/${name}.md`,
  section: 'About',
  title,
  description,
});

/** A page of the same section that a module renders. */
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
    module: 'landing/page.mjs',
    section: 'Guide',
    title: 'wasbox',
    description: 'Run code that you do not trust in a sandbox, with one command.',
    landing: true,
  },
  guide('start', 'Quick start', 'The first run: what the code sees, and what it changed.'),
  guide('install', 'Install', 'Every package manager, and where wasbox works.'),
  task('installer', 'Run an installer', 'From the web, without letting it near your files.'),
  task('one-host', 'Let it reach one host', 'A download, an API, a database; nothing else.'),
  task('data', 'Give it a data directory', 'To read, to change, or to change a copy of.'),
  {
    ...task('ci', 'In CI', 'Build machines and runners: a step to copy, and what to check.'),
    path: 'guide/ci.html',
    markdown: 'guide/ci.md',
  },
  task('container', 'Run it in Docker or Podman', 'Which options a container needs.'),
  task('agent', 'Use it from an agent', 'Commands that a model wrote, with a result to read.'),
  guide(
    'running',
    'Running things',
    'Scripts, commands, standard input, code on the command line.',
  ),
  guide('files', 'Files', 'What the code sees of the file system, and how to mount or hide more.'),
  guide('images', 'Images', 'An OCI image, or a directory, as the root file system.'),
  guide('changes', 'Reversible runs', 'Review what a run changed, then apply or discard it.'),
  guide('network', 'Network', 'Loopback only, unless you say otherwise.'),
  guide('presets', 'Presets', 'What a package manager or build tool needs, by its name.'),
  guide('limits', 'Limits', 'Limits on time, processes, memory and disk.'),
  guide(
    'asking',
    'Questions',
    'Allow or deny files, destinations and system calls while the program waits.',
  ),
  guide('terminal', 'Terminal and signals', 'Keys, job control, and how to stop a run.'),
  guide('reports', 'Reports', 'What a run was refused and what it changed, as text and JSON.'),
  guide(
    'learning',
    'Learn a profile',
    'Record what a program uses and write a profile that allows it.',
  ),
  guide('profiles', 'Profiles', 'Keep the options of a run in a file.'),
  guide('library', 'From a program', 'Run sandboxes from TypeScript and JavaScript.'),
  guide(
    'program',
    'In a program',
    'A harness, a CI step, a web server, a notebook, an agent, as whole programs.',
  ),
  guide('pools', 'Pools', 'Sandboxes that are ready in advance, for many small tasks.'),
  guide('queues', 'Job queues', 'Workers that run the jobs of a queue, each in a sandbox.'),
  guide(
    'schedulers',
    'Schedulers',
    'Kubernetes, Slurm, systemd, Nomad: files to copy, and what was tried of each.',
  ),
  {
    path: 'guide/many-machines.html',
    module: 'reference/many-machines.mjs',
    section: 'Guide',
    title: 'Many machines',
    description: 'What a thousand nodes run in a day, and what limits it.',
  },
  guide('agents', 'For agents', 'A sandbox that lives for several programs, reviewed at its end.'),
  guide('containers', 'In containers', 'Runs without namespaces: what works, and what is weaker.'),
  policy('tour', 'A first policy', 'Write, check, simulate, compile and use a syscall policy.'),
  policy('language', 'The language', 'Rules, conditions, actions, groups, targets, includes.'),
  policy(
    'dry-run',
    'Dry run from code',
    'Compile and simulate policies in Node and in the browser.',
  ),
  {
    path: 'playground/index.html',
    module: 'playground/page.mjs',
    section: 'Policies',
    title: 'Playground',
    description: 'Write a syscall policy and see its filter and decisions, in the browser.',
    wide: true,
  },
  reference('cli', 'Command line', 'Every command and option.'),
  reference(
    'syscalls',
    'System calls',
    'Numbers, arguments, groups, and what the default policy decides.',
  ),
  reference('api', 'Library', 'Every function and type of wasbox for Node.'),
  api('policy', 'Library: policies', 'Every function and type of wasbox/policy.'),
  api('bullmq', 'Library: job queues', 'Every function and type of wasbox/bullmq.'),
  reference('errors', 'Error codes', 'What each code means.'),
  made('how', 'How it works', 'Processes, mounts and layers, with drawings.'),
  made('threat-model', 'Threat model', 'What wasbox promises, and what it does not.'),
  about(
    'comparison',
    'Comparison',
    'wasbox next to Docker, gVisor, Firecracker, bubblewrap and others.',
  ),
  {
    ...made('criteria', 'Criteria', 'The same work and probes on wasbox and on other sandboxes.'),
    wide: true,
  },
  made('benchmarks', 'Benchmarks', 'How long starts, failures and many files take.'),
];

const docs = fileURLToPath(new URL('..', import.meta.url));

/** Pages whose source exists. */
export const pages = all.filter(({ markdown, module }) =>
  existsSync(`${docs}/${markdown === undefined ? module : `pages/${markdown}`}`),
);
