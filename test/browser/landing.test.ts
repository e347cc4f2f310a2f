/** The first page: its weight, its pictures, and the recorded tour as it plays, pauses and stands still. */
import { readdirSync, readFileSync } from 'node:fs';
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

test('shows everything that was recorded, at once', async () => {
  const { page, context, problems } = await openView(browser, site);
  await page.goto(site.url);
  await button(page).waitFor();
  expect(await waiting(page)).toBe(0);
  expect(await button(page).textContent()).toBe('Play');
  const shown = await page.locator('#tour .tour-screen').textContent();
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

test('shows what was refused, changed and kept, and leads to the rest', async () => {
  const { page, context, problems } = await openView(browser, site);
  await page.goto(site.url);
  const captures = await page.locator('.captures pre').allTextContents();
  expect(captures).toHaveLength(3);
  expect(captures[0]).toContain('the network is off');
  expect(captures[1]).toContain('.git/hooks/post-checkout');
  expect(captures[2]).toContain('not applied automatically');
  for (const name of ['Docs', 'Playground', 'Comparison']) {
    await page.goto(site.url);
    await page.locator('.top').getByText(name, { exact: true }).click();
    expect(await page.locator('h1').textContent()).not.toMatch(/Run code/);
  }
  expect(problems).toEqual([]);
  await context.close();
});

test('the first page has the times that the results of the benchmarks have', async () => {
  const folder = new URL('../../bench/results/', import.meta.url);
  const day = readdirSync(folder)
    .filter((name) => /^\d{4}(-\d\d){2}$/.test(name))
    .sort()
    .at(-1);
  const { startup, situations } = JSON.parse(
    readFileSync(new URL(`${day}/results.json`, folder), 'utf8'),
  );
  const rows = [...startup, ...situations.rows] as { name: string; medianUs: number }[];
  const medianOf = (name: string) => rows.find((row) => row.name === name)?.medianUs ?? Number.NaN;
  const { page, context } = await openView(browser, site);
  await page.goto(site.url);
  const names = await page.locator('.bars tbody th').allTextContents();
  const shown = await page.locator('.bars .amount').allTextContents();
  const inResults = new Map([
    ['wasbox run, again', 'wasbox run, repeated'],
    ['wasbox run, new command line', 'first run of a command line'],
    [
      'wasbox run, new command line, built without the engine',
      'first run of a command line, without the engine',
    ],
  ]);
  const named = [...inResults.values(), 'bubblewrap', 'runc', 'firejail'];
  const measured = named.filter((name) => !Number.isNaN(medianOf(name)));
  expect(measured.length).toBeGreaterThan(3);
  expect(names.map((name) => inResults.get(name) ?? name).sort()).toEqual(measured.sort());
  const expected = names.map((name) => {
    const us = medianOf(inResults.get(name) ?? name);
    return us >= 1000 ? `${Number((us / 1000).toPrecision(2))} ms` : `${us} µs`;
  });
  expect(shown).toEqual(expected);
  await context.close();
});

test('plays, pauses and plays again', async () => {
  const { page, context, problems } = await openView(browser, site);
  await page.emulateMedia({ reducedMotion: 'no-preference' });
  // Time stands still but for what the test lets pass.
  await page.clock.install({ time: 0 });
  await page.clock.pauseAt(1000);
  await page.goto(site.url);
  await button(page).click();
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
  expect(await page.locator('#tour .t-command').allTextContents()).toEqual(
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
