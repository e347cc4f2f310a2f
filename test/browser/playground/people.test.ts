/** The playground for everybody: by keyboard alone, narrow, read aloud, light and dark, offline. */
import { gzipSync } from 'node:zlib';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  axeFindings,
  openView,
  overflow,
  type Site,
  serveSite,
  startBrowser,
  total,
  weighed,
} from '../support.js';
import { actionOf, openPlayground, settled } from './support.js';

let browser: Browser;
let site: Site;
beforeAll(async () => {
  [browser, site] = await Promise.all([startBrowser(), serveSite()]);
});
afterAll(async () => {
  await browser.close();
  await site.close();
});

const panes = ['decisions', 'tree', 'listing', 'trace', 'save'];

/** Presses Tab until the element has the focus. */
async function tabTo(page: Page, selector: string): Promise<void> {
  for (let presses = 0; presses < 60; presses++) {
    await page.keyboard.press('Tab');
    if (await page.evaluate((wanted) => document.activeElement?.matches(wanted), selector)) return;
  }
  throw new Error(`Tab does not reach ${selector}`);
}

test('a keyboard alone does everything', async () => {
  const { page, context, problems } = await openPlayground(browser, site);
  await tabTo(page, '#example');
  await tabTo(page, '.cm-content');
  await page.keyboard.press('Control+a');
  await page.keyboard.insertText('target x86_64\ndefault errno(EPERM)\nkill soket\n');
  await page.keyboard.press('Escape');
  await settled(page);
  // Out of the editor with Tab, to the problem and its suggestion.
  await tabTo(page, '#problems .small');
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => document.querySelector<HTMLElement>('#problems')?.hidden);
  await page.keyboard.press('Control+Enter');
  expect(await page.evaluate(() => document.activeElement?.id)).toBe('call');
  await page.keyboard.insertText('socket');
  expect(await actionOf(page)).toBe('kill_process');
  await tabTo(page, '#argument-0');
  await tabTo(page, '#verdict .why button');
  await tabTo(page, '#tab-decisions');
  for (const pane of [...panes.slice(1), 'decisions']) {
    await page.keyboard.press('ArrowRight');
    expect(await page.evaluate(() => document.activeElement?.id)).toBe(`tab-${pane}`);
    expect(await page.isVisible(`#pane-${pane}`)).toBe(true);
  }
  await page.keyboard.press('ArrowRight');
  await tabTo(page, '#tree');
  const width = () => page.evaluate(() => document.querySelector('.tree')?.clientWidth ?? 0);
  const before = await width();
  await page.keyboard.press('+');
  expect(await width()).toBeGreaterThan(before);
  expect(problems).toEqual([]);
  await context.close();
});

describe.each(['light', 'dark'] as const)('in %s', (colorScheme) => {
  test('no view has a serious finding, nor is wider than a phone', async () => {
    const { page, context, problems } = await openPlayground(browser, site, {
      colorScheme,
      width: 360,
      height: 740,
    });
    for (const pane of panes) {
      await page.click(`#tab-${pane}`);
      if (pane === 'trace') {
        await page.click('#log-sample');
        await page.waitForSelector('.traced');
      }
      expect([pane, await overflow(page)]).toEqual([pane, 0]);
      expect([pane, await axeFindings(page)]).toEqual([pane, []]);
    }
    await page.selectOption('#example', 'errors');
    await page.waitForSelector('#problems:not([hidden])');
    expect(await axeFindings(page)).toEqual([]);
    await page.click('#import');
    expect(await overflow(page)).toBe(0);
    expect(await axeFindings(page)).toEqual([]);
    const form = await page.evaluate(() => {
      const { scrollWidth, clientWidth } = document.querySelector('dialog') ?? document.body;
      return scrollWidth - clientWidth;
    });
    expect(form).toBe(0);
    expect(problems).toEqual([]);
    await context.close();
  });
});

test('the verdict is announced, and the page says that nothing is enforced', async () => {
  const { page, context } = await openPlayground(browser, site);
  expect(await page.getAttribute('#verdict', 'aria-live')).toBe('polite');
  expect(await page.getAttribute('#verdict', 'role')).toBe('status');
  expect(await page.textContent('.dry')).toBe('dry run: nothing is enforced here');
  await context.close();
});

test('the first view takes at most 300 KB, compressed', async () => {
  const { page, context } = await openView(browser, site);
  const sizes = weighed(context, (body) => gzipSync(body).length);
  await page.goto(`${site.url}playground/index.html`);
  await page.waitForSelector('#verdict .action');
  await page.waitForSelector('#decisions .badge');
  const once = new Map((await sizes()).map((one) => [one.path, one]));
  const names = [...once.keys()].map((path) => path.replace(/.*\//, ''));
  expect(names).toEqual(expect.arrayContaining(['playground.js', 'worker.js', 'wasbox-core.wasm']));
  const bytes = total([...once.values()]);
  expect(bytes).toBeGreaterThan(100_000);
  expect(bytes).toBeLessThanOrEqual(300 * 1024);
  await context.close();
});

test('the playground works without the server after one visit', async () => {
  const { page, context } = await openPlayground(browser, site, { serviceWorkers: true });
  await page.evaluate(async () => {
    await navigator.serviceWorker.ready;
  });
  site.refuse = () => true;
  try {
    await page.reload();
    await page.waitForSelector('#verdict .action');
    expect(await actionOf(page)).toBe('errno(EAFNOSUPPORT)');
  } finally {
    site.refuse = () => false;
  }
  await context.close();
});
