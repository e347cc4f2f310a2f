/**
 * `wasbox mcp`, driven by the protocol's own inspector at the command line: every tool, every resource, a question to the
 * user, and calls that are refused.
 *
 *     npm run nightly -- inspector [VERSION]        of the inspector, by default 2
 *
 * npm installs the inspector, and a Node that it works with, into a temporary directory: some 300 MB. Prints a line for
 * each check; exits 1 if one failed. Run it as an ordinary user, too.
 */
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Checks, must } from '../support/checks.mjs';

const checkout = fileURLToPath(new URL('../..', import.meta.url));
const [version = '2'] = process.argv.slice(2);
const home = process.getuid() === 0 ? '/var/tmp' : homedir();
const work = fs.mkdtempSync(join(home, 'wasbox-inspector-'));
const project = join(work, 'project');
fs.mkdirSync(project);
const hidden = join(work, 'hidden');
fs.writeFileSync(hidden, '');

const nodePackage = `node-linux-${process.arch}`;
const modules = join(work, 'node_modules');
const node = join(modules, nodePackage, 'bin/node');
const env = {
  PATH: process.env.PATH,
  HOME: work,
  XDG_STATE_HOME: join(work, 'state'),
  MCP_INSPECTOR_DAEMON_DIR: join(work, 'daemon'),
  MCP_INSPECTOR_SECRET_STORE: 'memory',
};
const server = [process.execPath, join(checkout, 'dist/cli.js'), 'mcp'];
const checks = new Checks();
const { check } = checks;

/** One of the inspector's programs: its status, and what it printed, as data where it is that. */
function inspect(program, ...args) {
  const { status, stdout, stderr } = spawnSync(node, [join(modules, '.bin', program), ...args], {
    cwd: project,
    env,
    encoding: 'utf8',
    timeout: 120_000,
  });
  try {
    return { status, stderr, value: JSON.parse(stdout) };
  } catch {
    return { status, stderr, value: undefined };
  }
}

/** Each call starts a process and a server of its own. */
const once = (method, ...args) =>
  inspect('mcp-inspector', '--cli', ...server, '--method', method, ...args);

/** Calls a tool on the connection that was opened. */
const session = (...args) => inspect('mcpdo', '--format', 'json', '@wasbox', ...args);

const used = new Set();

function call(tool, args = {}, ...more) {
  used.add(tool);
  return session('tools/call', tool, '--tool-args-json', JSON.stringify(args), ...more);
}

/** The data of an answer: beside its text, or in it. */
function dataOf(value) {
  if (value?.structuredContent !== undefined) return value.structuredContent;
  try {
    return JSON.parse(value.content[0].text);
  } catch {
    return undefined;
  }
}

/** Returns what a tool gives, as data. */
function tool(name, args, good, ...more) {
  const { status, stderr, value } = call(name, args, ...more);
  const data = dataOf(value);
  const fine = status === 0 && data && good(data);
  check(fine === true, `${name} ${JSON.stringify(args)}`);
  if (fine !== true) console.log(status, stderr, JSON.stringify(value));
}

/** The inspector exits with 5 where the answer says isError. */
function refused(name, args, code) {
  const { status, value } = call(name, args);
  const text = value?.content?.[0]?.text ?? '';
  check(status === 5 && text.includes(code), `${name} ${JSON.stringify(args)}: ${code}`);
}

function resource(uri, good) {
  const { status, value } = session('resources/read', uri);
  const [content] = value?.contents ?? [];
  check(status === 0 && good(JSON.parse(content?.text ?? 'null')) === true, `reads ${uri}`);
}

function drive() {
  const strict = once('tools/list', '--strict');
  const names = (strict.value?.tools ?? []).map(({ name }) => name);
  check(
    strict.status === 0 && names.length > 0,
    'lists tools, and finds no error in their schemas',
  );
  const listed = once('resources/list');
  const uris = (listed.value?.resources ?? []).map(({ uri }) => uri);
  check(listed.status === 0 && uris.length > 0, 'lists resources');
  const ran = once(
    'tools/call',
    '--tool-name',
    'run_command',
    '--tool-args-json',
    '{"argv":["false"]}',
  );
  check(dataOf(ran.value)?.exit_code === 1, 'runs a command at once');

  const connected = inspect('mcpdo', '--format', 'json', 'connect', '@wasbox', '--', ...server);
  check(connected.status === 0, 'connects');
  const shown = session('connections/show');
  check(shown.value?.serverInfo?.name === 'wasbox', `agrees on ${shown.value?.protocolVersion}`);
  tool('write_file', { path: 'dir/file', content: 'one' }, ({ bytes }) => bytes === 3);
  tool('read_file', { path: 'dir/file' }, ({ content }) => content === 'one');
  tool('list_files', { path: 'dir' }, ({ total }) => total === 1);
  tool('run_command', { argv: ['cat', 'dir/file'] }, ({ stdout }) => stdout === 'one');
  tool('run_command', { argv: ['true'] }, ({ exit_code: code }) => code === 0, '--task');
  tool('run_code', { language: 'sh', code: 'exit 3' }, ({ exit_code: code }) => code === 3);
  tool('run_command', { argv: ['cat', hidden] }, ({ denied }) => denied[0]?.kind === 'file');
  tool('snapshot', {}, ({ snapshot }) => snapshot === 's1');
  tool('remove_file', { path: 'dir', recursive: true }, ({ removed }) => removed);
  tool('rollback', { snapshot: 's1' }, ({ snapshot }) => snapshot === 's1');
  tool('fork', {}, ({ sandbox }) => sandbox === 'fork-1');
  tool('write_file', { path: 'fork', content: '', sandbox: 'fork-1' }, ({ bytes }) => bytes === 0);
  tool('discard_fork', { sandbox: 'fork-1' }, ({ discarded }) => discarded === 'fork-1');
  tool('diff', {}, ({ changes }) => changes.map(({ path }) => path).join() === 'dir,dir/file');
  resource('wasbox://diff', ({ total }) => total === 2);
  resource('wasbox://report', ({ state }) => state === 'running');

  refused('rollback', { snapshot: 's9' }, 'UNKNOWN_SNAPSHOT');
  refused('read_file', { path: '/etc/shadow' }, 'EACCES');
  refused('run_command', { argv: 7 }, 'Invalid arguments');
  check(
    session('resources/read', 'file:///etc/passwd').status === 1,
    'a file of the host is no resource',
  );

  const declined = call('apply').value?.elicitationPending;
  session('elicitation/respond', declined?.elicitationId ?? '', '--decline');
  check(
    declined?.mode === 'form' && fs.readdirSync(project).length === 0,
    'apply asks, and is declined',
  );
  const asked = call('apply').value?.elicitationPending;
  const granted = session('elicitation/respond', asked?.elicitationId ?? '', 'apply:=true');
  const text =
    fs.existsSync(join(project, 'dir/file')) && fs.readFileSync(join(project, 'dir/file'), 'utf8');
  check(granted.value?.structuredContent?.granted === true && text === 'one', 'apply is granted');

  check(
    names.every((name) => used.has(name)),
    `used every tool: ${names.join(', ')}`,
  );
  check(uris.join() === 'wasbox://diff,wasbox://report', 'read every resource');
}

try {
  must(
    [
      'npm',
      'install',
      '--ignore-scripts',
      '--no-audit',
      '--no-fund',
      '--silent',
      '--prefix',
      work,
      `${nodePackage}@22`,
      `@modelcontextprotocol/inspector@${version}`,
    ],
    { cwd: work },
  );
  const { version: installed } = JSON.parse(
    fs.readFileSync(join(modules, '@modelcontextprotocol/inspector/package.json'), 'utf8'),
  );
  console.log(`inspector ${installed}`);
  drive();
} catch (error) {
  checks.fail(error);
} finally {
  if (fs.existsSync(node)) inspect('mcpdo', 'daemon', 'stop');
  fs.rmSync(work, { recursive: true, force: true, maxRetries: 5 });
}
checks.end();
