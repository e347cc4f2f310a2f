import { describe, expect, it } from 'vitest';
import { Excerpt, jsonExcerpt } from '../../../src/mcp/excerpt.js';

const how = 'Ask for more';
/** @param size of each chunk */
function excerptOf(text: string, size: number, limit = 1000): Excerpt {
  const excerpt = new Excerpt(limit);
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) excerpt.add(bytes.subarray(at, at + size));
  return excerpt;
}
const lines = (count: number): string =>
  Array.from({ length: count }, (_, i) => `line ${i}\n`).join('');

describe.each([1, 7, 100, 10_000])('an excerpt of what comes in chunks of %i bytes', (size) => {
  it.each([0, 1, 499, 500, 501, 999, 1000])('is the whole text of %i bytes', (length) => {
    const text = 'abcdefgh'.repeat(125).slice(0, length);
    expect(excerptOf(text, size).text(1000, how)).toBe(text);
  });

  it('has whole lines of the beginning and the end, and says how much is left out', () => {
    const text = lines(1000);
    const got = excerptOf(text, size).text(1000, how);
    const [, head = '', left, tail = ''] =
      /^([\s\S]*)\n\[… (\d+) bytes left out\. Ask for more\]\n([\s\S]*)$/.exec(got) ?? [];
    expect(text.startsWith(head) && head.endsWith('\n')).toBe(true);
    expect(text.endsWith(tail) && tail.startsWith('line ')).toBe(true);
    expect(head.length + Number(left) + tail.length).toBe(text.length);
    expect(Math.min(head.length, tail.length)).toBeGreaterThan(370);
  });

  it('cuts no character', () => {
    const got = excerptOf('€'.repeat(1000), size).text(1000, how);
    expect(got.replace(/\n.*\n/, '')).toMatch(/^€+$/);
  });

  it('is smaller than it was kept, if less is asked for', () => {
    expect(excerptOf(lines(1000), size).text(200, how).length).toBeLessThan(280);
  });
});

it('an excerpt of bytes that are no text is as short as JSON', () => {
  const text = jsonExcerpt(excerptOf('\0'.repeat(10_000), 100), 1000, how);
  expect(JSON.stringify(text).length).toBeLessThan(1100);
  expect(text).toContain('bytes left out');
});
