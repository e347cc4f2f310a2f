/** The criteria page and its data: complete, from this harness, and shown as they were measured. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { siteRoot } from '../browser/support.js';

interface Probe {
  readonly id: string;
  readonly oracle: string;
  readonly question: string;
}
interface System {
  readonly name: string;
  readonly probes: Readonly<Record<string, { readonly open: boolean; readonly said: string }>>;
  readonly programs: readonly boolean[];
  readonly facts: { readonly ownKernel: boolean };
  readonly changes: string;
}
interface Criteria {
  readonly probes: readonly Probe[];
  readonly untestable: readonly { readonly id: string }[];
  readonly programs: readonly string[];
  readonly systems: readonly System[];
  readonly missing: readonly { readonly name: string; readonly why: string }[];
}

const text = readFileSync(new URL('../../bench/results/criteria.json', import.meta.url), 'utf8');
const results = JSON.parse(text) as Criteria;
const dataOf = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`../../bench/criteria/${name}`, import.meta.url), 'utf8'));
const holes = dataOf('holes.json') as readonly { id: string; needs: readonly string[] }[];
const escapes = dataOf('escapes.json') as readonly {
  id: string;
  test?: { file: string; title: string };
}[];
const page = readFileSync(join(siteRoot, 'about/criteria.html'), 'utf8');
const systemOf = (name: string) => results.systems.find((system) => system.name === name);

test('compares wasbox with at least six others, and says which are missing and why', () => {
  expect(systemOf('wasbox')).toBeDefined();
  expect(results.systems.length).toBeGreaterThanOrEqual(7);
  for (const { why } of results.missing) expect(why).not.toBe('');
});

test('the data have every probe and program of every system', () => {
  const ids = results.probes.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  for (const { name, probes, programs } of results.systems) {
    expect(Object.keys(probes), name).toEqual(ids);
    expect(programs, name).toHaveLength(results.programs.length);
  }
  for (const { id, needs } of holes) {
    expect(needs.length, id).toBeGreaterThan(0);
    for (const need of needs) expect(ids, id).toContain(need);
  }
});

test('every escape that the page calls tried has its test', () => {
  expect(escapes.length).toBeGreaterThan(10);
  for (const { id, test: tried } of escapes) {
    if (tried === undefined) continue;
    const code = readFileSync(new URL(`../../${tried.file}`, import.meta.url), 'utf8');
    expect(code, id).toContain(`'${tried.title}'`);
  }
});

test('the page begins with four columns, and each system tells the rest of what was measured', () => {
  const [, head = ''] = /<table class="stacks">\s*<thead><tr>(.*?)<\/tr>/s.exec(page) ?? [];
  expect(head.match(/<th /g)).toHaveLength(4);
  const sections = page.split('<h3 ').slice(1);
  for (const { name } of results.systems)
    expect(
      sections.filter(
        (one) =>
          one.startsWith(`id="system-${name.toLowerCase().replaceAll(' ', '-')}"`) &&
          one.includes('href="#how-words"'),
      ),
    ).toHaveLength(1);
});

test('the page shows each hole and each escape, with a link to its record', () => {
  for (const { id } of [...holes, ...escapes])
    expect(page, id).toContain(`https://nvd.nist.gov/vuln/detail/${id}`);
});

test('the probes discriminate: each is closed somewhere, and most are open somewhere', () => {
  const left = new Set(results.untestable.map(({ id }) => id));
  const tested = results.probes.filter(({ id }) => !left.has(id));
  expect(tested.length).toBeGreaterThanOrEqual(25);
  const openSomewhere = tested.filter(({ id }) =>
    results.systems.some(({ probes }) => probes[id]?.open),
  );
  expect(openSomewhere.length).toBeGreaterThan(tested.length / 2);
});

describe('wasbox', () => {
  test('lets no attempt reach the host', () => {
    for (const { id, oracle } of results.probes) {
      if (oracle !== 'reached')
        expect([id, systemOf('wasbox')?.probes[id]?.open]).toEqual([id, false]);
    }
    expect(systemOf('wasbox')?.changes).toBe('reviewed, then applied or discarded');
  });
});

test('no path of the machine is in the data', () => {
  expect(text).not.toMatch(/\/(?:work|root|opt|var\/tmp|home)\//);
});

test('the page shows each probe of each system', () => {
  const left = new Set(results.untestable.map(({ id }) => id));
  const rows = [
    ...page.matchAll(
      /<tr><td><span id="probe-[^"]*">([^<]*)<\/span> <small[^>]*><a href="#oracle-.*?<\/tr>/g,
    ),
  ];
  const shown = new Map(
    rows.map(([row, question = '']) => [
      question,
      [...row.matchAll(/>(yes|no|its own kernel)</g)].map(([, said]) => said),
    ]),
  );
  /** A call that the code's own kernel answers does not reach the host's. */
  const wordFor = ({ probes, facts }: System, { id, oracle }: Probe): string => {
    if (probes[id]?.open !== true) return 'no';
    return facts.ownKernel && oracle === 'reached' ? 'its own kernel' : 'yes';
  };
  for (const probe of results.probes) {
    if (left.has(probe.id)) continue;
    expect(shown.get(probe.question.replaceAll("'", '&#39;')), probe.id).toEqual(
      results.systems.map((system) => wordFor(system, probe)),
    );
  }
});
