/** Tests that what the playground shows is in its address; a broken address changes nothing. */
import { deflateRawSync } from 'node:zlib';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Site, serveSite, startBrowser } from '../support.js';
import { openPlayground, type Playground, pastePolicy, tryCall, writePolicy } from './support.js';

let browser: Browser;
let site: Site;
let view: Playground;
beforeAll(async () => {
  [browser, site] = await Promise.all([startBrowser(), serveSite()]);
  view = await openPlayground(browser, site);
});
afterAll(async () => {
  await browser.close();
  await site.close();
});

const pack = (value: string | Buffer) => `#1.${deflateRawSync(value).toString('base64url')}`;
const policy = 'target x86_64, s390x\ndefault allow\nerrno(EROFS) mkdir where mode & 0o7000\n';

describe('a link', () => {
  test('restores policy, call, architectures and view', async () => {
    const first = await openPlayground(browser, site);
    const { page } = first;
    await writePolicy(page, policy.replace(', s390x', ', aarch64'));
    await page.selectOption('#arch', 's390x');
    await tryCall(page, 'mkdir', '0', '0o4755');
    await page.click('#tab-listing');
    expect(await first.action()).toBe('errno(EROFS)');
    // The address follows by itself a moment later, and at once for who wants to copy it.
    await page.waitForFunction(() => location.hash.length > 20);
    await page.click('#share');
    await page.waitForFunction(() =>
      document.querySelector('#note')?.textContent?.match(/^Link copied|clipboard/),
    );
    const hash = await page.evaluate(() => location.hash);
    await first.context.close();

    const second = await openPlayground(browser, site, { hash });
    expect(await second.action()).toBe('errno(EROFS)');
    expect(await second.page.textContent('.cm-content')).toContain('mkdir where mode & 0o7000');
    expect(await second.page.inputValue('#arch')).toBe('s390x');
    expect(await second.page.inputValue('#on')).toBe('s390x');
    expect(await second.page.inputValue('#argument-1')).toBe('0o4755');
    expect(await second.page.getAttribute('#tab-listing', 'aria-selected')).toBe('true');
    expect(second.problems).toEqual([]);
    await second.context.close();
  });

  const shown = JSON.stringify({ text: policy, call: 'mkdir', args: [], pane: '' });
  test.each([
    ['cut off', pack(shown).slice(0, 40), 'part of it is missing'],
    ['of other characters', '#1.%3Cscript%3E', 'invalid characters'],
    ['of something else', '#example', 'not made by this playground'],
    ['without a policy', pack('{"call":"read"}'), 'contains no policy'],
    ['that unpacks without end', pack(Buffer.alloc(8 << 20, 32)), 'too large for a policy'],
    ['too long', `#1.${'A'.repeat(40_000)}`, 'it is too long'],
  ])('%s says so and changes nothing', async (_, hash, words) => {
    const { page } = view;
    const before = await page.textContent('.cm-content');
    await page.evaluate((part) => {
      location.hash = part;
    }, hash);
    await page.waitForFunction(
      (said) => document.querySelector('#note')?.textContent?.includes(said),
      words,
    );
    expect(await page.textContent('#note')).toContain('Nothing was changed.');
    expect(await page.textContent('.cm-content')).toBe(before);
    expect(view.problems).toEqual([]);
  });

  test('shows an example if it is broken from the start', async () => {
    const { page, context, action } = await openPlayground(browser, site, { hash: '#1.AAAA' });
    expect(await page.textContent('#note')).toContain('Showing an example instead.');
    expect(await action()).toBe('errno(EAFNOSUPPORT)');
    await context.close();
  });

  test('runs nothing: markup stays text', async () => {
    const text = `# <img src=x onerror="document.title='taken'">\ndefault allow\n`;
    const state = { text, call: '<b>x</b>', args: ['"><i>'], arch: '<s>', on: 'x', pane: '<u>' };
    const hash = pack(JSON.stringify(state));
    const { page, context, problems } = await openPlayground(browser, site, { hash });
    expect(await page.title()).not.toBe('taken');
    expect(await page.locator('article :is(img, b, i, s, u)').count()).toBe(0);
    expect(await page.textContent('#verdict')).toContain('no system call <b>x</b>');
    expect(problems).toEqual([]);
    await context.close();
  });

  test('is refused for a policy that is too long for one', async () => {
    const { page, context } = await openPlayground(browser, site);
    const noise = Array.from({ length: 5000 }, (_, i) => `# ${Math.imul(i + 1, 0x9e3779b1) >>> 0}`);
    await pastePolicy(page, `default allow\n${noise.join('\n')}\n`);
    await page.click('#share');
    await page.waitForFunction(() => document.querySelector('#note')?.textContent);
    expect(await page.textContent('#note')).toContain('too long for a link');
    expect(await page.evaluate(() => location.hash)).toBe('');
    await context.close();
  });
});
