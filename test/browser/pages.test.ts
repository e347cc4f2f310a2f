/** Every page of the site, from a sub-path: loads clean, fits a phone, can be read by everybody. */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { pass } from '../support/packages.mjs';
import {
  axeFindings,
  openView,
  overflow,
  type Site,
  serveSite,
  siteRoot,
  startBrowser,
  total,
  type View,
  weighed,
} from './support.js';

const pages = [
  'index.html',
  ...new Set(
    (
      JSON.parse(readFileSync(join(siteRoot, 'assets/search.json'), 'utf8')) as { path: string }[]
    ).map(({ path }) => path.replace(/[#?].*/, '')),
  ),
];

let browser: Browser;
let site: Site;
/** The view in which every page is loaded; nothing of a page is kept for the next one. */
let view: View;
beforeAll(async () => {
  [browser, site] = await Promise.all([startBrowser(), serveSite()]);
  view = await openView(browser, site);
  const devtools = await view.context.newCDPSession(view.page);
  await devtools.send('Network.setCacheDisabled', { cacheDisabled: true });
});
afterAll(async () => {
  await browser.close();
  await site.close();
});

/** In the dark, or on a phone: `.ci/run` has each second page, for both depend on the styles, which all pages share. */
const both = pass === undefined;

/** One load a page: what follows is asked of the page that is there. */
test.each(pages)('%s', async (path) => {
  const isEven = pages.indexOf(path) % 2 === 0;
  const { page, context, problems } = view;
  problems.length = 0;
  await page.emulateMedia({ colorScheme: 'light' });
  await page.setViewportSize({ width: 1280, height: 800 });
  const sizes = weighed(context, (body) => gzipSync(body).length);
  await page.goto(site.url + path, { waitUntil: 'networkidle' });
  expect(await page.locator('h1').count()).toBe(1);
  const bytes = total(await sizes());
  // The playground brings the policy core; people.test.ts has its limit.
  if (!path.startsWith('playground/')) {
    expect(bytes, 'bytes of a page, compressed').toBeLessThan(200_000);
    expect(bytes).toBeGreaterThan(5000);
    expect(statSync(join(siteRoot, path)).size, 'bytes of the HTML').toBeLessThan(200_000);
  }
  expect(problems, 'a console error, a failed request or another origin').toEqual([]);
  expect(await axeFindings(page)).toEqual([]);
  await page.emulateMedia({ colorScheme: 'dark' });
  if (isEven || both) expect(await axeFindings(page, 'colours'), 'dark').toEqual([]);
  // A phone has the same colours.
  await page.setViewportSize({ width: 360, height: 740 });
  expect(await overflow(page), 'pixels too wide for a phone').toBe(0);
  if (!isEven || both) expect(await axeFindings(page, 'but colours'), 'phone').toEqual([]);
});

test('the site works offline after the first visit', async () => {
  const { page, context } = await openView(browser, site, { serviceWorkers: true });
  await page.goto(site.url);
  await page.evaluate(async () => {
    await navigator.serviceWorker.ready;
  });
  site.refuse = () => true;
  try {
    // One of each folder is opened; of the others the service worker has what it would answer with.
    const folders = new Map(pages.map((path) => [path.replace(/[^/]*$/, ''), path]));
    for (const path of ['', ...folders.values()]) {
      await page.goto(site.url + path, { waitUntil: 'load' });
      expect(await page.locator('h1').count(), path).toBe(1);
    }
    const absent = await page.evaluate(
      async (urls) => {
        const kept = await Promise.all(urls.map((url) => caches.match(url)));
        return urls.filter((_, at) => !kept[at]?.ok);
      },
      pages.map((path) => site.url + path),
    );
    expect(absent).toEqual([]);
    await page.goto(`${site.url}reference/syscalls.html`);
    await page.locator('.call-name', { hasText: 'accept4' }).waitFor();
  } finally {
    site.refuse = () => false;
    await context.close();
  }
});

test('an accessibility fault, an overflow and another origin would be seen', async () => {
  const { page, context, problems } = await openView(browser, site);
  await page.goto(site.url);
  await page.setViewportSize({ width: 360, height: 740 });
  await page.evaluate(() => {
    const wide = document.createElement('div');
    wide.style.width = '900px';
    wide.innerHTML = '<img src="assets/icon.svg"><p style="color:#ddd;background:#fff">faint</p>';
    document.querySelector('article')?.append(wide);
    return fetch('https://example.com/').catch(() => {});
  });
  expect(await overflow(page)).toBeGreaterThan(0);
  const found = async (what: 'colours' | 'but colours') =>
    (await axeFindings(page, what)).map((text) => text.split(':')[0]);
  expect(new Set(await found('colours'))).toEqual(new Set(['color-contrast']));
  expect(await found('but colours')).toContain('image-alt');
  expect(problems.join()).toContain('example.com');
  await context.close();
});

test('the keyboard reaches the content, the search and a result', async () => {
  const { page, context, problems } = await openView(browser, site);
  await page.goto(`${site.url}guide/files.html`);
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  expect(await page.evaluate(() => document.activeElement?.id)).toBe('content');
  await page.keyboard.press('/');
  await page.keyboard.type('error codes');
  await page.waitForFunction(
    () => document.querySelector<HTMLElement>('.found')?.dataset.query === 'error codes',
  );
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await page.waitForURL(/reference\/errors\.html/);
  expect(problems).toEqual([]);
  await context.close();
});

test('the menu of a phone opens, and colours can be chosen', async () => {
  const { page, context } = await openView(browser, site, { width: 360, height: 740 });
  await page.goto(site.url);
  const link = page.locator('.side a', { hasText: 'Command line' });
  expect(await link.isVisible()).toBe(false);
  await page.locator('.menu-button').click();
  expect(await link.isVisible()).toBe(true);
  expect(await axeFindings(page)).toEqual([]);
  await link.click();
  await page.waitForURL(/reference\/cli\.html/);
  const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await background();
  await page.locator('.theme-button').click();
  await page.locator('.theme-button').click();
  expect(await background()).not.toBe(light);
  await page.reload();
  expect(await background()).not.toBe(light);
  await context.close();
});

test('calls are found by name, number, group and decision, and the address says so', async () => {
  const { page, context, problems } = await openView(browser, site);
  await page.goto(`${site.url}reference/syscalls.html`);
  const names = () => page.locator('.call-name').allTextContents();
  await page.locator('.call-name').first().waitFor();
  expect((await names()).length).toBeLessThanOrEqual(40);
  await page.locator('#call-text').fill('io_uring');
  expect(await names()).toEqual(['io_uring_enter', 'io_uring_register', 'io_uring_setup']);
  expect(await page.locator('.badge').first().textContent()).toBe('refused');
  await page.reload();
  await page.locator('.call-name').first().waitFor();
  expect(await names()).toHaveLength(3);
  await page.locator('#call-arch').selectOption('aarch64');
  await page.locator('#call-text').fill('56');
  expect((await names())[0]).toBe('openat');
  expect(problems).toEqual([]);
  await context.close();
});
