/** The code blocks of the documentation, as the tests read them. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const pagesRoot = fileURLToPath(new URL('../../docs/pages', import.meta.url));

/**
 * A fenced block. Its info line is the language, then words:
 * `file=NAME` a file that later examples use; `output` what the block before prints;
 * `needs=WHAT` cannot be run by the tests, so that only its form is checked; `warns` a policy whose
 * warnings are the point; `fails` one whose errors are; `nocopy` for readers only.
 */
export interface Block {
  readonly page: string;
  readonly line: number;
  readonly language: string;
  readonly words: ReadonlyMap<string, string>;
  readonly text: string;
}

export function blocksOf(page: string, text: string): Block[] {
  const fence = /^```([^\n]*)\n([\s\S]*?)^```$/gm;
  return [...text.matchAll(fence)].map(({ 1: info = '', 2: body = '', index }) => {
    const [language = '', ...words] = info.trim().split(/\s+/);
    const pairs = words.map((word): [string, string] => {
      const [name = '', value = ''] = word.split('=');
      return [name, value];
    });
    const line = text.slice(0, index).split('\n').length;
    return { page, line, language, words: new Map(pairs), text: body };
  });
}

/** Paths of all Markdown pages, relative to docs/pages. */
export const markdownPages = readdirSync(pagesRoot, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.md'))
  .sort();

export const pageText = (page: string): string => readFileSync(join(pagesRoot, page), 'utf8');

export interface Command {
  readonly command: string;
  readonly expected: readonly string[];
}

/** `$ command`, `> more of it`, and what it prints. */
export function commandsOf(text: string): Command[] {
  const found: { command: string; expected: string[] }[] = [];
  for (const line of text.replace(/\n$/, '').split('\n')) {
    const last = found.at(-1);
    if (line.startsWith('$ ')) found.push({ command: line.slice(2), expected: [] });
    else if (last === undefined) throw new Error(`output before a command: ${line}`);
    else if (line.startsWith('> ') && last.expected.length === 0) {
      last.command += `\n${line.slice(2)}`;
    } else last.expected.push(line);
  }
  return found;
}

/** Returns what was expected as a pattern: `…` is some text of a line, a line of it alone some lines. */
export function patternOf(expected: readonly string[]): RegExp {
  const quoted = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const lines = expected.map((line) =>
    line.trim() === '…' ? '(?:.*\\n)*?' : `${line.split('…').map(quoted).join('.*')} *\\n`,
  );
  return new RegExp(`^${lines.join('')}$`);
}
