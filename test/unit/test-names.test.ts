/** The full name of a test, its `describe` blocks joined with its own, is a sentence that can fail. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { parseAst } from 'vitest/node';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Openings that leave a name without a subject, both of a test's own name and of its full one. */
const fragment = /^(?:of|that|what|nor|but|and|so|which)\b/;

/** Openings of an introductory phrase, behind which a sentence has a comma or a colon. */
const introductory =
  /^(?:as|at|by|for|from|in|into|on|through|to|under|where|with|without)\b(?!.*[,:] )/;

/** A verb needs a subject before it; a `describe` may be one. */
const verb = /^(?:are|can|cannot|do|does|gives|go|goes|has|have|is|say|says|tells|works)\b/;

/** An account that the tests are repeated for is no subject. */
const account = /^as \$(?:as\.)?label(?: with \$isolation)?[,:]?\s*/;

interface Name {
  readonly line: number;
  readonly blocks: string;
  readonly own: string;
}

/** The parser gives more of a node than this. */
interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [key: string]: unknown;
}

const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && 'type' in value;

/** Returns `describe`, `test` or `it` if a call is one of them, also by `each`, by account or by what it needs. */
function kindOf(callee: unknown): string | undefined {
  if (!isNode(callee)) return undefined;
  const name = callee.type === 'MemberExpression' ? callee.property : callee;
  if (isNode(name) && /^(?:describe|test|it)$/.test(String(name.name))) return String(name.name);
  return kindOf(callee.object ?? callee.callee ?? callee.tag);
}

/** Returns the name of each test of a file. A name that is a variable is left out. */
function namesIn(text: string): Name[] {
  const found: Name[] = [];
  const visit = (value: unknown, blocks: string): void => {
    if (Array.isArray(value)) for (const one of value) visit(one, blocks);
    if (!isNode(value)) return;
    const [first] = value.type === 'CallExpression' ? (value.arguments as Node[]) : [];
    const kind = first && kindOf(value.callee);
    let inside = blocks;
    if (first && kind && (typeof first.value === 'string' || first.type === 'TemplateLiteral')) {
      const own = String(first.value ?? text.slice(first.start + 1, first.end - 1));
      if (kind === 'describe') inside = `${blocks} ${own}`.trim();
      else found.push({ line: text.slice(0, first.start).split('\n').length, blocks, own });
    }
    for (const part of Object.values(value)) visit(part, inside);
  };
  visit(parseAst(text, { lang: 'ts' }).body, '');
  return found;
}

/** Returns LINE: NAME of each test whose name means nothing alone. */
function meaningless(names: readonly Name[]): string[] {
  return names.flatMap(({ line, blocks, own }) => {
    const alone = own.replace(account, '');
    const full = `${blocks.replace(account, '')} ${alone}`.trim();
    const isBad = [alone, full].some((name) => fragment.test(name) || introductory.test(name));
    return isBad || verb.test(full) ? [`${line}: ${`${blocks} ${own}`.trim()}`] : [];
  });
}

test('the full name of a test is a sentence that has a subject', () => {
  const kinds = ['--cached', '--others', '--exclude-standard'];
  const files = execFileSync(
    'git',
    ['-c', 'safe.directory=*', 'ls-files', '-z', ...kinds, 'test'],
    { cwd: root, encoding: 'utf8' },
  )
    .split('\0')
    .filter((name) => name.endsWith('.test.ts') && existsSync(join(root, name)));
  const names = files.map(
    (name) => [name, namesIn(readFileSync(join(root, name), 'utf8'))] as const,
  );
  expect(names.flatMap(([, all]) => all).length).toBeGreaterThan(2500);
  const found = names.flatMap(([name, all]) => meaningless(all).map((one) => `${name}:${one}`));
  expect(found).toEqual([]);
});

test('a name without a subject is found', () => {
  const code = [
    "test('works offline', () => {});",
    "describe('a bomb', () => { it('of compression', () => {});",
    "it.each([1])('is refused with %s', () => {}); });",
    "user.describe('as $label', () => { needs('root').test('is gone', () => {}); });",
    "describe.each([1])('what a run holds', () => { it('is small', () => {}); });",
    'test(`as $label: a run ends`, () => {});',
    "test('with --strict, the step fails', () => {});",
    "test('with other words', () => {});",
  ].join('\n');
  expect(meaningless(namesIn(code))).toEqual([
    '1: works offline',
    '2: a bomb of compression',
    '4: as $label is gone',
    '5: what a run holds is small',
    '8: with other words',
  ]);
});
