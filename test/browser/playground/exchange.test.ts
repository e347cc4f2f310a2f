/** Tests what goes into the playground and comes out: logs, profiles, files. Node's results are the oracle. */
import { readFileSync } from 'node:fs';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  compilePolicy,
  exportPolicy,
  formatCHeader,
  importPolicy,
  init,
  replay,
} from '../../../src/policy.js';
import { type Site, serveSite, startBrowser } from '../support.js';
import { openPlayground, type Playground, settled, writePolicy } from './support.js';

let browser: Browser;
let site: Site;
let view: Playground;
beforeAll(async () => {
  [browser, site] = await Promise.all([startBrowser(), serveSite(), init()]);
  view = await openPlayground(browser, site);
});
afterAll(async () => {
  await browser.close();
  await site.close();
});

const text = `target x86_64, i386, x32
default errno(EPERM)
unknown errno(EPERM)
allow read write exit_group
allow socket where domain in [AF_UNIX, AF_INET]
kill ptrace
`;
const source = { name: 'policy', text };

async function downloaded(page: Page, button: string): Promise<{ name: string; bytes: Buffer }> {
  const [download] = await Promise.all([page.waitForEvent('download'), page.click(button)]);
  return { name: download.suggestedFilename(), bytes: readFileSync(await download.path()) };
}

describe('downloads', () => {
  test('are what Node makes of the same policy', async () => {
    const { page } = view;
    await writePolicy(page, text);
    await page.click('#tab-save');
    const compiled = compilePolicy(source);
    const filter = await downloaded(page, '#save-bpf');
    expect(filter.name).toBe('policy.x86_64+i386+x32.bpf');
    expect(filter.bytes.equals(compiled.bpf)).toBe(true);
    const header = await downloaded(page, '#save-header');
    expect(header.bytes.toString()).toBe(formatCHeader(compiled, 'policy'));
    const profile = await downloaded(page, '#save-oci');
    expect(profile.bytes.toString()).toBe(exportPolicy(source, { to: 'oci' }).text);
    expect((await downloaded(page, '#save-policy')).bytes.toString()).toBe(text);
    await page.click('#show-oci');
    await page.waitForSelector('#oci:not([hidden])');
    expect(JSON.parse(await page.inputValue('#oci')).defaultAction).toBe('SCMP_ACT_ERRNO');
  });

  test('are not offered without a filter, and an export says what it cannot express', async () => {
    const { page } = view;
    await writePolicy(page, 'default allow\nallow nonsense\n');
    expect(await page.isDisabled('#save-bpf')).toBe(true);
    await writePolicy(page, 'target x86_64, aarch64\ndefault allow\ndeny read on aarch64\n');
    await page.click('#save-oci');
    await page.waitForFunction(() => document.querySelector('#save-notes')?.textContent);
    expect(await page.textContent('#save-notes')).toContain('an OCI profile cannot express');
  });
});

describe('an import', () => {
  const profile = JSON.stringify({
    defaultAction: 'SCMP_ACT_ERRNO',
    architectures: ['SCMP_ARCH_X86_64'],
    syscalls: [
      { names: ['read', 'nonsense'], action: 'SCMP_ACT_ALLOW' },
      { names: ['mount'], action: 'SCMP_ACT_ALLOW', includes: { caps: ['CAP_SYS_ADMIN'] } },
    ],
  });
  const open = async (content: string, caps: string) => {
    const { page } = view;
    await page.click('#import');
    await page.fill('#import-text', content);
    await page.fill('#import-caps', caps);
    await page.click('#import-form button.main');
  };

  test('becomes the policy, with what was left out', async () => {
    const { page } = view;
    await open(profile, 'CAP_SYS_ADMIN');
    await page.waitForFunction(() => !document.querySelector<HTMLDialogElement>('dialog')?.open);
    await settled(page);
    const own = importPolicy(profile, { from: 'oci', capabilities: ['CAP_SYS_ADMIN'] });
    await page.click('#tab-save');
    const { bytes } = await downloaded(page, '#save-policy');
    expect(bytes.toString()).toBe(own.text);
    expect(own.text).toContain('mount');
    expect(await page.textContent('#note')).toContain('left out: unknown system call `nonsense`');
  });

  test('says where it is none, and keeps the policy', async () => {
    const { page } = view;
    const before = await page.textContent('.cm-content');
    await open('{\n  "defaultAction": "SCMP_ACT_ALOW"\n}', '');
    await page.waitForFunction(() => document.querySelector('#import-problem')?.textContent);
    const said = await page.textContent('#import-problem');
    expect(said).toContain('Line 2, column 20: unknown action');
    expect(said).toContain('Actions start with SCMP_ACT_.');
    await page.keyboard.press('Escape');
    expect(await page.textContent('.cm-content')).toBe(before);
  });
});

describe('a log', () => {
  const log = `7 read(3, "x", 4096) = 1
7 socket(AF_PACKET, SOCK_RAW, 0) = -1 EPERM
7 ptrace(PTRACE_ATTACH, 1) = -1 EPERM
7 frobnicate(1) = 0
`;

  test('is judged as Node judges it', async () => {
    const { page } = view;
    await writePolicy(page, text);
    await page.click('#tab-trace');
    await page.fill('#log', log);
    await page.click('#replay');
    await page.waitForSelector('.traced');
    const own = replay(source, log);
    expect(await page.locator('.traced .badge').allTextContents()).toEqual(
      own.stopped.map(({ actionText }) => actionText),
    );
    expect(own.stopped.map(({ actionText }) => actionText)).toEqual([
      'errno(EPERM)',
      'kill_process',
    ]);
    expect(await page.textContent('#suggested-rules')).toBe(
      own.groups.map(({ suggestion }) => `${suggestion}\n`).join(''),
    );
    expect(await page.isHidden('#suggested')).toBe(false);
    const sum = await page.textContent('#replay-sum');
    expect(sum).toBe('3 calls on x86_64: 1 allowed, 2 not. Not on x86_64: frobnicate.');
  });

  test('does not stay where the policy is another', async () => {
    const { page } = view;
    await writePolicy(page, text.replace('kill ptrace', 'allow ptrace'));
    expect(await page.isHidden('#replayed')).toBe(true);
    expect(await page.isHidden('#suggested')).toBe(true);
    expect(await page.textContent('#replay-sum')).toContain('Replay again');
  });
});

test('nothing went wrong on the way', () => {
  expect(view.problems).toEqual([]);
});
