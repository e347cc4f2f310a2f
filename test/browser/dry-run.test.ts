/** docs/examples/dry-run.mjs: the same code in Node and in a page, on the built package. */
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { openView, serveSite, startBrowser } from './support.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

test('prints the same in Node and in a browser', async () => {
  const folder = fs.mkdtempSync(join(tmpdir(), 'wasbox-dry-run-'));
  for (const name of ['dry-run.mjs', 'dry-run.html']) {
    fs.copyFileSync(join(root, 'docs/examples', name), join(folder, name));
  }
  for (const name of ['policy.js', 'wasbox-core.wasm']) {
    fs.copyFileSync(join(root, 'dist', name), join(folder, name));
  }
  fs.mkdirSync(join(folder, 'node_modules'));
  fs.symlinkSync(root, join(folder, 'node_modules/wasbox'));
  const inNode = execFileSync(process.execPath, ['dry-run.mjs'], { cwd: folder, encoding: 'utf8' });
  expect(inNode).toContain('socket(AF_UNIX): allow, line 3');
  expect(inNode).toContain('socket(AF_VSOCK): errno(EPERM), by default');

  const [browser, site] = await Promise.all([startBrowser(), serveSite(folder)]);
  try {
    const { page, problems } = await openView(browser, site);
    await page.goto(`${site.url}dry-run.html`);
    await page.locator('output', { hasText: 'AF_VSOCK' }).waitFor();
    expect(`${await page.locator('output').textContent()}\n`).toBe(inNode);
    expect(problems).toEqual([]);
  } finally {
    await browser.close();
    await site.close();
    fs.rmSync(folder, { recursive: true, force: true });
  }
});
