/** The page of a run's report, as a browser shows it: nothing loaded, no error, texts stay text. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ordinaryUser } from '../support/identity.js';
import { makeProject } from '../support/project.js';
import { runWasbox } from '../support/wasbox.js';
import { axeFindings, overflow, startBrowser } from './support.js';

/** Markup for file names, arguments and what the program is called. */
const markup = '<script>document.title = "taken"<b onload=x()>';
const deeds = `
import os, socket, subprocess, sys
for name in (sys.argv[1], 'plain'):
    open(name.replace('/', '_'), 'w').write('x')
open('notes.txt', 'a').write('<b onload=x()>one more' + 400 * '.' + '\\n')
socket.socket().connect_ex(('93.184.216.34', 443))
subprocess.run(['unshare', '-U', 'true'])
subprocess.run(['sh', '-c', 'exit 3', sys.argv[1]])
`;

let browser: Browser;
let page: Page;
let file: string;
const requests: string[] = [];
const problems: string[] = [];

beforeAll(async () => {
  const as = ordinaryUser();
  const cwd = makeProject(as, { 'deeds.py': deeds, 'notes.txt': 'one\ntwo\n' });
  file = join(cwd, '../report.html');
  const args = ['run', '-q', '--audit', '--html', file, 'deeds.py', markup];
  const run = await runWasbox(args, { as, cwd });
  expect(run.status, run.err).toBe(0);
  browser = await startBrowser();
  const context = await browser.newContext({ offline: true });
  page = await context.newPage();
  page.on('request', (request) => requests.push(request.url()));
  page.on('console', (message) => problems.push(`console: ${message.text()}`));
  page.on('pageerror', (error) => problems.push(`exception: ${error.message}`));
  await page.goto(`file://${file}`);
});
afterAll(() => browser.close());

test('a report makes no request but for itself, and no error', () => {
  expect(requests).toEqual([`file://${file}`]);
  expect(problems).toEqual([]);
});

test('shows what a program chose as text', async () => {
  expect(readFileSync(file, 'utf8')).not.toMatch(/<script|<b onload/);
  expect(await page.locator('script, b[onload]').count()).toBe(0);
  expect(await page.title()).not.toBe('taken');
  await page.evaluate(
    "document.querySelectorAll('details').forEach((one) => { one.open = true; })",
  );
  expect(await page.locator('body').textContent()).toContain('<script>document.title');
});

test('begins with what was blocked, then the changes and their differences', async () => {
  const heads = (await page.locator('h2').allTextContents()).map((text) => text.split(' ')[0]);
  expect(heads.slice(0, 2)).toEqual(['Blocked', 'Changes']);
  // The number of blocked calls stands before how the program ended, which is then no good news.
  const badges = page.locator('header .badge');
  expect(await badges.first().textContent()).toMatch(/^\d+ blocked$/);
  expect(await badges.filter({ hasText: 'exited 0' }).getAttribute('class')).not.toContain('good');
  const notes = page.locator('.file', { has: page.locator('summary', { hasText: 'notes.txt' }) });
  expect(await notes.locator('.add').allTextContents()).toEqual([
    `+<b onload=x()>one more${'.'.repeat(400)}\n`,
  ]);
  expect(await notes.locator('.same').allTextContents()).toEqual([' one\n', ' two\n']);
  expect(await notes.locator('summary').textContent()).toContain('+1');
});

test('selects a command or an option whole with one click, without a script', async () => {
  const selected = () => page.evaluate(() => getSelection()?.toString());
  await page.locator('.pick', { hasText: 'wasbox apply' }).click();
  expect(await selected()).toMatch(/^wasbox apply \w+$/);
  await page.locator('.pick', { hasText: '--net' }).click();
  expect(await selected()).toBe('--net 93.184.216.34:443');
});

test('prints what is folded, and dark on light', async () => {
  const folded = page.locator('.file:not([open]) .diff');
  await page.evaluate(() => {
    for (const one of document.querySelectorAll('.file')) one.removeAttribute('open');
  });
  await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
  expect(await folded.count()).toBeGreaterThanOrEqual(3);
  const visible = () =>
    folded.evaluateAll((all) => all.filter((one) => one.checkVisibility()).length);
  expect(await visible()).toBe(await folded.count());
  const colour = await page.evaluate(() => getComputedStyle(document.body).color);
  expect(colour).toBe('rgb(26, 29, 35)');
  await page.emulateMedia({ media: 'screen', colorScheme: 'light' });
  // The control: on the screen they stay folded.
  expect(await visible()).toBe(0);
  await page.evaluate(() => {
    for (const one of document.querySelectorAll('.file')) one.setAttribute('open', '');
  });
});

test('the page says why an address was not reached', async () => {
  const row = page.locator('tr', { hasText: '93.184.216.34:443' }).filter({ hasText: 'connect' });
  expect(await row.last().textContent()).toMatch(/connect.*the network is off/s);
});

test('forbids scripts, were one ever to get in', async () => {
  await page.evaluate(
    "document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"document.title = 1\">')",
  );
  // The page's own policy is what refuses the picture and its handler.
  await expect
    .poll(() => problems.some((text) => text.includes('Content Security Policy')))
    .toBe(true);
  expect(await page.title()).not.toBe('1');
  await page.evaluate("document.querySelectorAll('img').forEach((one) => one.remove())");
});

test('the page has all parts, and can be read by everybody', async () => {
  const heads = (await page.locator('h2').allInnerTexts()).map((text) => text.split('\n')[0]);
  for (const part of ['Blocked', 'Timeline', 'Processes', 'Files', 'Network', 'System calls']) {
    expect(
      heads.some((head) => head?.startsWith(part)),
      part,
    ).toBe(true);
  }
  expect(await page.locator('svg .bar').count()).toBeGreaterThanOrEqual(3);
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    expect(await axeFindings(page), colorScheme).toEqual([]);
  }
  await page.setViewportSize({ width: 360, height: 740 });
  expect(await overflow(page), 'pixels too wide for a phone').toBe(0);
  expect(await axeFindings(page), 'phone').toEqual([]);
});

test('the page of a small run fits one screen, and says that nothing was blocked', async () => {
  const as = ordinaryUser();
  const cwd = makeProject(as, {});
  const small = join(cwd, '../small.html');
  const args = ['run', '-q', '--audit', '--html', small, '-c', 'echo x > new'];
  const run = await runWasbox(args, { as, cwd });
  expect(run.status, run.err).toBe(0);
  const view = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  await view.goto(`file://${small}`);
  expect(await view.locator('header .badge.good').allTextContents()).toEqual([
    'exited 0',
    'nothing blocked',
  ]);
  expect(await view.evaluate(() => document.documentElement.scrollHeight)).toBeLessThanOrEqual(900);
  await view.close();
});

test('the page of an applied run lists the paths', async () => {
  const as = ordinaryUser();
  const cwd = makeProject(as, {});
  const applied = join(cwd, '../applied.html');
  const run = await runWasbox(['run', '-q', '--apply', '--html', applied, '-c', 'echo x > new'], {
    as,
    cwd,
  });
  expect(run.status, run.err).toBe(0);
  const text = readFileSync(applied, 'utf8');
  expect(text).toContain('applied to your files');
  expect(text).toContain('<td><code>new</code></td>');
  expect(text).not.toContain('wasbox apply');
});
