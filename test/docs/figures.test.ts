/**
 * Every measured figure of the README and of the site is that of one results file, which its page names and offers. Each
 * page is read again with one figure 3 % off, which must be found.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { newestResults } from '../../docs/site/results.mjs';
import { siteRoot } from '../browser/support.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const built = (path: string): string => readFileSync(join(siteRoot, path), 'utf8');

interface Row {
  readonly name: string;
  readonly medianUs: number;
  readonly lowUs: number;
  readonly highUs: number;
}
interface Results {
  readonly startup: readonly Row[];
  readonly situations: { readonly rows: readonly Row[] };
  readonly memory: readonly { readonly pssBytes: number }[];
}
interface Fleet {
  readonly queue: Readonly<
    Record<string, { readonly serverMs: number; readonly workerMs: number }>
  >;
}

const results = newestResults(root) as Results;
const fleet = JSON.parse(read('bench/results/fleet.json')) as Fleet;

const medianOf = (rows: readonly Row[], name: string): number =>
  rows.find((row) => row.name === name)?.medianUs ?? Number.NaN;
const again = medianOf(results.startup, 'wasbox run, repeated');
const first = medianOf(results.situations.rows, 'first run of a command line');
const withoutEngine = medianOf(
  results.situations.rows,
  'first run of a command line, without the engine',
);

/** Peers, and the build without the engine, have no figure where they were not there. */
const isMeasured = (us: number): boolean => !Number.isNaN(us);

/** A value of the results, in the unit of the page, and the digits that the page shows of it. */
type Figure = readonly [value: number, digits: number];
const two = (value: number): Figure => [value, 2];

interface Source {
  readonly page: string;
  readonly text: string;
  /** Takes the part with the figures out of the text. */
  readonly part: RegExp;
  /** A figure of the part, and its unit where there are several. */
  readonly figure: RegExp;
  readonly expected: readonly Figure[];
  /** The results file as the site has it, and in the tree. */
  readonly offered?: readonly [path: string, source: unknown];
}

const sources: readonly Source[] = [
  {
    page: 'README.md',
    text: read('README.md'),
    part: /<!-- bench -->\s*(\|.*?)\n\n/s,
    figure: /([\d.]+) (?:ms|KB)/g,
    expected: [
      two(again / 1000),
      two(medianOf(results.startup, 'bubblewrap') / 1000),
      two(first / 1000),
      two(medianOf(results.situations.rows, 'bubblewrap') / 1000),
      ...(isMeasured(withoutEngine)
        ? [withoutEngine, medianOf(results.situations.rows, 'bubblewrap')].map((us) =>
            two(us / 1000),
          )
        : []),
      ...results.memory.slice(0, 2).map(({ pssBytes }): Figure => [Math.round(pssBytes / 1024), 6]),
    ],
  },
  {
    page: 'index.html',
    text: built('index.html'),
    part: /<table class="bars">.*?<tbody>(.*?)<\/tbody>/s,
    figure: /class="amount">([\d.]+) ms/g,
    expected: [
      again,
      first,
      withoutEngine,
      ...['bubblewrap', 'runc', 'firejail'].map((name) => medianOf(results.startup, name)),
    ]
      .filter(isMeasured)
      .sort((a, b) => a - b)
      .map((us) => two(us / 1000)),
  },
  {
    page: 'about/benchmarks.html',
    text: built('about/benchmarks.html'),
    part: /aria-label="Start to end of a program that does nothing"(.*?)<\/table>/s,
    figure: /([\d.]+) (?:ms|µs)/g,
    expected: results.startup.flatMap(({ medianUs, lowUs, highUs }) =>
      [medianUs, lowUs, highUs].map((us): Figure => {
        const shown = us >= 1e4 ? us / 1000 : us;
        return [
          shown,
          us >= 1e4 ? Math.floor(Math.log10(shown)) + 2 : String(Math.round(us)).length,
        ];
      }),
    ),
    offered: ['about/results.json', results],
  },
  {
    page: 'guide/many-machines.html',
    text: built('guide/many-machines.html'),
    part: /id="the-constants".*?<tbody>(.*?)<\/table>/s,
    figure: /<td data-column="[^"]*processor time, ms">([\d.]+)/g,
    expected: ['shell', 'python', 'pooled', 'withReport'].flatMap((kind) =>
      [fleet.queue[kind]?.serverMs, fleet.queue[kind]?.workerMs].map(
        (ms = Number.NaN): Figure => [ms, 6],
      ),
    ),
    offered: ['guide/fleet.json', fleet],
  },
];

/** Returns the figures of a page's part that are not those of its results. */
function wrongIn({ part, figure, expected }: Source, text: string): string[] {
  const shown = [...(part.exec(text)?.[1] ?? '').matchAll(figure)].map(([, value = '']) => value);
  if (shown.length !== expected.length) return [`${shown.length} figures, not ${expected.length}`];
  return shown.filter((value, at) => {
    const [source, digits] = expected[at] ?? [Number.NaN, 1];
    return Number(value) !== Number(source.toPrecision(digits));
  });
}

/** The text with one figure of its part 3 % larger. */
function withOneOff({ part, figure }: Source, text: string, which: number): string {
  const whole = part.exec(text);
  const inner = whole?.[1] ?? '';
  const one = [...inner.matchAll(figure)][which];
  if (whole === null || one === undefined) throw new Error(`no figure ${which}`);
  const [found, value = ''] = one;
  const off = found.replace(value, (Number(value) * 1.03).toPrecision(6));
  const changed = `${inner.slice(0, one.index)}${off}${inner.slice(one.index + found.length)}`;
  return text.replace(inner, () => changed);
}

describe.each(sources)('$page', (source) => {
  const { text, expected, offered } = source;

  test('shows the figures of its results file', () => {
    expect(expected.length).toBeGreaterThan(4);
    expect(wrongIn(source, text)).toEqual([]);
  });

  test('a figure that is 3 % off is found, whichever it is', () => {
    for (const at of expected.keys())
      expect(wrongIn(source, withOneOff(source, text, at)), `figure ${at}`).toHaveLength(1);
  });

  test('offers that file where it is the first to use it', () => {
    if (offered === undefined) {
      expect(text).toMatch(/npm run bench/);
      return;
    }
    const [path, data] = offered;
    expect(text).toContain(`href="${path.replace(/.*\//, '')}"`);
    expect(JSON.parse(built(path))).toEqual(data);
  });
});

/** Times that a sentence states, outside of code and of what a command printed. */
const timesIn = (text: string): string[] =>
  text
    .replace(/^```.*?^```/gms, '')
    .replace(/^ {4}.*$/gm, '')
    .replace(/`[^`\n]*`/g, '')
    .match(/\d[\d.,]* ?(?:ms|µs|milliseconds?|microseconds?)\b/g) ?? [];

describe('prose', () => {
  test('the page of criteria states no time of its own', () => {
    expect(timesIn(built('about/criteria.html'))).toEqual([]);
  });

  const pages = readdirSync(join(root, 'docs/pages'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/pages/${name}`);

  test.each(pages)('%s states no time of its own', (path) => {
    expect(timesIn(read(path))).toEqual([]);
  });

  test('the README states no time outside of its results', () => {
    expect(timesIn(read('README.md').replace(/<!-- bench -->.*?<!-- \/bench -->/s, ''))).toEqual(
      [],
    );
  });

  test('a time in a sentence is found', () => {
    expect(timesIn('A start takes 4 ms, with `--timeout 300ms`, or 2 µs.')).toEqual([
      '4 ms',
      '2 µs',
    ]);
  });
});
