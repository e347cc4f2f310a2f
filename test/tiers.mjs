// Says which test files each tier, and each pass of `.ci/run`, runs. test/vitest.config.ts makes its projects of this.
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { isLeftOut } from './programs.mjs';
import { pass } from './support/packages.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));

/** `check`, `test`, `rest` (what `all` has beyond `test`) or `all`. */
export const tier = process.env.WASBOX_TEST_TIER ?? 'all';

/** Tests that start sandboxes: they need a build. */
const launching = ['test/integration/**/*.test.ts', 'test/attacks/**/*.test.ts'];

/** Tests of the documentation: they need the built site, and start sandboxes for its examples. */
const documentation = ['test/browser/**/*.test.ts', 'test/docs/**/*.test.ts'];

/** Unit tests of code that asks the machine nothing. They share a process, so they leave nothing behind in it. */
const pure = [
  ...['core', 'fleet', 'image', 'kubernetes', 'learn', 'options', 'playground', 'policy', 'preset'],
  ...['profile', 'report', 'syscalls', 'tables', 'text', 'convert'],
]
  .map((name) => `test/unit/${name}/**/*.test.ts`)
  // These read the sources, and so belong to what is run after an edit.
  .concat(['arrows', 'comments', 'test-names'].map((name) => `test/unit/${name}.test.ts`));

/** Unit tests that replace modules of Node's: each file has a process of its own. */
const mocking = ['test/unit/cli/**/*.test.ts'];

/** Tests among `pure` that compile or start a program. */
const withPrograms = ['export', 'firejail', 'minijail', 'oci', 'systemd'].map(
  (name) => `test/unit/convert/${name}.test.ts`,
);

/** Tests of the launch project by name. */
const launches = (...names) => names.map((name) => `test/integration/${name}.test.ts`);

/** Long tests that `npm test` leaves to `npm run test:all`, by project. */
export const slow = {
  pure: [
    ...['convert/oci', 'convert/round-trip', 'learn/features', 'kubernetes/network-policy'].map(
      (name) => `test/unit/${name}.test.ts`,
    ),
  ],
  unit: ['test/abi/elsewhere.test.ts', 'test/unit/resolve/name-search.test.ts'],
  launch: [
    ...launches('bundles', 'channels', 'engine-node', 'engine-policies', 'engine-random', 'mcp'),
    ...launches('packaging', 'preset-tools', 'presets', 'programs', 'projects', 'release'),
    ...launches('runtimes', 'same-words', 'saved', 'session-many', 'soak', 'tarball'),
    ...launches('terminal-shell', 'types'),
    ...launches('bad-policies', 'bullmq', 'dry-run-plan', 'examples', 'fastpath-landlock'),
    ...launches('changes/kill', 'changes/patch', 'changes/programs', 'images/crash'),
    ...launches('changes/property', 'library-callbacks', 'library-inputs', 'pool-tasks'),
    ...launches('first-run', 'mcp-conformance', 'mcp-conformance-tools', 'session-states'),
    ...launches('changes/environments', 'changes/hard-mounts', 'changes/hidden', 'engine-traps'),
    ...launches('forum-scripts', 'images/in-use', 'missing-packages', 'network/matrix'),
    ...launches('script-packages', 'session-forks', 'with-packages'),
    ...launches('wrong-uses', 'fastpath-arguments', 'fastpath-stale', 'places', 'why'),
    ...launches('example-agents', 'exec-limits', 'hints', 'home-programs', 'interrupted-copies'),
    ...launches('layers-in-memory', 'library-terminal', 'library-tools', 'mcp-states'),
    ...launches('named-leads', 'pool-ready', 'changes/elsewhere', 'changes/hard-files'),
    ...launches('changes/latest', 'changes/obeyed', 'changes/statuses', 'changes/terminal'),
    ...launches(
      'causes',
      'killed-callers',
      'killed-runs',
      'learn',
      'machine-tools',
      'state-damage',
      'state-faults',
      'week',
      'why-programs',
      'changes/links-out',
      'changes/judge-cvs',
      'changes/judge-fossil',
      'changes/judge-r',
    ),
    'test/attacks/blame.test.ts',
    'test/attacks/bombs.test.ts',
    'test/attacks/held-pipe.test.ts',
    'test/attacks/landlock-ends.test.ts',
    'test/attacks/pins.test.ts',
    'test/attacks/responsive.test.ts',
    'test/attacks/terminal-parts.test.ts',
  ],
  docs: [
    'test/browser/playground/answers.test.ts',
    'test/browser/search.test.ts',
    'test/browser/playground/people.test.ts',
    'test/browser/playground/same-bytes.test.ts',
    'test/docs/examples.test.ts',
  ],
};

/**
 * Tests whose outcome does not depend on who runs them: words and reports, the library's own work, what a tool inside does,
 * what is read and merged before anything is written. None of them has a test that needs root, which
 * test/unit/tiers.test.ts sees to. Of the passes of `.ci/run` only the one as an ordinary user has these; attacks run in both.
 */
export const anyUser = [
  ...documentation,
  'test/golden/**/*.test.ts',
  'test/abi/**/*.test.ts',
  ...launches('bad-policies', 'bundles', 'engine-node', 'engine-policies', 'engine-random', 'mcp'),
  ...launches('packaging', 'preset-tools', 'presets', 'projects', 'runtimes', 'soak', 'types'),
  ...launches('tarball'),
  ...launches('changes/kill', 'changes/programs', 'images/crash', 'images/hostile', 'session-many'),
  ...launches('first-run', 'bullmq', 'channels', 'examples', 'learn', 'machine-tools'),
  ...launches('session-states', 'terminal-shell', 'why-programs', 'changes/patch'),
  ...launches('changes/property', 'state-damage', 'changes/environments', 'changes/pieces'),
  ...launches('changes/statuses', 'engine', 'example-agents', 'fastpath-arguments'),
  ...launches('fastpath-entry', 'forum-scripts', 'images/lookup', 'mcp-states'),
  ...launches('missing-packages', 'pool-ready', 'same-limits', 'same-words', 'why'),
  ...launches('hints', 'slips', 'noise', 'report-schema', 'refusals', 'observed', 'watching'),
  ...launches('tty', 'words', 'queues', 'program-shapes', 'home-programs', 'script-packages'),
  ...launches('library-why', 'library-denied', 'library-tools', 'library-terminal'),
  ...launches('library-import', 'installers', 'images/registry', 'images/pulls', 'images/mirrors'),
  ...launches('images/credentials', 'changes/renames', 'changes/move', 'changes/merge'),
  ...launches('changes/deletions', 'changes/spellings', 'changes/foreign-bytes', 'changes/latest'),
  ...launches('changes/clock', 'changes/terminal', 'changes/hidden', 'changes/survey'),
  ...launches('images/proxy', 'images/fetched', 'images/in-use', 'images/verbs'),
  ...launches('release-refused', 'session-preload', 'changes/pnpm-programs'),
  ...launches(
    'changes/judge-cvs',
    'changes/judge-direnv',
    'changes/judge-fossil',
    'changes/judge-r',
  ),
];

/** All files of tests, from the checkout. */
export const all = ['abi', 'attacks', 'browser', 'docs', 'golden', 'integration', 'unit']
  .flatMap((folder) =>
    readdirSync(`${root}test/${folder}`, { recursive: true }).map(
      (name) => `test/${folder}/${name}`,
    ),
  )
  .filter((path) => path.endsWith('.test.ts'));

/** Unit tests of what is the same for every user: text, and the checkout. Of the passes of `.ci/run` only root's has these. */
const rootOnly = [
  ...all.filter((path) => /^test\/unit\/[^/]+$/.test(path)),
  ...['bullmq', 'mcp', 'ask'].map((name) => `test/unit/${name}/**/*.test.ts`),
  ...['native/text', 'plan/watch', 'changes/apply/merge3', 'changes/files/path'].map(
    (name) => `test/unit/${name}.test.ts`,
  ),
];

/** Launch tests that replace modules of Node's: each file has a process of its own. */
const mockingLaunches = all.filter(
  (path) =>
    /^test\/(integration|attacks)\//.test(path) &&
    /\bvi\.(mock|doMock)\(/.test(readFileSync(root + path, 'utf8')),
);

/** Files whose programs are missing here. */
const lacking = all.filter((path) => isLeftOut(path));

/** Launch tests that start wasbox as the ordinary user only, by what they use. */
function asOrdinaryUser() {
  const others = /\b(?:identities|isolatedIdentities|everyone)\(|\bunderRoot\b|'root'|\bgete?uid\b/;
  return all.filter((path) => {
    const text = /^test\/(integration|attacks)\//.test(path)
      ? readFileSync(root + path, 'utf8')
      : '';
    return text.includes('ordinaryUser(') && !others.test(text);
  });
}

const elsewhere = pass === 'root' ? [...anyUser, ...asOrdinaryUser()] : [];

/**
 * The files that take longest, in that order: they begin first, so that none is left over at the end while the other
 * workers have nothing more to do.
 */
export const longest = [
  ...launches('channels'),
  'test/browser/pages.test.ts',
  ...launches('changes/environments', 'bundles'),
  'test/attacks/pins.test.ts',
  ...launches('forum-scripts'),
  'test/attacks/terminal-parts.test.ts',
  'test/docs/examples.test.ts',
  ...launches(
    'killed-runs',
    'with-packages',
    'same-words',
    'preset-tools',
    'changes/kill',
    'programs',
    'engine',
  ),
  'test/attacks/allow-lists.test.ts',
  ...launches('changes/pieces'),
  'test/browser/playground/same-bytes.test.ts',
  'test/attacks/bombs.test.ts',
  ...launches('types'),
  'test/attacks/limits.test.ts',
  ...launches('changes/programs', 'network/matrix', 'changes/hidden'),
  'test/attacks/asking-terminal.test.ts',
  ...launches('engine-policies'),
  'test/attacks/landlock-ends.test.ts',
  'test/unit/convert/round-trip.test.ts',
  ...launches('home', 'changes/patch'),
  'test/browser/playground/people.test.ts',
  ...launches('cli-session'),
  'test/attacks/interrupted-apply.test.ts',
  'test/attacks/stretched.test.ts',
  ...launches('engine-random'),
  'test/attacks/blame.test.ts',
  'test/unit/convert/oci.test.ts',
  ...launches('landlock', 'soak'),
  'test/attacks/refusals.test.ts',
  ...launches('pool-ready', 'mcp'),
  'test/browser/playground/answers.test.ts',
  ...launches('saved', 'changes/hard-mounts', 'learn', 'packaging', 'fastpath-arguments'),
  'test/unit/convert/minijail.test.ts',
  ...launches('state-faults', 'library-endings'),
];

/** A project with these files, of which `npm test` has all but the long ones, and the rest has those. */
const project = (files, long, others = []) => ({
  include: { check: [], rest: long }[tier] ?? files,
  exclude: [
    ...['**/node_modules/**', ...others, ...elsewhere, ...lacking],
    ...(tier === 'test' ? long : []),
  ],
});

export const projects = {
  pure: {
    include: pass === 'user' ? [] : tier === 'rest' ? slow.pure : pure,
    exclude: [...({ check: withPrograms, test: slow.pure }[tier] ?? []), ...lacking],
  },
  unit: project(['test/**/*.test.ts'], slow.unit, [
    ...(pass === 'user' ? rootOnly : []),
    ...[...pure, ...mocking, ...launching, ...documentation],
  ]),
  // As each user who runs these, the modules that would ask the machine are replaced.
  mocking: project(pass === 'user' ? [] : mocking, []),
  launch: project(launching, slow.launch, mockingLaunches),
  'launch-mocking': project(mockingLaunches, []),
  docs: project(documentation, slow.docs),
};

/** Returns whether a tier or pass has a file, were its programs there. */
const has = ({ include, exclude }, path) =>
  include.some((glob) => matches(glob, path)) && !exclude.some((glob) => matches(glob, path));

/** A path, or a pattern of these lists. */
const matches = (glob, path) =>
  glob === path || (glob.indexOf('*') > 0 && path.startsWith(glob.slice(0, glob.indexOf('*'))));

/** Files that a project has in this tier and pass. */
export const filesOf = (name) => all.filter((path) => has(projects[name], path));

/** Files that this tier and pass would run, if their programs were there. */
export const leftOutFiles = lacking.filter((path) =>
  Object.values(projects).some(({ include, exclude }) =>
    has({ include, exclude: exclude.filter((name) => !lacking.includes(name)) }, path),
  ),
);
