import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type GitIndex, parseIndex } from '../../../../src/changes/show/git-index.js';
import { hiddenBy } from '../../../../src/changes/show/git-index-notes.js';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'wasbox-index-'));
});
afterAll(() => {
  rmSync(directory, { recursive: true });
});

const env = { PATH: process.env.PATH, HOME: '/nonexistent', GIT_CONFIG_NOSYSTEM: '1' };
function git(cwd: string, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync('git', args, { cwd, env, encoding: 'utf8' });
  expect([status, stderr], args.join(' ')).toEqual([0, expect.anything()]);
  return stdout;
}

const flags = (index: GitIndex | undefined): Record<string, number> =>
  Object.fromEntries(index?.flagged ?? []);

/** An index that git wrote itself. */
function repository(
  name: string,
  format: string,
  version: number,
): { cwd: string; bytes: () => Buffer } {
  const cwd = join(directory, name);
  git(directory, 'init', '-q', `--object-format=${format}`, name);
  for (const file of [
    'a',
    'b',
    'c',
    'long name with spaces.txt',
    'größe',
    'abcdefghijklmnopqrstuvwxyz',
  ]) {
    writeFileSync(join(cwd, file), file);
  }
  git(cwd, 'add', '.');
  git(cwd, 'update-index', '--index-version', String(version));
  return { cwd, bytes: () => readFileSync(join(cwd, '.git/index')) };
}

describe.each([
  ['sha1', 2],
  ['sha1', 3],
  ['sha1', 4],
  ['sha256', 2],
  ['sha256', 4],
])('an index of %s, version %i', (format, version) => {
  test('its flags are read as git sets them', () => {
    const { cwd, bytes } = repository(`${format}-${version}`, format, version);
    expect(flags(parseIndex(bytes()))).toEqual({});
    git(cwd, 'update-index', '--assume-unchanged', 'b');
    git(cwd, 'update-index', '--skip-worktree', 'größe', 'abcdefghijklmnopqrstuvwxyz');
    writeFileSync(join(cwd, 'later'), 'x');
    git(cwd, 'add', '--intent-to-add', 'later');
    const before = parseIndex(bytes());
    const name = Buffer.from('größe').toString('latin1');
    expect(flags(before)).toEqual({ b: 1, [name]: 2, abcdefghijklmnopqrstuvwxyz: 2, later: 4 });
    git(cwd, 'update-index', '--skip-worktree', 'b');
    git(cwd, 'update-index', '--no-skip-worktree', 'abcdefghijklmnopqrstuvwxyz');
    const after = parseIndex(bytes());
    expect(after && hiddenBy(before, after)).toEqual([
      'hides changes to b from git (assume-unchanged, skip-worktree)',
      'hides changes to 2 paths as it did before',
    ]);
  });
});

test('reports an extension that makes git trust the index', () => {
  const { cwd, bytes } = repository('untracked', 'sha1', 2);
  const before = parseIndex(bytes());
  git(cwd, 'update-index', '--force-untracked-cache');
  const after = parseIndex(bytes());
  expect(before && hiddenBy(undefined, before)).toEqual([]);
  expect(after && hiddenBy(before, after)).toEqual([expect.stringContaining('untracked cache')]);
});

test('very many flags are summed up', () => {
  const flagged = new Map(Array.from({ length: 1000 }, (_, n) => [`f${n}`, 2]));
  const notes = hiddenBy(undefined, { flagged, extensions: new Set() });
  expect(notes).toHaveLength(21);
  expect(notes.at(-1)).toBe('hides changes to 980 more paths');
});

test('a damaged index is none, wherever it is damaged', () => {
  const { cwd, bytes } = repository('damaged', 'sha1', 4);
  git(cwd, 'update-index', '--skip-worktree', 'c');
  const whole = bytes();
  expect(flags(parseIndex(whole))).toEqual({ c: 2 });
  for (let length = 0; length < whole.length; length++) {
    const cut = parseIndex(whole.subarray(0, length));
    expect(cut === undefined || cut.flagged.size <= 1).toBe(true);
  }
  for (let at = 4; at < whole.length; at++) {
    const changed = Buffer.from(whole);
    changed[at] = (changed[at] as number) ^ 0xff;
    expect(() => parseIndex(changed)).not.toThrow();
  }
});
