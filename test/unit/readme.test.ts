/** The README's policy is one that programs can run under, and its commands exist. */
import { readFileSync } from 'node:fs';
import { beforeAll, expect, it } from 'vitest';
import { compilePolicy, init, simulate } from '../../src/policy/index.js';

const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
const indented = /^ {4}default errno.*(?:\n {4}.*)*/m.exec(readme)?.[0] ?? '';
const text = indented.replaceAll(/^ {4}/gm, '');

beforeAll(async () => init());

it('shows a policy that compiles without a warning', () => {
  expect(text).toContain('allow');
  expect(compilePolicy({ name: 'readme', text }, { arch: 'x86_64' }).diagnostics).toEqual([]);
});

it.each(['execve', 'read', 'openat', 'mmap', 'exit_group', 'clone', 'pipe2', 'wait4'])(
  'the policy lets a program call %s',
  (call) => {
    const { action } = simulate({ name: 'readme', text }, { call }, { arch: 'x86_64' });
    expect(action).toMatchObject({ kind: 'allow' });
  },
);
