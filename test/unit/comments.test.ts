/** A comment is a sentence with a subject: none opens with a word that leaves it without one. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folders = ['src', 'addon', 'wasm-core', 'test', 'bench', 'docs'];

const headless = /^(?:What|Whether|Of|By|To be|The same)\b(?!-)/;

/** The mark of a comment that ends with its line, by the extension of the file. */
const lineMarks: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    ['.ts', '.mts', '.cts', '.js', '.mjs', '.cjs', '.c', '.h', '.cc', '.css'].map((extension) => [
      extension,
      '//',
    ]),
  ),
  ...Object.fromEntries(['.py', '.sh', '.yaml', '.policy'].map((extension) => [extension, '#'])),
};

function trackedFiles(): string[] {
  const listed = execFileSync('git', ['-c', 'safe.directory=*', 'ls-files', '-z', ...folders], {
    cwd: root,
    encoding: 'utf8',
  });
  return listed.split('\0').filter((name) => extname(name) in lineMarks);
}

/** Returns LINE: TEXT of each comment without a subject. Line comments below each other are one comment. */
function headlessComments(name: string, text: string): string[] {
  const mark = lineMarks[extname(name)] ?? '//';
  const begin = new RegExp(`(?:^|[\\s;,{}()])(?:${mark}+|/\\*+)(?:\\s+(.*))?$`);
  const lines = text.split('\n').map((line) => line.trim());
  return lines.flatMap((line, at) => {
    if (line.startsWith(mark) && lines[at - 1]?.startsWith(mark)) return [];
    const [, rest] = /^\/\*+$/.test(line) ? [line, lines[at + 1]] : (begin.exec(line) ?? []);
    const opening = rest?.replace(/^\*?\s*/, '') ?? '';
    return headless.test(opening) ? [`${at + 1}: ${opening}`] : [];
  });
}

describe('a comment', () => {
  it('is a sentence that has a subject', () => {
    const found = trackedFiles().flatMap((name) =>
      headlessComments(name, readFileSync(join(root, name), 'utf8')).map((one) => `${name}:${one}`),
    );
    expect(found).toEqual([]);
  });

  it('is found where it has no subject', () => {
    // `@` keeps the samples from being comments of this file.
    const code = [
      '@** What it has. */',
      '@**',
      ' * Whether it has one.',
      ' */',
      'a(); @@ By its name.',
      '@@ Returns what it has.',
      '@@ What it has is the end of a sentence here.',
      "const url = 'https:@@What';",
      'int b; @* To be called first. */',
    ]
      .join('\n')
      .replaceAll('@', '/');
    expect(headlessComments('made-up.ts', code)).toEqual([
      '1: What it has. */',
      '2: Whether it has one.',
      '5: By its name.',
      '9: To be called first. */',
    ]);
    expect(headlessComments('made-up.py', '# The same once more.')).toHaveLength(1);
    expect(headlessComments('made-up.py', '# The same-named one.\n')).toHaveLength(0);
  });
});
