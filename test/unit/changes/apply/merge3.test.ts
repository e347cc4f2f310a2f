import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { mergeText } from '../../../../src/changes/apply/merge3.js';

const base = 'a\nb\nc\nd\ne\n';

test.each([
  ['only one changed it', 'a\nB\nc\nd\ne\n', base, 'a\nB\nc\nd\ne\n'],
  ['both changed other lines', 'A\nb\nc\nd\ne\n', 'a\nb\nc\nd\nE\n', 'A\nb\nc\nd\nE\n'],
  ['both did the same', 'a\nX\nc\nd\ne\n', 'a\nX\nc\nd\ne\n', 'a\nX\nc\nd\ne\n'],
  ['one added at the end, one at the start', `0\n${base}`, `${base}f\n`, `0\n${base}f\n`],
  ['one removed, one added', 'a\nd\ne\n', `${base}f\n`, 'a\nd\ne\nf\n'],
  ['one took the last line end away', 'a\nb\nc\nd\ne', `0\n${base}`, '0\na\nb\nc\nd\ne'],
  ['carriage returns and bytes stay', 'a\nb\r\n\xff\nd\ne\n', `${base}f`, 'a\nb\r\n\xff\nd\ne\nf'],
])('%s', (_what, ours, theirs, text) => {
  expect(mergeText(base, ours, theirs)).toEqual({ text, conflicts: 0 });
  expect(mergeText(base, theirs, ours)).toEqual({ text, conflicts: 0 });
});

test('the same lines changed in two ways stand between markers, whole lines each', () => {
  const { text, conflicts } = mergeText(base, 'a\nB\nc\nd\ne\n', 'a\nb2\nc\nd\nE');
  expect([text, conflicts]).toEqual([
    "a\n<<<<<<< yours\nB\n||||||| before the run\nb\n=======\nb2\n>>>>>>> the run's\nc\nd\nE",
    1,
  ]);
  expect(mergeText('', 'x', 'y')).toEqual({
    text: "<<<<<<< yours\nx\n||||||| before the run\n=======\ny\n>>>>>>> the run's\n",
    conflicts: 1,
  });
});

describe('against git merge-file', () => {
  test('random edits of distinct lines are merged, or are not, as git does', () => {
    let seed = 20261127;
    const below = (n: number): number => {
      seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
      return (seed >>> 8) % n;
    };
    const directory = mkdtempSync(join(tmpdir(), 'wasbox-merge-'));
    const clean = { yes: 0, no: 0 };
    try {
      for (let round = 0; round < 150; round++) {
        const lines = Array.from({ length: 4 + below(20) }, (_, n) => `line ${n}`);
        const edit = (mark: string): string[] =>
          lines.flatMap((line, n) => {
            const what = below(12);
            if (what === 0) return [];
            if (what === 1) return [`${mark} ${n}`];
            return what === 2 ? [line, `${mark} after ${n}`] : [line];
          });
        const texts = [edit('ours'), lines, edit('theirs')].map((all) => `${all.join('\n')}\n`);
        const files = texts.map((text, n) => {
          const file = join(directory, String(n));
          writeFileSync(file, text);
          return file;
        });
        const git = spawnSync('git', ['merge-file', '-p', '--diff3', ...files]);
        const [ours = '', was = '', theirs = ''] = texts;
        const merged = mergeText(was, ours, theirs);
        expect(merged.conflicts === 0, texts.join('--\n')).toBe(git.status === 0);
        if (git.status === 0) expect(merged.text).toBe(git.stdout.toString());
        clean[git.status === 0 ? 'yes' : 'no']++;
      }
    } finally {
      rmSync(directory, { recursive: true });
    }
    // Merges with and without conflicts happened often.
    expect(Math.min(clean.yes, clean.no)).toBeGreaterThan(20);
  });
});
