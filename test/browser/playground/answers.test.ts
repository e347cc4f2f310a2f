/** The playground's answers: verdicts while one types, errors with their place, cancelling. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openView, type Site, serveSite, startBrowser } from '../support.js';
import { actionOf, openPlayground, type Playground, tryCall, writePolicy } from './support.js';

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

const core = new URL('../../../dist/wasbox-core.wasm', import.meta.url);

/** The core takes on no more than this: anything beyond it gives up by itself. */
const entangled = `target x86_64
default errno(EPERM)
${Array.from({ length: 10 }, (_, i) => `allow ioctl where fd & ${1 << i} and request & ${2 << i} and arg as u64 & ${4 << i}`).join('\n')}
`;

/**
 * Makes the core's worker do nothing else for `milliseconds` once it gets its next question; the page
 * may end it. In place when this resolves.
 */
async function slowDown({ page }: Pick<Playground, 'page'>, milliseconds = 20_000): Promise<void> {
  const held = page.workers().map((worker) =>
    worker.evaluate((most) => {
      const hold = () => {
        const end = Date.now() + most;
        while (Date.now() < end);
      };
      // A capturing listener runs before the worker's own.
      self.addEventListener('message', hold, { capture: true, once: true });
    }, milliseconds),
  );
  // A worker that the page has just ended may still be listed.
  await Promise.any(held);
}

describe('a verdict', () => {
  test('follows what is typed, names the line and marks it', async () => {
    const { page } = view;
    await writePolicy(page, 'target x86_64\ndefault errno(EPERM)\nallow socket\n');
    await tryCall(page, 'socket', 'AF_INET');
    expect(await view.action()).toBe('allow');
    expect(await page.textContent('#verdict .why')).toBe('Line 3: allow socket');
    expect(await page.textContent('.cm-line.deciding')).toBe('allow socket');

    await writePolicy(page, 'target x86_64\ndefault errno(EPERM)\nallow read\nkill socket\n');
    expect(await view.action()).toBe('kill_process');
    expect(await page.textContent('.cm-line.deciding')).toBe('kill socket');

    await writePolicy(page, 'target x86_64\ndefault errno(EACCES)\nallow read\n');
    expect(await view.action()).toBe('errno(EACCES)');
    expect(await page.locator('.cm-line.deciding').count()).toBe(0);
  });

  test('follows the call, its arguments and the architecture', async () => {
    const { page } = view;
    const text = 'target x86_64, aarch64\ndefault allow\ndeny socket where domain == AF_PACKET\n';
    await writePolicy(page, text);
    await tryCall(page, 'socket', 'AF_PACKET');
    expect(await view.action()).toBe('errno(EPERM)');
    await tryCall(page, 'socket', '2');
    expect(await view.action()).toBe('allow');
    await page.selectOption('#on', 'riscv64');
    expect(await view.action()).toBe('kill_process');
    await page.selectOption('#on', 'x86_64');
    await tryCall(page, 'socket', 'AF_NONSENSE');
    expect(await page.textContent('#verdict')).toContain(
      'AF_NONSENSE is not a number or a constant',
    );
    await tryCall(page, 'sockt');
    expect(await page.textContent('#verdict')).toContain('x86_64 has no system call sockt');
    await tryCall(page, '41', 'AF_PACKET');
    expect(await view.action()).toBe('errno(EPERM)');
  });

  test('is never that of an earlier text or call', async () => {
    const { page } = view;
    await writePolicy(
      page,
      'target x86_64\ndefault allow\nerrno(EROFS) mkdir where mode & 0o7000\n',
    );
    await tryCall(page, 'mkdir', '0', '0');
    expect(await view.action()).toBe('allow');
    // Each change comes while the core still answers the one before it.
    for (const change of [
      () => page.selectOption('#arch', 's390x'),
      () => page.fill('#argument-1', '0o4755'),
      () => page.selectOption('#arch', 'i386'),
    ]) {
      await slowDown(view, 400);
      await change();
    }
    expect(await view.action()).toBe('errno(EROFS)');
    expect(await page.textContent('#verdict .cost')).toContain('on i386');
    await page.selectOption('#arch', '');
  });

  test('survives names that arrive while an argument is typed', async () => {
    const { page, context } = await openPlayground(browser, site);
    await writePolicy(
      page,
      'target x86_64\ndefault allow\nerrno(EROFS) mkdir where mode & 0o7000\n',
    );
    await tryCall(page, 'mkdir', '0');
    await page.focus('#argument-1');
    const field = await page.$('#argument-1');
    await page.evaluate(() => {
      const select = document.querySelector<HTMLSelectElement>('#arch');
      if (select === null) return;
      select.value = 's390x';
      select.dispatchEvent(new Event('change'));
    });
    // The names of s390x build the fields anew.
    await page.waitForFunction((old) => old?.isConnected === false, field);
    await page.keyboard.insertText('0o4755');
    expect(await page.inputValue('#argument-1')).toBe('0o4755');
    expect(await actionOf(page)).toBe('errno(EROFS)');
    await context.close();
  });

  test('lights its way through the tree and the instructions', async () => {
    const { page } = view;
    await writePolicy(
      page,
      'target x86_64\ndefault allow\ndeny socket where domain == AF_PACKET\n',
    );
    await tryCall(page, 'socket', 'AF_PACKET');
    await page.click('#tab-tree');
    await page.waitForSelector('.tree .outcome.taken');
    expect(await page.textContent('.tree .outcome.taken text')).toBe('errno(EPERM)');
    expect(await page.locator('.tree .outcome.taken').count()).toBe(1);
    await page.click('#tab-listing');
    const ran = await page.locator('.insn.ran .asm').allTextContents();
    expect(ran.at(-1)).toBe('return errno(EPERM)');
    expect(await page.textContent('#verdict .cost')).toContain(`${ran.length} instructions ran`);
    await page.click('#tab-decisions');
    await page.fill('#decisions-find', 'socket errno');
    await page.waitForFunction(() => document.querySelectorAll('#decisions .row').length === 2);
    expect(await page.textContent('#decisions .why >> nth=1')).toContain('domain == AF_PACKET');
    await page.fill('#decisions-find', '');
  });
});

describe('a broken policy', () => {
  test('shows line, column and suggestion, and takes the suggestion', async () => {
    const { page } = view;
    await writePolicy(page, 'target x86_64\ndefault errno(EPERM)\nallow read wriet\n');
    expect(await page.textContent('#problems .place')).toBe('3:12');
    expect(await page.textContent('#problems')).toContain('unknown system call `wriet`');
    expect(await page.textContent('#problems')).toContain('Did you mean `write`?');
    expect(await page.textContent('.cm-lintRange-error')).toBe('wriet');
    expect(await page.textContent('#state-text')).toBe('1 error: no filter');
    expect(await page.textContent('#verdict')).toContain('No verdict');
    await page.click('#problems .small');
    await page.waitForFunction(() => document.querySelector<HTMLElement>('#problems')?.hidden);
    expect(await page.textContent('.cm-content')).toContain('allow read write');
    await tryCall(page, 'write');
    expect(await view.action()).toBe('allow');
  });

  test('completes what may come next', async () => {
    const { page } = view;
    await writePolicy(page, 'target x86_64\ndefault errno(EPERM)\n');
    const offered = async (typed: string) => {
      await page.keyboard.insertText(typed);
      await page.keyboard.press('Control+ ');
      await page.waitForSelector('.cm-tooltip-autocomplete');
      const found = await page.locator('.cm-completionLabel').allTextContents();
      await page.keyboard.press('Escape');
      return found;
    };
    await page.keyboard.press('Control+End');
    expect((await offered('allow socke')).slice(0, 2)).toEqual(['socket', 'socketpair']);
    expect(await offered('t where ')).toEqual(['domain', 'type', 'protocol'].sort());
    expect(await offered('domain == AF_INE')).toEqual(['AF_INET', 'AF_INET6']);
    expect(await offered('T\nallow @network')).toEqual(['@network', '@network-io']);
  });
});

test('an action is coloured as one, and a call of the same name as a call', async () => {
  const { page } = view;
  await writePolicy(
    page,
    'target x86_64\ndefault kill  unknown errno(ENOSYS)\nallow kill\nkill kill\n',
  );
  const colours = await page.evaluate(() =>
    [...document.querySelectorAll('.cm-line [class^=tok-]')].map(
      ({ className, textContent }) => `${textContent}:${className.replace('tok-', '')}`,
    ),
  );
  expect(colours).toEqual([
    ...['target:keyword', 'x86_64:arch', 'default:keyword', 'kill:kill', 'unknown:keyword'],
    ...['errno:refuse', 'ENOSYS:constant', 'allow:pass', 'kill:name', 'kill:kill', 'kill:name'],
  ]);
});

describe('the core', () => {
  test('can be stopped, and works again at once', async () => {
    const { page } = view;
    await page.locator('.cm-content').focus();
    await page.keyboard.press('Control+a');
    await slowDown(view);
    await page.keyboard.insertText(entangled);
    await page.waitForSelector('#cancel:not([hidden])');
    expect(await page.textContent('#state-text')).toBe('Compiling…');
    await page.click('#cancel');
    await page.waitForFunction(() =>
      document.querySelector('#state-text')?.textContent?.startsWith('Cancelled'),
    );
    expect(await page.textContent('#cancel')).toBe('Compile again');
    await writePolicy(page, 'target x86_64\ndefault allow\n');
    expect(await view.action()).toBe('allow');
  });

  test('leaves a long compilation for a newer text', async () => {
    const { page } = view;
    await page.locator('.cm-content').focus();
    await page.keyboard.press('Control+a');
    await slowDown(view);
    await page.keyboard.insertText(entangled);
    await page.waitForSelector('#cancel:not([hidden])');
    // Longer than the page waits before it takes newer text for a reason to give up.
    await page.waitForTimeout(1100);
    await writePolicy(page, 'target x86_64\ndefault errno(EROFS)\n');
    expect(await view.action()).toBe('errno(EROFS)');
  });

  test('is the file of the package', async () => {
    const hash = createHash('sha256').update(readFileSync(core)).digest('hex');
    expect(await view.page.textContent('#sha256')).toBe(hash);
    const served = await view.page.request.get(`${site.url}playground/wasbox-core.wasm`);
    expect((await served.body()).equals(readFileSync(core))).toBe(true);
  });

  test('is fetched again, and reported, if it cannot be fetched', async () => {
    site.refuse = (path) => path.endsWith('.wasm');
    const { page, context } = await openView(browser, site);
    await page.goto(`${site.url}playground/index.html`);
    await page.waitForSelector('#failure:not([hidden])');
    const said = await page.textContent('#failure');
    expect(said).toContain('wasbox-core.wasm, cannot be loaded: the server says 404');
    expect(await page.textContent('#verdict')).toContain('the policy core is not loaded');
    site.refuse = () => false;
    await page.click('#failure button');
    await page.waitForSelector('#verdict .action');
    expect(await page.isHidden('#failure')).toBe(true);
    await context.close();
  });
});

test('nothing went wrong on the way', () => {
  expect(view.problems).toEqual([]);
});
