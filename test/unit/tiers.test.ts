/** Every file of tests runs in some pass and tier; those that only the ordinary user's pass has lose nothing by it. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { all, anyUser, longest, slow } from '../tiers.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The files of each project, in a tier and pass. */
function filesIn(tier: string, pass?: 'root' | 'user'): Record<string, string[]> {
  const script = `import { filesOf, projects } from './test/tiers.mjs';
    const names = Object.keys(projects);
    console.log(JSON.stringify(Object.fromEntries(names.map((name) => [name, filesOf(name)]))));`;
  const { WASBOX_TEST_PASS: _, ...env } = process.env;
  const out = execFileSync(process.execPath, ['--input-type=module', '-e', script], {
    cwd: root,
    encoding: 'utf8',
    env: { ...env, WASBOX_TEST_TIER: tier, ...(pass ? { WASBOX_TEST_PASS: pass } : {}) },
  });
  return JSON.parse(out);
}

const textOf = (path: string): string => readFileSync(root + path, 'utf8');

const listed = (tier: string, pass?: 'root' | 'user') =>
  Object.values(filesIn(tier, pass)).flat().sort();

/** The files that this machine has the programs for. */
const everything = listed('all');

describe('the lists of test/tiers.mjs', () => {
  it('name files that exist', () => {
    const named = [...longest, ...anyUser, ...Object.values(slow).flat()];
    expect(named.filter((path) => !path.includes('*') && !all.includes(path))).toEqual([]);
  });

  it('each test file is in one project', () => {
    expect(everything).toEqual([...new Set(everything)]);
    expect(everything.length).toBeGreaterThan(350);
  });

  it('each test file is in a short or a long tier', () => {
    expect([...listed('test'), ...listed('rest')].sort()).toEqual(everything);
  });

  it('each test file is in a pass of .ci/run', () => {
    const both = new Set([...listed('all', 'root'), ...listed('all', 'user')]);
    expect([...both].sort()).toEqual(everything);
  });

  it('leave an attack to one pass only where it starts wasbox as the ordinary user alone', () => {
    const [asRoot, asUser] = [listed('all', 'root'), listed('all', 'user')];
    const missing = asUser.filter((path) => !asRoot.includes(path) && path.includes('/attacks/'));
    expect(missing.length).toBeGreaterThan(0);
    expect(missing.filter((path) => !textOf(path).includes('ordinaryUser('))).toEqual([]);
  });

  it('leave no test that needs root to the pass as the ordinary user', () => {
    const onlyUser = new Set(everything);
    for (const path of listed('all', 'root')) onlyUser.delete(path);
    expect(onlyUser.size).toBeGreaterThan(50);
    const needsRoot = /\bneeds\([^)]*'root'|\bunderRoot\b/;
    expect([...onlyUser].filter((path) => needsRoot.test(textOf(path)))).toEqual([]);
  });

  it('give a process of its own to each file that replaces modules', () => {
    const { mocking = [], 'launch-mocking': launches = [] } = filesIn('all');
    const replaces = /\bvi\.(?:mock|doMock)\(/;
    const files = everything.filter((path) => replaces.test(textOf(path)));
    expect(files.filter((path) => ![...mocking, ...launches].includes(path))).toEqual([]);
    expect(launches.length).toBeGreaterThan(0);
  });
});
