/**
 * Whether wasbox works in the Node that runs this file, in the current directory, which must be empty but for
 * node_modules/wasbox:
 *
 *     node check.mjs EXAMPLES
 *
 * EXAMPLES is docs/examples. Prints a line for each part, and throws at the first that does not work.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const examples = resolve(process.argv[2] ?? '');
const project = resolve('project');
const state = resolve('state');
fs.cpSync(examples, project, { recursive: true });
fs.writeFileSync(join(project, 'package.json'), '{"name":"mine"}\n');
process.env.XDG_STATE_HOME = state;

const index = createRequire(join(process.cwd(), 'main.js')).resolve('wasbox');
const cli = join(dirname(index), 'cli.js');

/** Any deprecation, also one that Node announces in its documentation alone, is an error. */
function wasbox(...args) {
  const strict = ['--throw-deprecation', '--pending-deprecation'];
  const argv = [...strict, cli, ...args];
  return spawnSync(process.execPath, argv, { cwd: project, encoding: 'utf8', timeout: 120_000 });
}

/** Every file below a directory with its content. */
const contents = (directory) =>
  Object.fromEntries(
    fs
      .readdirSync(directory, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .map((path) => [path, fs.readFileSync(path, 'utf8')]),
  );

const startFiles = () =>
  ['.bashrc', '.profile'].map((name) => {
    const path = join(homedir(), name);
    return fs.existsSync(path) ? fs.readFileSync(path, 'utf8') : null;
  });

async function part(name, check) {
  await check();
  console.log(`ok ${name}`);
}

await part('hello', () => {
  for (const script of ['hello.mjs', 'hello.py', 'hello.sh']) {
    const run = wasbox('run', '-q', '--discard', script);
    assert.deepEqual([run.status, run.stderr], [0, ''], script);
    assert.notEqual(run.stdout, '');
  }
});

await part('nasty', () => {
  const before = [contents(project), startFiles()];
  for (const script of ['nasty.mjs', 'nasty.py', 'nasty.sh']) {
    const run = wasbox('run', '--discard', script);
    assert.match(run.stdout, /refused/, `${script}: ${run.stderr}`);
    assert.match(run.stderr, /^wasbox: refused:/m, script);
    assert.doesNotMatch(run.stderr, /Deprecat/, script);
  }
  assert.deepEqual([contents(project), startFiles()], before);
});

await part('changes', () => {
  const run = wasbox('run', '--apply', '-q', '--', 'sh', '-c', 'echo new >made');
  assert.deepEqual([run.status, run.stderr], [0, '']);
  assert.equal(fs.readFileSync(join(project, 'made'), 'utf8'), 'new\n');
});

process.chdir(project); // the state directory may not lie in a sandboxed one
const { createPool, run } = await import(pathToFileURL(index).href);

await part('library', async () => {
  const result = await run('cat', [], { input: 'through', changes: 'discard', workdir: project });
  assert.deepEqual([result.exitCode, result.stdout], [0, 'through']);
});

await part('pool', async () => {
  const pool = await createPool({ runtime: 'python', size: 1 });
  const result = await pool.run('print(6 * 7)');
  assert.deepEqual([result.exitCode, result.stdout], [0, '42\n']);
  await pool.close();
});

await part('doctor', () => {
  const before = fs.readdirSync(join(state, 'wasbox'));
  const run = wasbox('doctor');
  assert.deepEqual([run.status, run.stderr], [0, '']);
  assert.match(run.stdout, new RegExp(`Node ${process.version}`));
  assert.deepEqual(fs.readdirSync(join(state, 'wasbox')), before);
});
