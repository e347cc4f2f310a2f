/** A comment is a sentence with a subject: none opens with a word that leaves it without one. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folders = ['src', 'addon', 'wasm-core', 'test', 'bench', 'docs'];

/** Openings after which no subject comes. `Which of` may be the subject of a sentence, and so may `Not every`. */
const headless =
  /^(?:What|Whether|Of|By|To be|The same|Who|Whom|Whose|Which(?! of\b)|Not(?! every\b)|Also|And|Into|Like|Nor|Or|Than|Within)\b(?!-)/;

/**
 * Openings of an introductory phrase: a sentence has a comma behind it ("As root, each run has …"), a fragment has not
 * ("As makedev(3) makes it."). `At most` and `At least` qualify a subject.
 */
const introductory =
  /^(?:After|Among|As|At(?! most\b| least\b)|Before|Behind|Below|Beside|Between|Beyond|For|From|In|On|Over|Through|To|Under|Until|While|With|Without)\b(?!-)/;

/** A comma in the first clause, which may have versions and names of files in it. */
const comma = /^(?:(?![.:;](?:\s|$)).)*?, /;

/** Ends such as "undefined where it is … none": only the code says what the thing is not. */
const nounless = /\b(?:it|this|what) is none\b/;

const hasNoSubject = (text: string): boolean =>
  nounless.test(text.replace(/\*\/.*/s, '')) ||
  headless.test(text) ||
  (introductory.test(text) && !comma.test(text));

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

/** Files that are to be committed count, too. */
function sourceFiles(): string[] {
  const kinds = ['--cached', '--others', '--exclude-standard'];
  const listed = execFileSync(
    'git',
    ['-c', 'safe.directory=*', 'ls-files', ...kinds, '-z', ...folders],
    { cwd: root, encoding: 'utf8' },
  );
  const names = listed.split('\0').filter((name) => extname(name) in lineMarks);
  return names.filter((name) => existsSync(join(root, name)));
}

/** Returns LINE: TEXT of each comment without a subject. Line comments below each other are one comment. */
function headlessComments(name: string, text: string): string[] {
  const mark = lineMarks[extname(name)] ?? '//';
  const begin = new RegExp(`(?:^|[\\s;,{}()])(?:${mark}+|/\\*+)(?:\\s+(.*))?$`);
  const lines = text.split('\n').map((line) => line.trim());
  return lines.flatMap((line, at) => {
    if (line.startsWith(mark) && lines[at - 1]?.startsWith(mark)) return [];
    const isBlock = /^\/\*+$/.test(line);
    const [, rest] = isBlock ? [line, lines[at + 1]] : (begin.exec(line) ?? []);
    const opening = rest?.replace(/^\*?\s*/, '') ?? '';
    const next = at + (isBlock ? 2 : 1);
    const behind = lines.slice(next, next + 3).map((one) => one.replace(/^(?:\*|#|\/\/)\s*/, ''));
    const whole = opening.endsWith('*/') ? opening : [opening, ...behind].join(' ');
    return opening !== '' && hasNoSubject(whole) ? [`${at + 1}: ${opening}`] : [];
  });
}

describe('a comment', () => {
  it('is a sentence that has a subject', () => {
    const found = sourceFiles().flatMap((name) =>
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
      '@* In percent; less is no rename, as in git. */',
      '@** As Node finds them: 0, 1 and 2. */',
      '@** As root, each run has ids of its own. */',
      '@* Before Linux 6.6,',
      ' * tmpfs has no attributes. */',
      '@@ Which process is the init of a run.',
      '@@ With a comma on the line below, which is this',
      '@@ one, it is a sentence.',
      'int most; @* At most this many directories. */',
      '@* Without its GO init can only die. */',
      'call("a, b");',
      '@** The width of an element; 0 where it is none. */',
    ]
      .join('\n')
      .replaceAll('@', '/');
    expect(headlessComments('made-up.ts', code)).toEqual([
      '1: What it has. */',
      '2: Whether it has one.',
      '5: By its name.',
      '9: To be called first. */',
      '10: In percent; less is no rename, as in git. */',
      '11: As Node finds them: 0, 1 and 2. */',
      '15: Which process is the init of a run.',
      '19: Without its GO init can only die. */',
      '21: The width of an element; 0 where it is none. */',
    ]);
    expect(headlessComments('made-up.py', '# The same once more.')).toHaveLength(1);
    expect(headlessComments('made-up.py', '# The same-named one.\n')).toHaveLength(0);
  });
});
