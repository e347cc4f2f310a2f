/**
 * The browser tests share this: the built site behind a server on a sub-path, Chromium, pages that
 * remember whatever a reader should never meet, and the accessibility check.
 */
import { readFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Result } from 'axe-core';
import {
  type Browser,
  type BrowserContext,
  chromium,
  type Page,
  type Response,
} from 'playwright-core';

/** The site as `npm run docs` built it. */
export const siteRoot = fileURLToPath(new URL('../../docs/dist', import.meta.url));

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
};

export interface Site {
  /** Address of the site's root: a sub-path of the server, ending with a slash. */
  readonly url: string;
  /** Makes the server answer 404 to paths (relative to the root) that this says yes to. */
  refuse: (path: string) => boolean;
  close(): Promise<void>;
}

function send(response: ServerResponse, folder: string, path: string): void {
  const name = normalize(
    join(folder, path.endsWith('/') || path === '' ? `${path}index.html` : path),
  );
  try {
    if (!name.startsWith(folder)) throw new Error('outside');
    const body = readFileSync(name);
    response.writeHead(200, { 'content-type': types[extname(name)] ?? 'application/octet-stream' });
    response.end(body);
  } catch {
    response.writeHead(404).end('not found');
  }
}

/** Serves a folder from `/some/sub-path/` of a free port; nothing else of the server exists. */
export async function serveSite(folder: string = siteRoot): Promise<Site> {
  const base = '/some/sub-path/';
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? '/', 'http://site').pathname);
    const inside = path.startsWith(base) ? path.slice(base.length) : undefined;
    if (inside === undefined || site.refuse(inside)) response.writeHead(404).end('not found');
    else send(response, folder, inside);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  const site: Site = {
    // localhost: a secure context, which service workers and the clipboard want.
    url: `http://localhost:${address.port}${base}`,
    refuse: () => false,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return site;
}

/** Debian's Chromium; as root it cannot sandbox itself. */
export function startBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    chromiumSandbox: false,
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}

export interface ViewOptions {
  /** CSS pixels. @default 1280 */
  readonly width?: number;
  /** CSS pixels. @default 800 */
  readonly height?: number;
  /** @default 'light' */
  readonly colorScheme?: 'light' | 'dark';
  /** True if service workers may run; off, every request is seen. @default false */
  readonly serviceWorkers?: boolean;
}

export interface View {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Console errors, exceptions, failed requests and requests to another origin, as text. */
  readonly problems: string[];
}

/** A fresh context with one page that remembers what goes wrong on it. */
export async function openView(
  browser: Browser,
  site: Site,
  options: ViewOptions = {},
): Promise<View> {
  const context = await browser.newContext({
    viewport: { width: options.width ?? 1280, height: options.height ?? 800 },
    colorScheme: options.colorScheme ?? 'light',
    serviceWorkers: options.serviceWorkers === true ? 'allow' : 'block',
    reducedMotion: 'reduce',
  });
  context.setDefaultTimeout(120_000);
  const page = await context.newPage();
  const problems: string[] = [];
  const { origin } = new URL(site.url);
  page.on('console', (message) => {
    // Blocking the worker for a test is not the page's fault.
    if (message.type() === 'error') problems.push(`console: ${message.text()}`);
  });
  page.on('pageerror', (error) => problems.push(`exception: ${error.message}`));
  page.on('requestfailed', (request) => {
    const error = request.failure()?.errorText ?? '';
    // The requests that were still loading when the page was left end so.
    if (error !== 'net::ERR_ABORTED') problems.push(`failed: ${request.url()} ${error}`);
  });
  page.on('response', (response) => {
    if (response.status() >= 400) problems.push(`${response.status()}: ${response.url()}`);
  });
  context.on('request', (request) => {
    const url = new URL(request.url());
    const local = url.origin === origin || ['data:', 'blob:'].includes(url.protocol);
    if (!local) problems.push(`another origin: ${request.url()}`);
  });
  return { page, context, problems };
}

/**
 * Weighs the bodies of responses until it is asked for them. What comes later is not read: a page that is closed meanwhile
 * would have none to give.
 */
export function weighed(
  context: BrowserContext,
  weigh: (body: Buffer) => number,
): () => Promise<readonly { readonly path: string; readonly size: number }[]> {
  const found: Promise<{ readonly path: string; readonly size: number }>[] = [];
  const note = (response: Response): void => {
    const path = new URL(response.url()).pathname;
    found.push(response.body().then((body) => ({ path, size: weigh(body) })));
  };
  context.on('response', note);
  return () => {
    context.off('response', note);
    return Promise.all(found);
  };
}

export const total = (list: readonly { readonly size: number }[]): number =>
  list.reduce((sum, { size }) => sum + size, 0);

const axeSource = readFileSync(
  createRequire(import.meta.url).resolve('axe-core/axe.min.js'),
  'utf8',
);

/**
 * All findings of axe-core, minor ones too, as text.
 * @param what its rules on colours, those on everything else, or all
 */
export async function axeFindings(
  page: Page,
  what: 'all' | 'colours' | 'but colours' = 'all',
): Promise<string[]> {
  await page.evaluate(axeSource);
  const options = {
    resultTypes: ['violations'],
    ...(what === 'colours' ? { runOnly: { type: 'rule', values: ['color-contrast'] } } : {}),
    ...(what === 'but colours' ? { rules: { 'color-contrast': { enabled: false } } } : {}),
  };
  const violations = (await page.evaluate(
    `axe.run(document, ${JSON.stringify(options)}).then((results) => results.violations)`,
  )) as Result[];
  return violations.flatMap(({ id, help, nodes }) =>
    nodes.map((node) => `${id}: ${help}: ${node.html.slice(0, 160)}`),
  );
}

/** Returns by how many pixels the page is wider than its window; 0 where it fits. */
export async function overflow(page: Page): Promise<number> {
  return page.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
  );
}
