/** `npm ci` prints no warning in Node 20.19 and newer: engines, deprecated packages, install scripts that are not decided on. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

interface Locked {
  readonly engines?: { readonly node?: string };
  readonly deprecated?: string;
  readonly hasInstallScript?: boolean;
}

const read = (path: string) =>
  JSON.parse(readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8'));
const packages = Object.entries(read('package-lock.json').packages as Record<string, Locked>);
const manifest = read('package.json');
/** vite and rolldown, which vitest brings, ask for it; in 20.18 npm warns of them, and they work. */
const oldest = [20, 19, 0];

const compare = (a: readonly number[], b: readonly number[]): number =>
  [0, 1, 2].map((at) => (a[at] ?? 0) - (b[at] ?? 0)).find((sign) => sign !== 0) ?? 0;

/** Returns whether a comparator of a range, as npm writes them, takes that Node. */
function holds(comparator: string): boolean {
  const [, sign = '', version = ''] = /^([<>=^~]*)v?([\d.x*]*)$/.exec(comparator) ?? [];
  const given = version.split('.').flatMap((part) => (/^\d+$/.test(part) ? Number(part) : []));
  if (sign === '>=') return compare(oldest, given) >= 0;
  if (sign === '>') return compare(oldest, given) > 0;
  if (sign === '<') return compare(oldest, given) < 0;
  if (sign === '<=') return compare(oldest, given) <= 0;
  const fixed = given.slice(0, sign === '^' ? 1 : sign === '~' ? 2 : 3);
  return fixed.every((part, at) => part === oldest[at]) && compare(oldest, given) >= 0;
}

const takesOldest = (range: string): boolean =>
  range.split('||').some((one) =>
    one
      .trim()
      .replace(/([<>=^~]) +/g, '$1')
      .split(/\s+/)
      .every(holds),
  );

test('ranges are understood', () => {
  for (const range of [
    '>=18',
    '>= 0.6',
    '^20.18 || >=22.3',
    '*',
    '^18 || ^20',
    '14 || >=16.14',
    '20.x',
  ])
    expect(takesOldest(range), range).toBe(true);
  for (const range of ['>=22', '^20.20.0 || >=22', '>=18 <20', '^18', '22.x'])
    expect(takesOldest(range), range).toBe(false);
});

test('each package takes Node 20', () => {
  const others = packages.filter(([, { engines }]) => !takesOldest(engines?.node ?? '*'));
  expect(others.map(([path, { engines }]) => `${path}: ${engines?.node}`)).toEqual([]);
});

test('no package is deprecated', () => {
  expect(packages.filter(([, { deprecated }]) => deprecated !== undefined)).toEqual([]);
});

test('each install script is allowed or denied', () => {
  const scripts = packages
    .filter(([, { hasInstallScript }]) => hasInstallScript === true)
    .map(([path]) => path.replace(/^.*node_modules\//, ''))
    .filter((name) => name !== '' && name !== 'fsevents'); // of another system
  expect(Object.keys(manifest.allowScripts).sort()).toEqual(scripts.sort());
});
