/**
 * Checks an installed wasbox from outside, in an empty directory and with the Node that runs it; prints a line a part.
 *
 *   node check.mjs EXAMPLES [--library FILE] [--command FILE] [--address IP] [--without python] [--landlock yes|no] [PART…]
 *
 * Without --library it is the one that `import 'wasbox'` finds; --command is the file that a shell would start, else npm's
 * bin of that library. Without parts, all of them: of root all but `native`, as its starts are not remembered, `network`
 * only with --address, an address of this machine whose port 53 is free for a name server that /etc/resolv.conf names, and
 * `isolation` only with --landlock, which says whether this kernel has Landlock.
 * Uses nothing of the checkout but the examples.
 */
import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs, promisify } from 'node:util';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    library: { type: 'string' },
    command: { type: 'string' },
    address: { type: 'string' },
    landlock: { type: 'string' },
    without: { type: 'string', multiple: true, default: [] },
  },
});
const [examples = '', ...wanted] = positionals;
const project = resolve('project');
const state = resolve('state');
fs.cpSync(resolve(examples), project, { recursive: true });
fs.writeFileSync(join(project, 'package.json'), '{"name":"mine"}\n');
process.env.XDG_STATE_HOME = state;

const index = values.library ?? createRequire(join(process.cwd(), 'main.js')).resolve('wasbox');
const cli = join(dirname(index), 'cli.js');
const command = resolve(values.command ?? join(dirname(index), 'bin/wasbox.bin'));
const hasPython = !values.without.includes('python');
const scripts = (name) =>
  ['mjs', 'sh', ...(hasPython ? ['py'] : [])].map((extension) => `${name}.${extension}`);
const timeout = 300_000; // an emulated processor is slow

/** Any deprecation, also one that Node announces in its documentation alone, is an error. */
function wasbox(...args) {
  const strict = ['--throw-deprecation', '--pending-deprecation'];
  const argv = [...strict, cli, ...args];
  const stdio = ['ignore', 'pipe', 'pipe', 'pipe'];
  return spawnSync(process.execPath, argv, { cwd: project, encoding: 'utf8', timeout, stdio });
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

/** A run with its report, none of whose changes are left. */
function reported(...args) {
  const { status, stderr, output } = wasbox('run', '--discard', '--report', '3', ...args);
  assert.notEqual(output?.[3] ?? '', '', stderr);
  return { status, stderr, report: JSON.parse(output[3]) };
}

/** Shows what `check` returns. */
async function part(name, check) {
  const here = {
    native: process.getuid() !== 0,
    network: values.address !== undefined,
    isolation: values.landlock !== undefined,
  };
  if (wanted.length === 0 ? here[name] === false : !wanted.includes(name)) return;
  const figures = await check();
  console.log(`ok ${name}${figures === undefined ? '' : `: ${figures}`}`);
}

await part('hello', () => {
  for (const script of scripts('hello')) {
    const run = wasbox('run', '-q', '--discard', script);
    assert.deepEqual([run.status, run.stderr], [0, ''], script);
    assert.notEqual(run.stdout, '');
  }
});

await part('nasty', () => {
  const before = [contents(project), startFiles()];
  for (const script of scripts('nasty')) {
    const run = wasbox('run', '--discard', script);
    assert.match(run.stdout, /refused/, `${script}: ${run.stderr}`);
    assert.match(run.stderr, /^wasbox: blocked:/m, script);
    assert.doesNotMatch(run.stderr, /Deprecat/, script);
  }
  assert.deepEqual([contents(project), startFiles()], before);
});

await part('audit', () => {
  const { status, stderr, report } = reported(
    '--audit',
    ...['--', 'sh', '-c', 'cat package.json; rm package.json; rm /etc/passwd'],
  );
  assert.notEqual(status, 0, stderr); // the last rm fails
  const done = (action, ending) =>
    report.audit.files.filter((file) => file.action === action && file.path.endsWith(ending));
  assert.equal(done('read', 'package.json').length, 1);
  assert.equal(done('delete', 'package.json')[0]?.error, undefined);
  assert.ok(done('delete', '/etc/passwd')[0]?.error, JSON.stringify(report.audit.files));
  assert.ok(report.audit.totalCalls > 20);
  assert.ok(report.audit.processes.length > 0);
  assert.ok(fs.existsSync(join(project, 'package.json')));
});

await part('limits', () => {
  const node = (code) => ['--', process.execPath, '-e', code];
  const hog = 'const a=[];for(;;)a.push(Buffer.alloc(1<<20,1))';
  const cases = [
    ['timeout', 124, ['--timeout', '2s', '--', 'sleep', '600']],
    ['cpu', 124, ['--cpu', '1s', ...node('for(;;);')]],
    ['memory', 137, ['--memory', '128M', ...node(hog)]],
  ];
  for (const [limit, status, args] of cases) {
    const run = reported(...args);
    assert.deepEqual([run.report.outcome.limit, run.status], [limit, status], run.stderr);
  }
  const fork = 'i=0; while [ $i -lt 60 ]; do sleep 5 & i=$((i+1)); done; wait';
  const run = reported('--pids', '20', '--', 'sh', '-c', fork);
  assert.ok(run.report.usage.processes <= 20, `${run.report.usage.processes}`);
  assert.notEqual(run.status, 0);
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
  const tasks = { node: 'console.log(6 * 7)', sh: 'echo $((6 * 7))' };
  if (hasPython) tasks.python = 'print(6 * 7)';
  for (const [runtime, task] of Object.entries(tasks)) {
    const pool = await createPool({ lang: runtime, size: 1 });
    const result = await pool.run(task);
    assert.deepEqual([result.exitCode, result.stdout], [0, '42\n'], runtime);
    await pool.close();
  }
});

/** Answers every question for an IPv4 address with 1.2.3.4 (RFC 1035); says which names were asked for. */
async function nameServer(address) {
  const asked = new Set();
  const server = createSocket('udp4');
  server.on('message', (query, { port, address: from }) => {
    const labels = [];
    let at = 12;
    for (; query[at] > 0; at += query[at] + 1)
      labels.push(query.toString('latin1', at + 1, at + 1 + query[at]));
    asked.add(labels.join('.').toLowerCase());
    const isA = query.readUInt16BE(at + 1) === 1;
    const header = Buffer.from([
      ...query.subarray(0, 2),
      0x81,
      0x80,
      0,
      1,
      0,
      isA ? 1 : 0,
      0,
      0,
      0,
      0,
    ]);
    const answer = [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 1, 2, 3, 4];
    const question = query.subarray(12, at + 5);
    server.send(Buffer.concat([header, question, Buffer.from(isA ? answer : [])]), port, from);
  });
  server.bind(53, address);
  await once(server, 'listening');
  return { asked, close: () => server.close() };
}

await part('network', async () => {
  const { address } = values;
  let refusedConnections = 0;
  const open = createServer((socket) => socket.end('by TCP'));
  const closed = createServer(() => refusedConnections++);
  const echo = createSocket('udp4', (message, { port, address: to }) =>
    echo.send(message, port, to),
  );
  const names = await nameServer(address);
  for (const server of [open, closed]) await once(server.listen(0, address), 'listening');
  await once(echo.bind(0, address), 'listening');
  const [tcp, other, udp] = [open, closed, echo].map((server) => server.address().port);
  const inside = `
    const connect = (port) => new Promise((done) => {
      const socket = require('net').connect(port, '${address}');
      socket.on('data', (data) => done(String(data))).on('error', (error) => done(error.code));
    });
    const send = () => new Promise((done) => {
      const socket = require('dgram').createSocket('udp4');
      socket.on('message', (message) => (done(String(message)), socket.close()));
      socket.send('by UDP', ${udp}, '${address}');
    });
    const find = (name) =>
      require('dns/promises').lookup(name).then((found) => found.address, (error) => error.code);
    (async () => console.log(JSON.stringify([await connect(${tcp}), await connect(${other}), await send(),
      await find('allowed.example'), await find('other.example')])))()`;
  const rules = `${address}:${tcp}/tcp,${address}:${udp}/udp,allowed.example`;
  const args = [cli, 'run', '-q', '--discard', '--timeout', '200s', '--net', rules];
  const run = await promisify(execFile)(
    process.execPath,
    [...args, '--', process.execPath, '-e', inside],
    { cwd: project, timeout },
  );
  const expected = ['by TCP', 'EACCES', 'by UDP', '1.2.3.4', 'ENOTFOUND'];
  assert.deepEqual([JSON.parse(run.stdout), run.stderr], [expected, '']);
  assert.deepEqual([refusedConnections, [...names.asked]], [0, ['allowed.example']]);
  for (const server of [open, closed, echo, names]) server.close();
});

/** The files of this machine show what a program wrote. */
await part('isolation', () => {
  const files = ['inside', '/tmp/wasbox-beside']; // relative: with Landlock the copy has another name
  const isWritten = () => files.map((file) => fs.existsSync(file));
  const start = (...argv) =>
    spawnSync(command, argv, {
      ...{ cwd: project, encoding: 'utf8', timeout },
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    });
  const script = files.map((file) => `(echo new >'${file}')`).join('; ');
  for (const isolation of ['namespaces', 'landlock']) {
    const how = ['--isolation', isolation, '--report', '3'];
    const run = start('run', ...how, '--', 'sh', '-c', `${script}; test -e inside`);
    if (isolation === 'landlock' && values.landlock === 'no') {
      assert.deepEqual([run.status, ...isWritten()], [125, false, false], run.stderr);
      continue;
    }
    assert.deepEqual([run.status, ...isWritten()], [0, false, false], run.stderr);
    const { sandbox } = JSON.parse(run.output[3]);
    const has = sandbox.landlockAbi > 0 ? 'yes' : 'no';
    assert.deepEqual([sandbox.isolation, has], [isolation, values.landlock]);
    const applied = start('apply');
    assert.deepEqual([applied.status, ...isWritten()], [0, true, false], applied.stderr);
    fs.rmSync(files[0]);
  }
  // The control: without a sandbox both are written.
  spawnSync('sh', ['-c', script]);
  assert.deepEqual(isWritten(), [true, true]);
  for (const file of files) fs.rmSync(file);
  return `Landlock: ${values.landlock}`;
});

await part('doctor', () => {
  const before = fs.readdirSync(join(state, 'wasbox'));
  const run = wasbox('doctor');
  assert.deepEqual([run.status, run.stderr], [0, '']);
  assert.match(run.stdout, new RegExp(`Node ${process.version}`));
  assert.deepEqual(fs.readdirSync(join(state, 'wasbox')), before);
});

/** A replacement for Node in the PATH shows whether Node was started. */
await part('native', () => {
  const bin = fs.mkdtempSync(resolve('bin-'));
  const log = join(bin, 'log');
  const script = `#!/bin/sh\necho started >>'${log}'\nexec '${process.execPath}' "$@"\n`;
  fs.writeFileSync(join(bin, 'node'), script, { mode: 0o755 });
  // PWD as the shell sets it, so that each start has the same environment.
  const env = { ...process.env, PATH: `${bin}:${process.env.PATH}`, PWD: project };
  fs.writeFileSync(log, '');
  // The control: the log shows Node.
  assert.equal(spawnSync('node', ['--version'], { env, timeout }).status, 0);
  assert.notEqual(fs.readFileSync(log, 'utf8'), '');
  const once = () => {
    fs.writeFileSync(log, '');
    const began = process.hrtime.bigint();
    const run = spawnSync(command, ['run', '-q', '--discard', 'hello.sh'], {
      ...{ cwd: project, encoding: 'utf8', env, timeout },
    });
    const ms = Number(process.hrtime.bigint() - began) / 1e6;
    assert.deepEqual([run.status, run.stderr], [0, ''], run.error?.message);
    assert.match(run.stdout, /^Hello from sh/);
    return { ms, byNode: fs.readFileSync(log, 'utf8') !== '' };
  };
  const first = once();
  const later = [once(), once(), once()];
  assert.deepEqual(
    later.map(({ byNode }) => byNode),
    [false, false, false],
  );
  const fastest = Math.min(...later.map(({ ms }) => ms));
  return `first ${first.ms.toFixed(0)} ms${first.byNode ? '' : ' without Node'}, then ${fastest.toFixed(1)} ms without it`;
});
