/**
 * Tests that what the README says is true: its commands exist, its figures are the newest results, and its policy
 * works.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { readmeBlock } from '../../bench/render.mjs';
import { verbs } from '../../src/cli/verbs.js';
import { compilePolicy, init, simulate } from '../../src/policy/index.js';

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const readme = read('README.md');

describe('the README', () => {
  it('fits on a few screens', () => {
    expect(readme.split('\n').length).toBeLessThanOrEqual(150);
  });

  it('names commands that exist', () => {
    const known = new Set(Object.keys(verbs));
    const named = [...readme.matchAll(/(?:`|^ {4}|\| |\b {5})wasbox ([a-z]+)(?![\w.])/gm)];
    expect(named.length).toBeGreaterThan(12);
    for (const [, verb = ''] of named) expect(known, verb).toContain(verb);
  });

  it('has the figures of the newest results', () => {
    const days = readdirSync(new URL('../../bench/results', import.meta.url))
      .filter((name) => /^\d{4}-\d\d-\d\d$/.test(name))
      .sort();
    const results: unknown = JSON.parse(read(`bench/results/${days.at(-1)}/results.json`));
    expect(readme).toContain(readmeBlock(results, 'bench/results/startup.svg'));
  });
});

describe('the first policy of the tour', () => {
  const page = read('docs/pages/policy/tour.md');
  const text = /^```\w*[^\n]*\n(default errno[\s\S]*?)^```/m.exec(page)?.[1] ?? '';
  beforeAll(async () => init());

  it('compiles without a warning', () => {
    expect(text).toContain('allow');
    expect(compilePolicy({ name: 'tour', text }, { arch: 'x86_64' }).diagnostics).toEqual([]);
  });

  it.each(['execve', 'read', 'openat', 'mmap', 'exit_group', 'clone', 'pipe2', 'wait4'])(
    'lets a program call %s',
    (call) => {
      const { action } = simulate({ name: 'tour', text }, { call }, { arch: 'x86_64' });
      expect(action).toMatchObject({ kind: 'allow' });
    },
  );
});
