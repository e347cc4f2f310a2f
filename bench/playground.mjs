// Measures the time from an edit of Docker's profile to the painted frame, in Chromium: compile, proof and verdict in
// the worker, then the view that is open. Needs `npm run docs`; `CHROMIUM` names another browser.
import { createReadStream, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { quantile } from './measure.mjs';

const folder = fileURLToPath(new URL('../docs/dist', import.meta.url));
const types = { '.html': 'text/html', '.css': 'text/css', '.js': 'text/javascript' };
const edits = Number(process.argv[2] ?? 40);

const server = createServer((request, response) => {
  const name = normalize(join(folder, new URL(request.url, 'http://site').pathname));
  if (!name.startsWith(folder) || !statSync(name, { throwIfNoEntry: false })?.isFile()) {
    response.writeHead(404).end();
    return;
  }
  const type = types[extname(name)] ?? 'application/octet-stream';
  response.writeHead(200, { 'content-type': type });
  createReadStream(name).pipe(response);
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  chromiumSandbox: false,
  args: ['--no-sandbox', '--disable-gpu'],
});

/** Edits the policy so many times with a view open; milliseconds since the core was asked. */
async function measureView(pane) {
  const page = await browser.newPage({ serviceWorkers: 'block' });
  await page.goto(`http://localhost:${server.address().port}/playground/index.html`);
  await page.waitForSelector('#verdict .action');
  await page.selectOption('#example', 'docker');
  await page.click(`#tab-${pane}`);
  await page.waitForFunction(
    () => document.querySelector('#verdict .action')?.textContent === 'allow',
  );
  await page.waitForTimeout(1000);
  await page.locator('.cm-content').focus();
  const times = [];
  for (let edit = 0; edit < edits; edit++) {
    const painted = page.evaluate(
      (last) =>
        new Promise((resolve) => {
          performance.clearMarks();
          new PerformanceObserver((_, observer) => {
            const [shown] = performance.getEntriesByName(last);
            if (shown === undefined) return;
            observer.disconnect();
            requestAnimationFrame(() => {
              const channel = new MessageChannel();
              channel.port1.onmessage = () => {
                const frame = performance.now();
                const at = (name) => performance.getEntriesByName(name)[0].startTime;
                const asked = at('wasbox:ask');
                resolve([at('wasbox:answer') - asked, shown.startTime - asked, frame - asked]);
              };
              channel.port2.postMessage(undefined);
            });
          }).observe({ type: 'mark' });
        }),
      pane === 'decisions' ? 'wasbox:decisions' : 'wasbox:shown',
    );
    await page.keyboard.insertText(edit % 2 === 0 ? '# ' : '#');
    times.push(await painted);
    await page.waitForTimeout(60);
  }
  await page.close();
  return times;
}

console.log(`Docker's profile, ${edits} edits, milliseconds: median (quartiles)`);
for (const pane of ['tree', 'listing', 'decisions']) {
  const times = await measureView(pane);
  const row = ['answer', 'drawn', 'painted'].map((name, i) => {
    const column = times.map((sample) => sample[i]);
    const [low, middle, high] = [0.25, 0.5, 0.75].map((q) => quantile(column, q).toFixed(1));
    return `${name} ${middle} (${low}–${high})`;
  });
  console.log(`  ${pane.padEnd(10)} ${row.join(', ')}`);
}
await browser.close();
server.close();
