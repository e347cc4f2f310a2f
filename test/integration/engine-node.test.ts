/**
 * The modules of Node's that the engine has of its own (src/engine): what the command line gets from them is
 * what Node gives it. The same cases are made by both.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inflateSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildEngine } from '../support/engine/build.js';
import { firstSeed } from '../support/seeds.js';

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const folder = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), 'wasbox-engine-node-')));
const tree = join(folder, 'tree');
const engine = join(folder, 'wasbox-engine');
const seed = Number(process.env.WASBOX_ENGINE_SEED ?? firstSeed);
const env = { PATH: '/usr/bin:/bin', HOME: '/home/of-the-test', TMPDIR: '/tmp/', A: 'ä=b' };
const server = createServer();

/** Entries of all types, and names that are no text. */
async function makeTree(): Promise<void> {
  fs.mkdirSync(join(tree, 'directory'), { recursive: true });
  for (const name of ['plain', 'ä', '€', 'Z', 'a.b', ' space'])
    fs.writeFileSync(join(tree, name), name);
  fs.writeFileSync(Buffer.concat([Buffer.from(`${tree}/`), Buffer.from([0xff, 0x41])]), '');
  fs.symlinkSync('nowhere', join(tree, 'dangling'));
  execFileSync('mkfifo', [join(tree, 'pipe')]);
  fs.truncateSync(join(tree, 'plain'), 5_000_000_000);
  await new Promise<void>((resolve) => server.listen(join(tree, 'socket'), resolve));
}

/** Returns what a program made of the cases says of itself. */
function saidBy(argv: readonly [string, ...string[]], scratch: string, more = {}): unknown {
  fs.mkdirSync(scratch);
  const [file, ...words] = [...argv, scratch, tree, String(seed)];
  const { status, stdout, stderr } = spawnSync(file ?? '', words, {
    cwd: folder,
    env: { ...env, ...more },
    maxBuffer: 1 << 28,
  });
  expect(status, `${stdout.toString().slice(0, 2000)}${stderr}`).toBe(0);
  return JSON.parse(stdout.toString());
}

interface Said {
  readonly deflated: string;
}

beforeAll(async () => {
  await makeTree();
  buildEngine(engine, { program: 'node-main.ts' });
  const bundle = `import('esbuild').then(({ build }) => build({ entryPoints: [process.argv[1]],
    outfile: process.argv[2], bundle: true, platform: 'node', format: 'esm' }))`;
  const cases = here('../support/engine/node-case.ts');
  execFileSync(process.execPath, ['-e', bundle, cases, join(folder, 'cases.mjs')], {
    cwd: here('../..'),
  });
});

afterAll(() => {
  server.close();
  fs.rmSync(folder, { recursive: true, force: true });
});

function inNode(scratch: string): unknown {
  const program = `import(${JSON.stringify(join(folder, 'cases.mjs'))}).then(({ results }) =>
    results(process.argv[1], process.argv[2], Number(process.argv[3])).then((found) =>
      process.stdout.write(JSON.stringify(found))))`;
  return saidBy([process.execPath, '-e', program], join(folder, scratch));
}

const inEngine = (command: string, scratch: string): unknown =>
  saidBy([command], join(folder, scratch), { WASBOX_FASTPATH: 'explain:' });

test(`the engine's modules do what Node's do (seed ${seed})`, () => {
  const [engines, nodes] = [inEngine(engine, 'one'), inNode('two')] as [Said, Said];
  const content = ({ deflated }: Said) => inflateSync(Buffer.from(deflated, 'base64')).toString();
  expect(content(engines)).toBe(content(nodes));
  // Two versions of zlib may pack the same content differently.
  expect({ ...engines, deflated: '' }).toEqual({ ...nodes, deflated: '' });
});

test('the control: modules that are wrong in one place are found', () => {
  const wrong = join(folder, 'wrong-engine');
  buildEngine(wrong, { program: 'node-main.ts', more: ['wrong-modules.ts'] });
  const [engines, nodes] = [inEngine(wrong, 'three'), inNode('four')] as [Said, Said];
  expect({ ...engines, deflated: '' }).not.toEqual({ ...nodes, deflated: '' });
});
