/**
 * Examples name no real machine: host names and addresses in the documentation and in messages are those that
 * RFC 2606, RFC 6761 and RFC 5737 reserve. Links to sources (https://…) are not examples.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const texts = [
  'README.md',
  'SECURITY.md',
  'CHANGELOG.md',
  ...under('docs/pages', '.md'),
  ...under('src', '.ts'),
];

function under(directory: string, ending: string): string[] {
  return readdirSync(join(root, directory), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(ending))
    .map((name) => join(directory, name));
}

/** Registries and sites that examples tend to name. */
const realHosts =
  /\b(?:[\w-]+\.)*(?:npmjs\.(?:org|com)|pypi\.org|pythonhosted\.org|crates\.io|github\.com|githubusercontent\.com|google\.com|debian\.org|ubuntu\.com|cloudflare\.com|openai\.com)\b/g;

const found = (text: string): string[] =>
  text.replace(/https:\/\/[^\s)'"`>]+/g, '').match(realHosts) ?? [];

test.each(texts)('%s', (name) => {
  expect(found(readFileSync(join(root, name), 'utf8'))).toEqual([]);
});

test('a real name is found', () => {
  expect(found('wasbox run --net files.pythonhosted.org:443 -- x')).toEqual([
    'files.pythonhosted.org',
  ]);
});
