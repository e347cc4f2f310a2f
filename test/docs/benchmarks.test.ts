/** The page of benchmarks shows the newest results first, and the chart that they make. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { newestResults } from '../../docs/site/results.mjs';
import { siteRoot } from '../browser/support.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const page = readFileSync(join(siteRoot, 'about/benchmarks.html'), 'utf8');
const { startup } = newestResults(root) as { startup: readonly { name: string }[] };

test('starts come first, each with what it was compared with', () => {
  expect(startup.length).toBeGreaterThan(4);
  const [, section = ''] = page.split('<h2 ');
  for (const { name } of startup) expect(section).toContain(`<td>${name}</td>`);
});

test('the chart of the site and of the README is that of the same results', () => {
  const chart = readFileSync(join(siteRoot, 'about/startup.svg'), 'utf8');
  expect(chart).toBe(readFileSync(join(root, 'bench/results/startup.svg'), 'utf8'));
  for (const { name } of startup) expect(chart).toContain(`>${name}<`);
});
