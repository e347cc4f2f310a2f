/**
 * Every example of the documentation is run, page by page, in the order in which a reader meets it:
 * commands print what the page says, policies compile, programs run.
 */
import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { commands } from '../../src/cli/catalogue.js';
import { verbs } from '../../src/cli/verbs.js';
import { parseLine } from '../../src/options/index.js';
import { compilePolicy, init, PolicyError } from '../../src/policy/index.js';
import { type Identity, identities } from '../support/identity.js';
import { makeProject, writeFiles } from '../support/project.js';
import { nativeOf } from '../support/two-ways.js';
import { runProgram } from '../support/wasbox.js';
import { type Block, blocksOf, commandsOf, markdownPages, pageText, patternOf } from './blocks.js';

/** Languages whose blocks are nothing that could be run. */
const plain = new Set(['', 'text']);

const name = (block: Block): string => `${block.page}:${block.line}`;

/** A directory in which `wasbox` is a command and can be imported. */
function workplace(as: Identity): string {
  const cwd = makeProject(as, {}, 'docs');
  const tools = makeProject(as, {}, 'tools');
  fs.mkdirSync(join(tools, 'bin'));
  fs.mkdirSync(join(tools, 'home/.config'), { recursive: true });
  for (const name of ['home', 'home/.config']) fs.chownSync(join(tools, name), as.uid, as.gid);
  fs.writeFileSync(join(tools, 'bin/wasbox'), `#!/bin/sh\nexec '${nativeOf(as)}' "$@"\n`, {
    mode: 0o755,
  });
  fs.symlinkSync(process.execPath, join(tools, 'bin/node'));
  fs.mkdirSync(join(tools, 'node_modules'));
  fs.symlinkSync(join(dirname(as.cli), '..'), join(tools, 'node_modules/wasbox'));
  fs.writeFileSync(join(tools, 'path'), `${tools}/bin`);
  return [cwd, tools].join('\n');
}

/** Checks what a command line of wasbox would be refused for, without running it. */
async function formOf(line: string): Promise<void> {
  const words = (line.match(/'[^']*'|"[^"]*"|[^\s'"]+/g) ?? []).map((word) =>
    word.replace(/^(['"])(.*)\1$/s, '$2'),
  );
  const at = words.indexOf('wasbox');
  if (at < 0 || /^npm install /.test(line)) return;
  const rest = words.slice(at + 1);
  const end = rest.findIndex((word) => ['|', '>', '&&', ';', '#'].includes(word));
  const argv = end < 0 ? rest : rest.slice(0, end);
  const all = await commands(verbs);
  const found = all.find(({ name: verb }) => `${argv.join(' ')} `.startsWith(`${verb} `));
  if (found === undefined) {
    // A word with a dot is no command, but what to run.
    expect(['--help', '-h', '--version', 'policy', 'help', 'script.py'], line).toContain(argv[0]);
    return;
  }
  const own = argv.slice(found.name.split(' ').length);
  parseLine(found.options, own, {
    command: `wasbox ${found.name}`,
    stopAtOperand: found.name === 'run',
  });
}

function checkPolicy(block: Block, included: Readonly<Record<string, string>>): void {
  const source = { name: 'example.policy', text: block.text, includes: included };
  if (block.words.has('fails')) {
    expect(() => compilePolicy(source)).toThrow(PolicyError);
    return;
  }
  const { diagnostics } = compilePolicy(source);
  if (block.words.has('warns')) expect(diagnostics.length).toBeGreaterThan(0);
  else expect(diagnostics).toEqual([]);
}

async function runBlock(block: Block, output: Block | undefined, as: Identity, place: string) {
  const [cwd = '', tools = ''] = place.split('\n');
  // A home of its own: an example applies a change to it.
  const HOME = join(tools, 'home');
  const env = { PATH: `${tools}/bin:/usr/local/bin:/usr/bin:/bin`, LANG: 'C.UTF-8', HOME };
  if (block.language === 'console') {
    for (const { command, expected } of commandsOf(block.text)) {
      const run = await runProgram(['bash', '-c', `exec 2>&1\n${command}`], { as, cwd, env });
      expect(run.out, `${name(block)}: $ ${command}`).toMatch(patternOf(expected));
    }
  } else if (['js', 'mjs'].includes(block.language)) {
    const file = join(tools, `example-${block.line}.mjs`);
    fs.writeFileSync(file, block.text);
    const run = await runProgram([process.execPath, file], { as, cwd, env });
    expect([run.err, run.status], name(block)).toEqual(['', 0]);
    if (output !== undefined) {
      expect(run.out, name(block)).toMatch(patternOf(output.text.replace(/\n$/, '').split('\n')));
    }
  }
}

beforeAll(async () => init());

describe.each(identities())('as $label', (as) => {
  test.each(markdownPages)('%s', async (page) => {
    const blocks = blocksOf(page, pageText(page));
    const place = workplace(as);
    const included: Record<string, string> = {};
    for (const [at, block] of blocks.entries()) {
      const file = block.words.get('file');
      if (file !== undefined) {
        writeFiles(as, place.split('\n')[0] ?? '', { [file]: block.text });
        if (block.language === 'policy') included[file] = block.text;
      }
      if (block.language === 'policy') checkPolicy(block, included);
      else if (block.language === 'json') JSON.parse(block.text);
      else if (block.words.has('needs') || block.language === 'bash') {
        for (const line of block.text.split('\n')) {
          await formOf(line.replace(/^\$ /, '').replace(/(^|\s)#.*/, ''));
        }
        const syntax = block.text.replaceAll(/^\$ /gm, '');
        const checked = await runProgram(['bash', '-n', '-c', syntax], { as });
        expect(checked.err, name(block)).toBe('');
      } else if (file === undefined && !plain.has(block.language)) {
        const next = blocks[at + 1];
        await runBlock(block, next?.words.has('output') === true ? next : undefined, as, place);
      }
    }
  });
});

test("the README's commands are commands", async () => {
  const readme = fs.readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
  const lines = readme
    .split('\n')
    .filter((line) => /^ {4}.*\bwasbox (run|policy|[a-z]+)/.test(line));
  expect(lines.length).toBeGreaterThan(10);
  for (const line of lines) {
    if (/^ {4}wasbox:/.test(line)) continue;
    for (const part of line.trim().replace(/^\$ /, '').split(/ {3,}/)) {
      if (part.startsWith('wasbox ') || part.includes('| wasbox')) {
        await formOf(part.replace(/\s#.*/, '').replace(/\[[^\]]*\]/g, ''));
      }
    }
  }
});

test('a wrong expectation is noticed', () => {
  expect('one\ntwo\n').toMatch(patternOf(['o…', 'two']));
  expect('one\ntwo\nthree\n').toMatch(patternOf(['one', '…', 'three']));
  expect('one\ntwo\n').not.toMatch(patternOf(['one']));
  expect('one\n').not.toMatch(patternOf([]));
});
