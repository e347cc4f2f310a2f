/** The first page: its weight, and the recorded tour as it plays, pauses and stands still. */
import { readFileSync } from 'node:fs';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openView, type Site, serveSite, startBrowser, total, weighed } from './support.js';

interface Tour {
  readonly steps: readonly {
    readonly command: string;
    readonly output: readonly (readonly [number, string])[];
  }[];
}
const tour = JSON.parse(
  readFileSync(new URL('../../docs/landing/tour.json', import.meta.url), 'utf8'),
) as Tour;

let browser: Browser;
let site: Site;
beforeAll(async () => {
  [browser, site] = await Promise.all([startBrowser(), serveSite()]);
});
afterAll(async () => {
  await browser.close();
  await site.close();
});

const waiting = (page: Page) => page.locator('.t-line.t-waiting').count();
const button = (page: Page) => page.locator('.tour-play');

test('shows everything that was recorded, at once, to readers who prefer no motion', async () => {
  const { page, context, problems } = await openView(browser, site);
  await page.goto(site.url);
  await button(page).waitFor();
  expect(await waiting(page)).toBe(0);
  expect(await button(page).textContent()).toBe('Play again');
  const shown = await page.locator('.tour-screen').textContent();
  const sgr = new RegExp(`${String.fromCharCode(27)}\\[[\\d;]*m`, 'g');
  for (const { command, output } of tour.steps) {
    const text = output.map(([, said]) => said).join('');
    expect(shown).toContain(`$ ${command}\n${text.replace(sgr, '')}`);
  }
  const selected = await page.evaluate(() => {
    getSelection()?.selectAllChildren(document.querySelector('.tour-screen') ?? document.body);
    return getSelection()?.toString() ?? '';
  });
  expect(selected).toContain('Network is unreachable');
  expect(problems).toEqual([]);
  await context.close();
});

test('plays, pauses and plays again', async () => {
  const { page, context, problems } = await openView(browser, site);
  await page.emulateMedia({ reducedMotion: 'no-preference' });
  // Time stands still but for what the test lets pass.
  await page.clock.install({ time: 0 });
  await page.clock.pauseAt(1000);
  await page.goto(site.url);
  await button(page).waitFor();
  expect(await button(page).textContent()).toBe('Pause');
  const all = await page.locator('.t-line').count();
  expect(await waiting(page)).toBe(all);
  await page.clock.runFor(4000);
  const then = await waiting(page);
  expect(then).toBeLessThan(all);
  expect(then).toBeGreaterThan(0);
  await button(page).click();
  expect(await button(page).textContent()).toBe('Play');
  await page.clock.runFor(60_000);
  expect(await waiting(page)).toBe(then);
  await button(page).click();
  await page.clock.runFor(60_000);
  expect(await waiting(page)).toBe(0);
  expect(await button(page).textContent()).toBe('Play again');
  expect(await page.locator('.t-command').allTextContents()).toEqual(
    tour.steps.map(({ command }) => command),
  );
  await button(page).click();
  expect(await waiting(page)).toBe(all);
  expect(problems).toEqual([]);
  await context.close();
});

test('weighs less than 200 KB without compression', async () => {
  const { page, context } = await openView(browser, site);
  const sizes = weighed(context, ({ length }) => length);
  await page.goto(site.url, { waitUntil: 'networkidle' });
  const bytes = total(await sizes());
  expect(bytes).toBeGreaterThan(10_000);
  expect(bytes).toBeLessThan(200_000);
  await context.close();
});
