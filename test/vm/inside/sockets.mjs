// Inside the virtual machine: UNIX sockets of the host that appear while a run lasts. The argument is Landlock's ABI;
// before 9 there is nothing in the way, which shows that the case can fail.
import { spawn } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { check, cli, finish } from './case.mjs';

const abi = Number(process.argv[2]);
const place = '/home/user/shown';

/**
 * Returns what a program says of its connection to `at`, where a server of the host's begins to listen once it runs.
 */
async function connectsTo(at, options) {
  rmSync(place, { recursive: true, force: true });
  mkdirSync(place);
  const program = `const { existsSync } = require('node:fs');
console.log('ready');
const timer = setInterval(() => {
  if (!existsSync('${at}')) return;
  clearInterval(timer);
  require('node:net').connect('${at}', () => { console.log('connected'); process.exit(); })
    .on('error', ({ code }) => { console.log(code); process.exit(); });
}, 50);`;
  const words = [
    'run',
    '-q',
    '--discard',
    '--timeout',
    '2m',
    ...options,
    '--',
    'node',
    '-e',
    program,
  ];
  const child = spawn(process.execPath, [cli, ...words], { stdio: ['ignore', 'pipe', 'pipe'] });
  const server = createServer((socket) => socket.destroy());
  const told = ['', ''];
  child.stdout.on('data', (text) => {
    if (told[0] === '') server.listen(`${place}/socket`);
    told[0] += text;
  });
  child.stderr.on('data', (text) => {
    told[1] += text;
  });
  const started = performance.now();
  const status = await new Promise((done) => child.on('close', done));
  server.close();
  const ms = Math.round(performance.now() - started);
  return { status, stdout: told[0], stderr: told[1] + told[0], ms };
}

for (const [name, at, options, expected] of [
  [
    '--ro elsewhere',
    '/mnt/shown/socket',
    ['--ro', `${place}:/mnt/shown`],
    abi < 9 ? 'connected' : 'EACCES',
  ],
  ['--rw', `${place}/socket`, ['--rw', place], 'connected'],
]) {
  const run = await connectsTo(at, options);
  check(`a socket that appears in ${name}`, run, {
    [expected]: run.stdout === `ready\n${expected}\n`,
  });
}
finish();
