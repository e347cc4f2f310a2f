/** The tests of the playground share this: opening it, writing a policy, reading the answers. */
import type { Browser, Page } from 'playwright-core';
import { openView, type Site, type View, type ViewOptions } from '../support.js';

export interface Playground extends View {
  /** The verdict in large letters. */
  action(): Promise<string>;
}

/** Waits until the page shows a verdict for what it holds now, which it tells with aria-busy. */
export async function settled(page: Page): Promise<void> {
  await page.waitForFunction(
    () =>
      document.querySelector('#verdict:not([aria-busy]) > *') !== null &&
      !/Loading|Compiling/.test(document.querySelector('#state-text')?.textContent ?? ''),
  );
}

/** Opens the playground; `hash` is the part of its address behind the path. */
export async function openPlayground(
  browser: Browser,
  site: Site,
  options: ViewOptions & { readonly hash?: string } = {},
): Promise<Playground> {
  const view = await openView(browser, site, options);
  await view.page.goto(`${site.url}playground/index.html${options.hash ?? ''}`);
  await settled(view.page);
  return { ...view, action: () => actionOf(view.page) };
}

/** The verdict in large letters; empty where there is none. */
export async function actionOf(page: Page): Promise<string> {
  await settled(page);
  return page.evaluate(() => document.querySelector('#verdict .action')?.textContent ?? '');
}

/** Types a policy in the place of the one that is there, without what an editor adds by itself. */
export async function writePolicy(page: Page, text: string): Promise<void> {
  await page.locator('.cm-content').focus();
  await page.keyboard.press('Control+a');
  await page.keyboard.insertText(text);
  await page.keyboard.press('Escape');
  // Only lines in view are in the page.
  await page.keyboard.press('Control+Home');
  await page.waitForFunction(
    (first) => document.querySelector('.cm-content')?.textContent?.startsWith(first),
    text.split('\n')[0] ?? '',
  );
  await settled(page);
}

/** Pastes a policy in the place of the one that is there, for texts of any length. */
export async function pastePolicy(page: Page, text: string): Promise<void> {
  await page.locator('.cm-content').focus();
  await page.keyboard.press('Control+a');
  await page.evaluate((pasted) => {
    const clipboardData = new DataTransfer();
    clipboardData.setData('text/plain', pasted);
    const event = new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true });
    document.querySelector('.cm-content')?.dispatchEvent(event);
  }, text);
  await settled(page);
}

/** Fills in the call to try. */
export async function tryCall(page: Page, name: string, ...args: string[]): Promise<void> {
  await page.fill('#call', name);
  for (const [i, value] of args.entries()) await page.fill(`#argument-${i}`, value);
  await settled(page);
}
