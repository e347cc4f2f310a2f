/** The search of the documentation: what readers of other tools' manuals look for is found. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { axeFindings, openView, type Site, serveSite, startBrowser, type View } from './support.js';

let browser: Browser;
let site: Site;
let view: View;
beforeAll(async () => {
  [browser, site] = await Promise.all([startBrowser(), serveSite()]);
  view = await openView(browser, site);
  await view.page.goto(`${site.url}about/how.html`);
});
afterAll(async () => {
  await browser.close();
  await site.close();
});

/** Types a query and waits for the answer to it. @returns the paths of the results */
async function searchFor(page: Page, query: string): Promise<string[]> {
  await page.locator('#find').fill(query);
  await page.waitForFunction(
    (asked) => document.querySelector<HTMLElement>('.found')?.dataset.query === asked,
    query,
  );
  return page
    .locator('#found [role=option]')
    .evaluateAll((options) => options.map((option) => (option as HTMLElement).dataset.path ?? ''));
}

/** The words that new users looked for and did not find, and the page that answers it. */
const searches: readonly (readonly [query: string, path: string])[] = [
  ['localhost', 'guide/network.html#a-server-of-this-machine'],
  ['home', 'guide/files.html#your-home'],
  ['ssh', 'guide/files.html'],
  ['timeout', 'guide/limits.html'],
  ['.env', 'guide/files.html#hide-more'],
  ['docker -v', 'guide/files.html#mount-more'],
  ['docker run --rm', 'guide/changes.html'],
  ['deno --allow-net', 'guide/network.html#the-internet-or-a-list'],
  ['bwrap --bind', 'guide/files.html#mount-more'],
  ['docker -p', 'guide/network.html#servers-inside'],
  ['proxy', 'guide/network.html#the-internet-or-a-list'],
  ['memory', 'guide/limits.html'],
  ['stdin', 'guide/running.html#standard-input'],
  ['pip install', 'guide/presets.html'],
  ['github actions', 'guide/ci.html'],
  ['undo', 'guide/changes.html'],
  ['token', 'guide/files.html#the-environment'],
  ['uninstall', 'guide/install.html'],
  ['exit code 124', 'guide/running.html#exit-status'],
  ['ctrl-c', 'guide/terminal.html#keys-and-signals'],
  ['fork bomb', 'guide/limits.html'],
  ['jupyter', 'guide/program.html#a-notebooks-kernel'],
  ['run an installer', 'task/installer.html'],
  ['whitelist a domain', 'task/one-host.html'],
  ['how do I give it a directory', 'task/data.html'],
  ['docker in docker', 'task/container.html'],
  ['AI agent', 'task/agent.html'],
  ['keep a sandbox open', 'guide/agents.html'],
  ['session', 'guide/agents.html'],
  ['docker exec', 'guide/agents.html'],
  ['MCP server', 'guide/agents.html#an-agent-that-speaks-mcp'],
  ['job queue', 'guide/queues.html'],
  ['bullmq', 'guide/pools.html'],
  ['cold start', 'guide/pools.html'],
  ['no user namespaces', 'guide/containers.html'],
  ['kubernetes pod', 'guide/containers.html'],
  ['docker seccomp json', 'policy/tour.html#policies-of-other-tools'],
  ['is it safe', 'about/threat-model.html'],
  ['CVE', 'about/criteria.html'],
  ['performance', 'about/benchmarks.html'],
  ['fork a session', 'guide/agents.html'],
  ['checkpoint', 'guide/agents.html'],
  ['docker image', 'guide/images.html'],
  ['alpine', 'guide/images.html'],
  ['docker pull', 'guide/images.html'],
  ['rootfs', 'guide/images.html#running'],
  ['telemetry', 'guide/install.html'],
  ['gpu', 'guide/files.html#what-the-code-sees'],
  ['use from python', 'guide/reports.html#as-json'],
  ['pass an api key', 'guide/files.html#the-environment'],
  ['run as root', 'guide/running.html#as-root'],
  ['where are changes saved', 'guide/changes.html#discard'],
  // A newcomer looked for these without having read a page.
  ['upgrade', 'guide/install.html#upgrade-and-remove'],
  ['remove wasbox completely', 'guide/install.html#upgrade-and-remove'],
  ['changelog', 'guide/install.html#upgrade-and-remove'],
  ['how long are runs kept', 'guide/changes.html#discard'],
  ['where do changes go', 'guide/changes.html#discard'],
  ['diff before apply', 'guide/changes.html#review'],
  ['wsl', 'guide/install.html#where-it-works'],
  ['windows', 'guide/install.html#where-it-works'],
  ['raspberry pi', 'guide/install.html#where-it-works'],
  ['nixos', 'guide/install.html#where-it-works'],
  ['cannot create user namespace', 'guide/install.html#where-it-works'],
  ['shell completion', 'guide/install.html#completions-and-the-manual'],
  ['man page', 'guide/install.html#completions-and-the-manual'],
  ['sudo', 'guide/running.html#as-root'],
  ['does it need root', 'guide/running.html#as-root'],
  ['claude code', 'task/agent.html'],
  ['openai codex', 'task/agent.html'],
  ['langchain', 'task/agent.html'],
  ['cursor', 'guide/agents.html#an-agent-that-speaks-mcp'],
  ['run python script with pip packages', 'guide/running.html#a-python-script-with-packages'],
  ['virtualenv', 'guide/running.html#a-python-script-with-packages'],
  ['conda', 'guide/running.html#a-python-script-with-packages'],
  ['ModuleNotFoundError', 'guide/running.html#a-python-script-with-packages'],
  ['which python is used', 'guide/running.html#a-script'],
  ['perl', 'guide/running.html#a-script'],
  ['binary executable', 'guide/running.html#a-command'],
  ['command not found', 'guide/running.html#a-command'],
  ['gui application', 'guide/running.html#graphical-programs-browsers-debuggers'],
  ['playwright', 'guide/running.html#graphical-programs-browsers-debuggers'],
  ['no usable sandbox', 'guide/running.html#graphical-programs-browsers-debuggers'],
  ['gdb', 'guide/running.html#graphical-programs-browsers-debuggers'],
  ['npm install safely', 'guide/presets.html'],
  ['ruby gem', 'guide/presets.html'],
  ['git push', 'guide/network.html#one-socket-of-the-host'],
  ['allow only github.com', 'task/one-host.html'],
  ['which files did it read', 'guide/reports.html#everything-that-a-run-did'],
  ['run bash in sandbox', 'guide/terminal.html'],
  ['attach to running', 'guide/agents.html#at-the-command-line'],
  ['timezone', 'guide/files.html#what-the-code-sees'],
  ['cron', 'guide/ci.html'],
  ['difference to docker', 'about/comparison.html'],
  ['vs firejail', 'about/comparison.html'],
  // A newcomer asks these.
  ['what is wasbox', 'guide/start.html'],
  ['is it safe on my laptop', 'about/threat-model.html'],
  ['ransomware', 'about/threat-model.html'],
  ['does it work in docker', 'task/container.html'],
  ['how do I allow a host', 'task/one-host.html'],
  ['how do I undo', 'guide/changes.html'],
  ['how is it not docker', 'about/comparison.html'],
  ['does it run on mac', 'guide/install.html#where-it-works'],
  ['how much slower is it', 'about/benchmarks.html'],
  ['can it read my ssh keys', 'guide/files.html#what-the-code-sees'],
  ['use it from node', 'guide/library.html'],
  ['use it from an agent', 'task/agent.html'],
  ['kernel bugs', 'about/threat-model.html#the-kernel-and-the-machine'],
  ['does it protect against spectre', 'about/threat-model.html#the-kernel-and-the-machine'],
  ['report a hole', 'about/threat-model.html#reporting'],
  ['responsible disclosure', 'about/threat-model.html#reporting'],
  ['licence', 'guide/install.html'],
  ['offline', 'guide/network.html'],
  ['air gapped', 'guide/install.html'],
  ['where are my changes', 'guide/changes.html#discard'],
  ['source code', 'guide/install.html#from-a-checkout'],
  // An option's name, and a slip of the fingers.
  ['--hide-secrets', 'reference/cli.html#run-hide-secrets'],
  ['tiemout', 'guide/limits.html'],
  // These are words of wasbox and the programs in it.
  ['Network is unreachable', 'guide/network.html'],
  ['Read-only file system', 'guide/files.html#what-the-code-sees'],
  ['the mounts of a sandbox are fixed', 'reference/syscalls.html?q=mount'],
  ['unprivileged user namespaces', 'guide/install.html#where-it-works'],
  ['ERR_POOL_FULL', 'reference/errors.html#ERR_POOL_FULL'],
  ['ran longer than 300 ms', 'guide/limits.html'],
];

describe('the search', () => {
  test.each(searches)('%s → %s', async (query, path) => {
    const found = await searchFor(view.page, query);
    // A page is enough where no section is named.
    const first = found
      .slice(0, 3)
      .map((one) => (path.includes('#') ? one : one.replace(/#.*/, '')));
    expect(first).toContain(path);
  });

  test('says so when there is nothing, and shows what it found in its place', async () => {
    const { page } = view;
    expect(await searchFor(page, 'zzqxqz')).toEqual([]);
    expect(await page.locator('#found-said').textContent()).toContain('No results for “zzqxqz”');
    expect(await page.locator('#found-said').isVisible()).toBe(true);
    await searchFor(page, 'Landlock');
    expect(await page.locator('#found mark').first().textContent()).toMatch(/^landlock/i);
    expect(await page.locator('#found-said').textContent()).toMatch(/^\d+ results?$/);
    expect(await axeFindings(page)).toEqual([]);
    await page.emulateMedia({ colorScheme: 'dark' });
    expect(await axeFindings(page)).toEqual([]);
    await page.emulateMedia({ colorScheme: 'light' });
    await page.locator('#find').fill('');
    expect(await page.locator('.found').isHidden()).toBe(true);
  });

  test('shows what a page says as text', async () => {
    const { page } = view;
    await searchFor(page, '<img src=x onerror=alert(1)>');
    expect(await page.locator('.found img').count()).toBe(0);
    await searchFor(page, 'insertAdjacentHTML <b>');
    expect(await page.locator('.found b').count()).toBe(0);
    expect(view.problems).toEqual([]);
  });
});

test('an index that cannot be loaded is reported, and loaded at the next try', async () => {
  const { page, context } = await openView(browser, site);
  await page.goto(`${site.url}guide/files.html`);
  site.refuse = (path) => path.endsWith('search.json');
  try {
    await searchFor(page, 'home');
    expect(await page.locator('#found-said').textContent()).toContain('cannot be loaded');
  } finally {
    site.refuse = () => false;
  }
  expect((await searchFor(page, 'homes')).length).toBeGreaterThan(0);
  await context.close();
});

test('the search works without the server after one visit', async () => {
  const { page, context } = await openView(browser, site, { serviceWorkers: true });
  await page.goto(site.url);
  await page.evaluate(async () => {
    await navigator.serviceWorker.ready;
  });
  site.refuse = () => true;
  try {
    await page.goto(`${site.url}about/comparison.html`);
    expect((await searchFor(page, 'localhost'))[0]).toContain('guide/network.html');
    await page.keyboard.press('Enter');
    await page.waitForURL(/guide\/network\.html/);
    expect(await page.locator('h1').textContent()).toContain('Network');
  } finally {
    site.refuse = () => false;
    await context.close();
  }
});
