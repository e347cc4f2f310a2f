import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const text = readFileSync(`${root}/ARCHITECTURE.md`, 'utf8');

describe('ARCHITECTURE.md', () => {
  const named = [...text.matchAll(/`((?:src|wasm-core|addon|test|bench|docs)\/?[\w./-]*)`/g)];

  it.each([...new Set(named.map(([, path = '']) => path))])('names %s, which exists', (path) => {
    expect(existsSync(`${root}/${path}`)).toBe(true);
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
      for (const name of readdirSync(`${root}/src/${folder}`)) {
        const source = readFileSync(`${root}/src/${folder}/${name}`, 'utf8');
        expect(source, `${folder}/${name}`).not.toMatch(/from '(node:|[^.@'][^']*launch)/);
      }
    }
  });
});
