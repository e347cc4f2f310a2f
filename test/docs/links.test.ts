/** Links of the built site: every file and every anchor that a page points at is there. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { expect, test } from 'vitest';
import { siteRoot } from '../browser/support.js';

const pages = readdirSync(siteRoot, { recursive: true, encoding: 'utf8' }).filter((name) =>
  name.endsWith('.html'),
);
const htmlOf = new Map(pages.map((page) => [page, readFileSync(join(siteRoot, page), 'utf8')]));
const idsOf = new Map(
  [...htmlOf].map(([page, html]) => [
    page,
    [...html.matchAll(/\sid="([^"]+)"/g)].map(([, id = '']) => id),
  ]),
);

/** Returns what is wrong with the references of a page. */
function brokenIn(page: string, html: string): string[] {
  const references = [...html.matchAll(/\s(?:href|src)="([^"]*)"/g)].map(([, to = '']) => to);
  return references.flatMap((reference) => {
    if (/^(https:|mailto:|data:)/.test(reference)) return [];
    if (/^([a-z]+:|\/)/i.test(reference)) return [`not relative: ${reference}`];
    const [path = '', anchor] = reference.split('#');
    const target = path === '' ? page : normalize(join(dirname(page), path.replace(/\?.*/, '')));
    if (!existsSync(join(siteRoot, target))) return [`no such file: ${reference}`];
    if (anchor === undefined || anchor === '' || !target.endsWith('.html')) return [];
    // The playground keeps its state behind the #.
    if (target.startsWith('playground/')) return [];
    return idsOf.get(target)?.includes(anchor) === true ? [] : [`no such anchor: ${reference}`];
  });
}

test.each(pages)('%s', (page) => {
  expect(brokenIn(page, htmlOf.get(page) ?? '')).toEqual([]);
  const ids = idsOf.get(page) ?? [];
  expect(ids.filter((id, at) => ids.indexOf(id) !== at)).toEqual([]);
});

test('a broken link is found', () => {
  const bad = '<a href="nowhere.html">x</a><a href="#nowhere">x</a><img src="/abs.svg">';
  expect(brokenIn('index.html', bad)).toHaveLength(3);
});

test('every page can be reached from the first', () => {
  const reached = new Set(['index.html']);
  for (const page of reached) {
    for (const [, to = ''] of (htmlOf.get(page) ?? '').matchAll(/href="([^"#:]+\.html)/g)) {
      reached.add(normalize(join(dirname(page), to)));
    }
  }
  expect(pages.filter((page) => !reached.has(page))).toEqual([]);
});
