/**
 * The playground's own worker in Chromium against Node: the same filters, byte for byte, for every
 * policy on every architecture, and the verdicts of `wasbox policy simulate`.
 */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type Architecture,
  compilePolicy,
  init,
  listArchitectures,
  PolicyError,
} from '../../../src/policy.js';
import { openView, type Site, serveSite, startBrowser } from '../support.js';

const run = promisify(execFile);
const root = new URL('../../../', import.meta.url);
const cli = fileURLToPath(new URL('dist/cli.js', root));

let browser: Browser;
let site: Site;
let page: Page;
beforeAll(async () => {
  [browser, site] = await Promise.all([startBrowser(), serveSite(), init()]);
  ({ page } = await openView(browser, site));
  await page.goto(`${site.url}playground/index.html`, { waitUntil: 'domcontentloaded' });
});
afterAll(async () => {
  await browser.close();
  await site.close();
});

const example = (name: string) =>
  readFileSync(new URL(`docs/playground/examples/${name}.policy`, root), 'utf8').replace(
    /^target .*$/m,
    '',
  );

/** Small policies of every kind of rule; no two alike. */
function policies(): string[] {
  const actions = [
    ...['allow', 'log', 'notify', 'trap', 'kill', 'kill_thread', 'trace(9)', 'errno(EIO)'],
  ];
  const tests = [
    ...['fd == 3', 'fd != -1', 'fd in [0, 1, 2, 7..9]', 'fd not in [0..2]', 'count > 0xffff'],
    ...['count & 0xff00 == 0x1200', 'count <= 0x7fffffff and fd >= 1', 'fd & 6', 'arg2 < 4096'],
    ...['count as s64 < 0', 'fd as u64 == 0xffffffffffffffff'],
  ];
  const made = actions.flatMap((action, i) => [
    `default ${actions[(i + 3) % actions.length]}\n${action} read write close\n`,
    `default errno(EPERM)\nunknown ${action}\nallow @basic-io\n${action} @process\n`,
  ]);
  for (const [i, condition] of tests.entries()) {
    made.push(`default errno(EPERM)\nallow write where ${condition}\n`);
    made.push(`default allow\n${actions[i % actions.length]} read write where ${condition}\n`);
    made.push(
      `default kill\nallow write where ${condition}\nlog write where fd == ${i}\nallow @file\n`,
    );
  }
  made.push('include "default"\n', example('docker'));
  made.push(example('actions'), example('threads'), example('sockets'));
  return made;
}

/** Asks the worker that the playground starts, as the playground does. */
async function inChromium(asked: readonly { kind: string; input: object }[]): Promise<unknown[]> {
  return page.evaluate(
    async ({ questions, worker, wasm }) => {
      const core = new Worker(worker, { type: 'module' });
      let last = 0;
      const ask = (kind: string, input: object): Promise<unknown> =>
        new Promise((resolve) => {
          const id = ++last;
          const receive = ({ data }: MessageEvent) => {
            if (data.id !== id) return;
            core.removeEventListener('message', receive);
            resolve(data);
          };
          core.addEventListener('message', receive);
          core.postMessage({ id, kind, input });
        });
      await ask('start', { wasm });
      const answers: unknown[] = [];
      for (const { kind, input } of questions) {
        const { answer } = (await ask(kind, input)) as { answer: Record<string, unknown> };
        const text = JSON.stringify(answer, (_, value) => {
          if (value instanceof Uint8Array) return [...value];
          return typeof value === 'bigint' ? `0x${value.toString(16)}` : value;
        });
        answers.push(JSON.parse(text));
      }
      core.terminate();
      return answers;
    },
    {
      questions: asked as { kind: string; input: object }[],
      worker: `${site.url}playground/worker.js`,
      wasm: `${site.url}playground/wasbox-core.wasm`,
    },
  );
}

interface Compiled {
  readonly compiled?: { readonly bpf: readonly number[] };
}

describe('Chromium and Node', () => {
  test('make the same filters of at least 50 policies for all architectures', async () => {
    const texts = [...new Set(policies())];
    expect(texts.length).toBeGreaterThanOrEqual(50);
    const archs = listArchitectures().map(({ name }) => name as Architecture);
    expect(archs.length).toBe(10);
    const pairs = texts.flatMap((text) => archs.map((arch) => ({ text, arch })));
    const call = { name: '', args: [], on: undefined };
    const answers = (await inChromium(
      pairs.map((pair) => ({ kind: 'compile', input: { ...pair, call } })),
    )) as Compiled[];
    let compiled = 0;
    for (const [i, { text, arch }] of pairs.entries()) {
      let own: string;
      try {
        own = Buffer.from(compilePolicy({ text }, { arch }).bpf).toString('hex');
      } catch (error) {
        if (!(error instanceof PolicyError)) throw error;
        own = 'no filter';
      }
      const theirs = answers[i]?.compiled?.bpf;
      const shown = theirs === undefined ? 'no filter' : Buffer.from(theirs).toString('hex');
      if (own !== 'no filter') compiled++;
      expect([text, arch, shown]).toEqual([text, arch, own]);
    }
    // A policy may name what an architecture lacks, but most are for all.
    expect(compiled).toBeGreaterThanOrEqual(50 * archs.length);
  });

  test('decide calls as wasbox policy simulate does', async () => {
    const archs = listArchitectures().map(({ name }) => name as Architecture);
    const texts = [
      example('docker'),
      ...policies()
        .slice(16, 34)
        .filter((_, n) => n % 3 === 0),
    ];
    const calls = [
      ['write', '1', '0', '0x1234'],
      ['read', '0xffffffff', '0', '-1'],
      ['ptrace', '16', '1'],
    ];
    const asked = texts.map((text, i) => {
      const [name = '', ...args] = calls[i % calls.length] ?? [];
      return {
        text,
        arch: archs[i % archs.length],
        call: { name, args, on: archs[i % archs.length] },
      };
    });
    const answers = (await inChromium(asked.map((input) => ({ kind: 'decide', input })))) as {
      decision: Record<string, unknown>;
    }[];
    const printed = await inPairs(asked, async ({ text, arch, call }) => {
      const command = [cli, 'policy', 'simulate', '-', call.name, '--arch', arch ?? '', '--json'];
      const child = run(process.execPath, [...command, '--', ...call.args]);
      child.child.stdin?.end(text);
      return JSON.parse((await child).stdout);
    });
    for (const [i, { decision }] of answers.entries()) {
      const { schemaVersion, ...own } = printed[i] ?? {};
      expect(schemaVersion).toBe(1);
      const rule = own.rule === undefined ? {} : { rule: { ...own.rule, file: 'policy' } };
      expect(decision).toEqual({ ...own, ...rule });
    }
  });
});

/** Two at a time: the machine has more to do. */
async function inPairs<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (let i = 0; i < items.length; i += 2)
    results.push(...(await Promise.all(items.slice(i, i + 2).map(work))));
  return results;
}
