/** Questions of a visitor: each is answered by a page that the README and the first page of the site link to. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { siteRoot } from '../browser/support.js';
import { markdownPages } from './blocks.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

/** A question, the page below docs/pages that answers it, or a file of the repository, and words of its answer. */
const questions: readonly (readonly [question: string, page: string, answer: RegExp])[] = [
  ['what is it', 'guide/start.md', /run it in a sandbox with one command/],
  ['is it safe on my laptop', 'SECURITY.md', /does not promise/],
  ['does it need root', 'guide/start.md', /needs no root/],
  ['does it work in Docker', 'guide/containers.md', /container/],
  ['how do I allow a host', 'guide/network.md', /--net example\.(?:org|com)/],
  ['how do I undo', 'guide/changes.md', /wasbox discard/],
  ['how is it not Docker', 'about/comparison.md', /Docker/],
  ['how do I install it', 'guide/install.md', /npm ci/],
  ['where does it run', 'guide/install.md', /kernel 5\.12/],
  ['can it read my keys', 'guide/files.md', /ssh/],
  ['how do I give it a directory', 'task/data.md', /--ro/],
  ['how do I pass a token', 'guide/files.md', /--env/],
  ['how do I install packages', 'guide/running.md', /--with/],
  ['how do I limit it', 'guide/limits.md', /--memory/],
  ['how do I reach its server', 'guide/network.md', /--publish/],
  ['what did it do', 'guide/reports.md', /--audit/],
  ['why did it fail', 'guide/reports.md', /wasbox why/],
  ['can I try an installer', 'task/installer.md', /install/],
  ['how does an agent use it', 'guide/agents.md', /MCP/],
  ['how do I use it in a program', 'guide/library.md', /import \{ run/],
  ['does it run in CI', 'guide/ci.md', /GitHub/],
  ['how do I report a hole', 'SECURITY.md', /report vulnerabilities/],
];

/** Paths of the files that Markdown links to. */
const linksOf = (path: string): string[] =>
  [...read(path).matchAll(/\]\(([^)#\s:]+)(?:#[^)]*)?\)/g)].map(([, to = '']) =>
    normalize(join(dirname(path), to.replace(/\.html$/, '.md'))),
  );

const inTree = (page: string): string =>
  existsSync(join(root, page)) ? page : `docs/pages/${page}`;

test('there are twenty questions', () => expect(questions.length).toBeGreaterThanOrEqual(20));

test.each(questions)('%s: two clicks from the README lead to the answer', (_, page, answer) => {
  const first = linksOf('README.md').filter((path) => path.endsWith('.md'));
  const second = first.filter((path) => existsSync(join(root, path))).flatMap(linksOf);
  expect([...first, ...second]).toContain(inTree(page));
  expect(read(inTree(page))).toMatch(answer);
});

test('every page of the documentation is one click from the README', () => {
  const linked = new Set(linksOf('README.md'));
  const all = markdownPages.map((page) => `docs/pages/${page}`);
  expect(all.length).toBeGreaterThan(25);
  expect(all.filter((path) => !linked.has(path))).toEqual([]);
});

test.each(questions)(
  '%s: a click from the first page of the site leads to the answer',
  (_, page) => {
    const target = page === 'SECURITY.md' ? 'about/threat-model.html' : page.replace(/md$/, 'html');
    const first = readFileSync(join(siteRoot, 'index.html'), 'utf8');
    expect([...first.matchAll(/href="([^"#]+)/g)].map(([, to]) => to)).toContain(target);
  },
);
