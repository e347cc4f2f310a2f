import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const text = readFileSync(`${root}/ARCHITECTURE.md`, 'utf8');

const decisions = readdirSync(`${root}/docs/decisions`).sort();
const documents = [
  'ARCHITECTURE.md',
  'CONTRIBUTING.md',
  ...readdirSync(`${root}/docs/internals`).map((name) => `docs/internals/${name}`),
  ...decisions.map((name) => `docs/decisions/${name}`),
];

const path = /`((?:src|wasm-core|addon|test|bench|docs)\/[\w./-]*)`/g;

describe.each(documents)('%s', (document) => {
  const content = readFileSync(`${root}/${document}`, 'utf8');

  it('names only paths that exist', () => {
    const named = [...content.matchAll(path)].map(([, name = '']) => name);
    expect(named.filter((name) => !existsSync(`${root}/${name}`))).toEqual([]);
  });

  it('links only to files that exist', () => {
    const links = [...content.matchAll(/\]\((?!https?:)([^)#]+)\)/g)].map(([, name = '']) => name);
    expect(links.filter((name) => !existsSync(join(root, dirname(document), name)))).toEqual([]);
  });
});

describe('docs/decisions/README.md', () => {
  it('lists each decision', () => {
    const index = readFileSync(`${root}/docs/decisions/README.md`, 'utf8');
    const listed = [...index.matchAll(/\]\(([^)]+\.md)\)/g)].map(([, name = '']) => name);
    expect(listed.sort()).toEqual(decisions.filter((name) => name !== 'README.md'));
  });
});

describe('ARCHITECTURE.md', () => {
  it('has at most 200 lines', () => {
    expect(text.split('\n').length).toBeLessThanOrEqual(200);
  });

  it('has a row for each folder of src', () => {
    for (const entry of readdirSync(`${root}/src`, { withFileTypes: true })) {
      if (entry.isDirectory()) expect(text).toContain(`| \`src/${entry.name}\` |`);
    }
  });
});

describe('src/policy and src/core', () => {
  it('import nothing from Node, so that a browser can have them', () => {
    for (const folder of ['policy', 'core']) {
      for (const name of readdirSync(`${root}/src/${folder}`, { recursive: true }).map(String)) {
        if (!name.endsWith('.ts')) continue;
        const source = readFileSync(`${root}/src/${folder}/${name}`, 'utf8');
        expect(source, `${folder}/${name}`).not.toMatch(/from '(node:|[^.@'][^']*launch)/);
      }
    }
  });
});

describe('docs/pages/guide/containers.md', () => {
  const page = readFileSync(`${root}/docs/pages/guide/containers.md`, 'utf8');
  const rows = [...page.matchAll(/^\| (\d+) \| (.+) \| (.+) \| (.*)\|$/gm)].map(
    ([, number, attack = '', answer = '', tests = '']) => ({
      number: Number(number),
      attack,
      answer,
      tests: [...tests.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name),
    }),
  );

  it('has a row for each attack', () => {
    expect(rows.map(({ number }) => number)).toEqual(Array.from({ length: 67 }, (_, i) => i + 1));
  });

  it.each(rows)('$number: $attack', ({ answer, tests }) => {
    const texts = tests.map((name) => {
      const files = ['.test.ts', '_test.c'].map((end) => `${root}/test/${name}${end}`);
      const found = files.find((file) => existsSync(file));
      expect(found, name).toBeDefined();
      return readFileSync(found ?? '', 'utf8');
    });
    // A claim about Landlock isolation alone is tried with it.
    if (/^(same|does not apply)/.test(answer)) return;
    if (!answer.startsWith('weaker')) expect(texts).not.toEqual([]);
    for (const text of texts) expect(text).toMatch(/landlock|isolatedIdentities/i);
  });
});
