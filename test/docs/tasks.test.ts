/** Pages about a task begin with the command that does it. */
import { expect, test } from 'vitest';
import { markdownPages, pageText } from './blocks.js';

const tasks = markdownPages.filter((name) => name.startsWith('task/') || name === 'guide/ci.md');

/** The first thing below the title. */
function firstLine(markdown: string): string | undefined {
  return markdown
    .split('\n')
    .slice(1)
    .find((line) => line !== '' && !line.startsWith('<!--'));
}

test('there are pages about tasks', () => {
  expect(tasks.length).toBeGreaterThanOrEqual(6);
});

test.each(tasks)('%s', (markdown) => {
  const text = pageText(markdown);
  expect(firstLine(text)).toMatch(/^```/);
  expect(text.split('```')[1]).toContain('wasbox run');
});

test('prose before the command is noticed', () => {
  expect(firstLine('# Title\n\nSome words.\n\n```bash\nx\n```')).not.toMatch(/^```/);
});
