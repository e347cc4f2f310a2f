/** The first page, the README, the install page and `--help` say the same. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { verbs } from '../../src/cli/verbs.js';
import { wasboxVersion } from '../../src/version.js';
import { builtDist } from '../support/built.mjs';

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const channels = JSON.parse(read('docs/landing/channels.json')) as [
  name: string,
  command: string,
][];

test.each(channels)('%s: %s', (_, command) => {
  expect(read('README.md')).toContain(command);
  expect(read('docs/pages/guide/install.md')).toContain(command);
  const file = /wasbox[-_]\d\S*/.exec(command)?.[0];
  if (file !== undefined) expect(file).toContain(wasboxVersion);
});

const command = join(builtDist, 'bin/wasbox.bin');
const help = execFileSync(command, ['--help'], { encoding: 'utf8' });
const guide = readdirSync(new URL('../../docs/pages/guide', import.meta.url))
  .map((name) => read(`docs/pages/guide/${name}`))
  .join('\n');

/** The only version of its kind that a text names. */
function versionIn(text: string, pattern: RegExp): string {
  const found = new Set([...text.matchAll(pattern)].map(([, version = '']) => version));
  expect([...found], String(pattern)).toHaveLength(1);
  return [...found].join();
}

describe('the needs of wasbox', () => {
  const node = /"node": "\^([\d.]+) \|\| >=[\d.]+"/.exec(read('package.json'))?.[1];
  const kernel = /oldestKernel = '([\d.]+)'/.exec(read('src/plan/filter.ts'))?.[1];

  test.each(['README.md', 'docs/pages/guide/start.md', 'docs/pages/guide/install.md'])(
    'name Node in %s',
    (path) => {
      expect(versionIn(read(path), /Node (\d+\.\d+) or newer/g)).toBe(node);
    },
  );

  test('name Linux as the command does', () => {
    for (const path of ['README.md', 'docs/pages/guide/start.md'])
      expect(versionIn(read(path), /needs? Linux (\d+\.\d+) or newer/g), path).toBe(kernel);
    expect(versionIn(read('docs/pages/guide/install.md'), /from kernel (\d+\.\d+) on/g)).toBe(
      kernel,
    );
    expect(versionIn(read('src/leads/set-up.ts'), /needs Linux (\d+\.\d+) or newer/g)).toBe(kernel);
  });

  test('name Node, as the command says where it is too old', () => {
    expect(versionIn(read('src/cli/boot.cjs'), /Node\.js (\d+\.\d+) or later/g)).toBe(node);
  });
});

describe('--help', () => {
  test('lists the verbs', () => {
    const listed = [...help.matchAll(/^ {2}([a-z]+) +\S/gm)].map(([, name]) => name);
    expect(listed.filter((name) => name !== undefined && name in verbs)).toEqual(
      Object.keys(verbs),
    );
  });

  test('has examples that the README has, too, in forms that the guide shows', () => {
    const examples = help.slice(help.indexOf('Examples:')).split('\n').slice(1);
    const commands = examples
      .map((line) => line.trim().split(/ {2,}/)[0] ?? '')
      .filter((line) => line.includes('wasbox run'));
    expect(commands.length).toBeGreaterThan(3);
    for (const example of commands) {
      const words = example.replace(/^curl … \| /, '');
      expect(read('README.md'), example).toContain(words);
      // The guide has the form, with another program.
      const [form = ''] = /^wasbox run(?: --lang \w+)?(?: --?(?= |$))?(?: -c)?/.exec(words) ?? [];
      expect(guide, example).toContain(form);
    }
  });

  test('says what the README begins with', () => {
    const [first = ''] = help.split('\n');
    expect(first).toBe('wasbox runs untrusted code in a sandbox, with one command.');
    expect(read('package.json')).toContain('Run untrusted code in a sandbox, with one command');
  });
});
