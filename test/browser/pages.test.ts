/** Every page of the site, from a sub-path: loads clean, fits a phone, can be read by everybody. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  openView,
  overflow,
  type Site,
  seriousFindings,
  serveSite,
  siteRoot,
  startBrowser,
} from './support.js';

const pages = [
  ...new Set(
    (
      JSON.parse(readFileSync(join(siteRoot, 'assets/search.json'), 'utf8')) as { path: string }[]
    ).map(({ path }) => path.replace(/#.*/, '')),
  ),
];

let browser: Browser;
let site: Site;
beforeAll(async () => {
  [browser, site] = await Promise.all([startBrowser(), serveSite()]);
});
afterAll(async () => {
  await browser.close();
  await site.close();
});

describe.each(pages)('%s', (path) => {
  test('loads without a problem, from its own origin', async () => {
    const { page, context, problems } = await openView(browser, site);
    await page.goto(site.url + path, { waitUntil: 'networkidle' });
    expect(await page.locator('h1').count()).toBe(1);
    expect(problems).toEqual([]);
    await context.close();
  });

  test('fits 360 pixels', async () => {
    const { page, context } = await openView(browser, site, { width: 360, height: 740 });
    await page.goto(site.url + path, { waitUntil: 'load' });
    expect(await overflow(page)).toBe(0);
    await context.close();
  });

  test.each(['light', 'dark'] as const)('is accessible in %s', async (colorScheme) => {
    const { page, context } = await openView(browser, site, { colorScheme });
    await page.goto(site.url + path, { waitUntil: 'load' });
    expect(await seriousFindings(page)).toEqual([]);
    await context.close();
  });
});
